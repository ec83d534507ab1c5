using System.Diagnostics;
using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary>Runs the plan of an experiment in a folder, with everything that a person sees of it.</summary>
internal sealed record SweepJob(string File, Experiment Experiment, IReadOnlyList<StageDefinition> Stages, string Output)
{
    public IReadOnlyList<string> Only { get; init; } = [];

    public bool FailFast { get; init; }

    public bool RetryFailed { get; init; }

    public bool AcceptChangedPlan { get; init; }

    /// <summary>Processes that share the cells, and the cores among them.</summary>
    public int Jobs { get; init; } = 1;

    /// <summary>True in a process that another one started: it works, and leaves judging and reporting to that one.</summary>
    public bool Worker { get; init; }

    /// <summary>How this process was called, for its workers.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary><paramref name="finish"/> is called at the end, stopped and failed sweeps included.</summary>
    public int Run(Action<RunFolder> finish)
    {
        RunFolder folder = new(Output);
        using Interrupt interrupt = new();
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(
            interrupt.Token, Worker ? LocalWorkers.ParentGone() : CancellationToken.None);
        try
        {
            Plan plan = Sweep.Prepare(folder, Plan.Make(Experiment, Stages), AcceptChangedPlan);
            return Run(folder, plan, finish, stop.Token);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && e is not FileNotFoundException)
        {
            throw new IOException($"cannot write to {Output}: {e.Message}. Finished work is intact; the same command continues.", e);
        }
    }

    private int Run(RunFolder folder, Plan plan, Action<RunFolder> finish, CancellationToken cancellation)
    {
        Stopwatch clock = Stopwatch.StartNew();
        using SweepConsole console = SweepConsole.Create();
        SweepOptions options = new() { Only = Only, FailFast = FailFast, RetryFailed = RetryFailed, Report = console.Show };
        SweepRunner runner = new(folder, plan, Experiment, Stages, options);
        IReadOnlyDictionary<string, string> provenance = new Dictionary<string, string>();
        if (runner.HasWork)
        {
            provenance = Provenance.Collect(folder, File, Experiment.Arms[0].Config.Device, string.Join(' ', ["nextstep", .. Environment.GetCommandLineArgs().Skip(1)]));
            runner = new SweepRunner(folder, plan, Experiment, Stages, options with { Provenance = provenance });
            TorchBackend.EnsureUsable();
            if (Jobs > 1)
            {
                TorchSharp.torch.set_num_threads(Math.Max(1, Environment.ProcessorCount / Jobs));
            }
        }
        if (Worker)
        {
            runner.Run(cancellation);
            return 0;
        }
        if (runner.HasWork)
        {
            plan = Sweep.NoteOrigin(folder, plan, provenance);
        }
        SweepOutcome outcome;
        using (runner.HasWork && Jobs > 1 ? new LocalWorkers(Jobs - 1, Arguments) : null)
        {
            outcome = console.Run(() => runner.Run(cancellation));
        }
        Sweep.Judge(folder, plan);
        finish(folder);
        foreach (CellFailure failure in outcome.Failed)
        {
            Console.Error.WriteLine($"failed: {failure.Arm}, seed {failure.Seed}, stage {failure.Stage}: {failure.Message}");
            foreach (string line in failure.Log.TakeLast(3))
            {
                Console.Error.WriteLine($"  {line}");
            }
        }
        string seconds = FormattableString.Invariant($"{clock.Elapsed.TotalSeconds:F1} s");
        AnsiConsole.WriteLine($"{Output}: {outcome.Ran} cells run, {outcome.Skipped} done before, {outcome.Failed.Count} failed, {seconds}");
        if (outcome.Cancelled)
        {
            Console.Error.WriteLine("stopped before the end; the same command continues");
        }
        return outcome.Cancelled || outcome.Failed.Count > 0 ? 1 : 0;
    }
}
