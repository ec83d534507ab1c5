using System.Diagnostics;
using System.Globalization;

namespace NextStep.Research.Experiments.Tests.EndToEnd;

public sealed class InterruptedSweepTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    // What is measured matters little here, and costs most.
    private static readonly string[] Sweep =
    [
        "--jobs", "2", "--set", "evaluation.reference=16", "--set", "evaluation.guidanceTrace=[]", "--set", "evaluation.verifierScenes=1", "--set", "evaluation.latentNoise=[0]",
    ];

    private enum Blow
    {
        Everything,
        ParentOnly,
        WorkerOnly,
        Politely,
    }

    /// <summary>Long form: <c>NEXTSTEP_INTERRUPTIONS=10</c>, and <c>NEXTSTEP_STRESS_LOG</c> names a file for what was done.</summary>
    [Fact]
    public async Task Interrupted_again_and_again_a_sweep_ends_with_the_bits_and_the_table_of_an_undisturbed_one()
    {
        int interruptions = int.Parse(Environment.GetEnvironmentVariable("NEXTSTEP_INTERRUPTIONS") ?? "3", CultureInfo.InvariantCulture);
        using TemporaryFolder folder = new();
        string file = MicroExperiment.Write(folder.Path), straight = folder.File("straight"), interrupted = folder.File("interrupted");
        (int code, string output) = await MicroExperiment.Run(["sweep", file, "--out", straight, .. Sweep]);
        Assert.True(code == 0, output);
        List<string> done = [];
        Random random = new(interruptions);
        for (int i = 0; i < interruptions; i++)
        {
            Blow blow = (Blow)(i % 4);
            bool hit = await Interrupt(file, interrupted, blow, TimeSpan.FromSeconds(1.5 * random.NextDouble()));
            bool cut = hit && blow != Blow.Politely && CutShort(interrupted);
            done.Add($"{blow}{(hit ? "" : " (too late)")}{(cut ? ", files cut short" : "")}");
        }
        (code, output) = await MicroExperiment.Run(["sweep", file, "--out", interrupted, .. Sweep]);
        Assert.True(code == 0, output);
        Assert.Contains(done, d => !d.Contains("too late", StringComparison.Ordinal));
        (int compared, IReadOnlyList<string> differences) = RunComparison.Compare(straight, interrupted);
        Assert.True(differences.Count == 0, $"after {string.Join("; ", done)}: {string.Join(", ", differences)}");
        Assert.True(compared > 30);
        string one = (await MicroExperiment.Run("compare", straight)).Output, two = (await MicroExperiment.Run("compare", interrupted)).Output;
        Assert.Contains("flow.loss", one, StringComparison.Ordinal);
        Assert.Equal(one.Replace(straight, "", StringComparison.Ordinal), two.Replace(interrupted, "", StringComparison.Ordinal));
        if (Environment.GetEnvironmentVariable("NEXTSTEP_STRESS_LOG") is { } log)
        {
            await File.AppendAllTextAsync(log, $"interruptions: {string.Join("; ", done)}; {compared} files compared, all equal; compare tables equal\n{one}\n", CancellationToken.None);
        }
    }

    // Some time after the sweep has got going again; false when it ended before.
    private static async Task<bool> Interrupt(string file, string run, Blow blow, TimeSpan delay)
    {
        string before = State(run);
        using Process process = MicroExperiment.Start(["sweep", file, "--out", run, .. Sweep]);
        _ = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        _ = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        Stopwatch clock = Stopwatch.StartNew();
        while (!process.HasExited && State(run) == before)
        {
            Assert.True(clock.Elapsed < Patience, "the sweep does nothing");
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
        await Task.Delay(delay, TestContext.Current.CancellationToken);
        bool hit = !process.HasExited;
        int[] workers = Workers(run);
        switch (blow)
        {
            case Blow.Everything:
                process.Kill(true);
                break;
            case Blow.ParentOnly:
                process.Kill();
                break;
            case Blow.WorkerOnly:
                Array.ForEach(workers, w => Send("KILL", w));
                await Task.Delay(500, TestContext.Current.CancellationToken);
                process.Kill(true);
                break;
            default:
                Send("TERM", process.Id);
                break;
        }
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        // Workers whose parent is gone stop at their next step.
        while (Workers(run).Length > 0)
        {
            Assert.True(clock.Elapsed < Patience, "a worker outlives the sweep");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
        return hit;
    }

    // What a power cut does to files that were not yet on the disk.
    private static bool CutShort(string run)
    {
        string? state = Working(run).SelectMany(w => Directory.GetFiles(w, "state-*.safetensors", SearchOption.AllDirectories)).Order().LastOrDefault();
        if (state is null)
        {
            return false;
        }
        foreach (string file in (string[])[state, Path.Combine(Path.GetDirectoryName(state)!, "..", "metrics.jsonl")])
        {
            using FileStream stream = new(file, FileMode.Open);
            stream.SetLength(Math.Max(0, stream.Length - 11));
        }
        return true;
    }

    private static string State(string run) => string.Join('|', Stages(run, "*").Order().Select(s =>
    {
        FileInfo log = new(Path.Combine(s, "metrics.jsonl"));
        return $"{s} {(log.Exists ? log.Length : 0)}";
    }));

    private static string[] Working(string run) => Stages(run, "*.partial");

    private static string[] Stages(string run, string pattern) =>
        Directory.Exists(Path.Combine(run, "stages")) ? Directory.GetDirectories(Path.Combine(run, "stages"), pattern) : [];

    private static int[] Workers(string run) => !Directory.Exists(run) ? [] : [.. Directory.GetFiles(run, "*lease", SearchOption.AllDirectories)
        .Select(c => Lease.Look(c).Owner).OfType<LeaseOwner>().Where(o => o.IsAlive() == true).Select(o => o.Process).Distinct()];

    private static void Send(string signal, int process)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", process.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}
