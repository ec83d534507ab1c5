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

    /// <summary><paramref name="finish"/> is called at the end, stopped and failed sweeps included.</summary>
    public int Run(Action<RunFolder> finish)
    {
        RunFolder folder = new(Output);
        using Interrupt interrupt = new();
        try
        {
            Plan plan = Sweep.Prepare(folder, Plan.Make(Experiment, Stages), AcceptChangedPlan);
            return Run(folder, plan, finish, interrupt.Token);
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
        SweepRunner runner = new(folder, plan, Experiment, Stages, new SweepOptions { Only = Only, FailFast = FailFast, RetryFailed = RetryFailed, Report = console.Show });
        if (runner.HasWork)
        {
            TorchBackend.EnsureUsable();
            plan = Sweep.NoteOrigin(folder, plan, Provenance.Collect(File, Experiment.Arms[0].Config.Device), string.Join(' ', ["nextstep", .. Environment.GetCommandLineArgs().Skip(1)]));
        }
        SweepOutcome outcome = console.Run(() => runner.Run(cancellation));
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
