using System.Diagnostics;
using NextStep.Research.Experiments;
using NextStep.Research.Reports;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary>Runs the plan of an experiment in a folder, with everything that a person sees of it.</summary>
internal sealed record SweepJob(string File, Experiment Experiment, IReadOnlyList<StageDefinition> Stages, string Output)
{
    private const int LogLines = 5;

    public IReadOnlyList<string> Only { get; init; } = [];

    public bool FailFast { get; init; }

    public bool RetryFailed { get; init; }

    public bool AcceptChangedPlan { get; init; }

    /// <summary>Processes that share the cells, and the cores among them, and their devices; one: this process does the work.</summary>
    public WorkerPlaces Places { get; init; } = WorkerPlaces.AsConfigured(1);

    /// <summary>How long it may take; null: as long as it does.</summary>
    public SweepBudget? Budget { get; init; }

    /// <summary>Hand the work to Slurm, with these wishes, instead of doing it here.</summary>
    public SlurmOptions? Slurm { get; init; }

    /// <summary><paramref name="finish"/> is called at the end, stopped and failed sweeps included.</summary>
    public int Run(Action<RunFolder> finish)
    {
        RunFolder folder = new(Output);
        using Interrupt interrupt = new();
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(interrupt.Token, Budget?.Over ?? CancellationToken.None);
        DataReport data = DataReport.Of(Experiment); // an empty side of the split is found before the folder is begun
        try
        {
            Plan plan = Sweep.Prepare(folder, Plan.Make(Experiment, Stages), AcceptChangedPlan);
            return Run(folder, plan, data, finish, stop.Token);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && e is not FileNotFoundException)
        {
            throw new IOException($"cannot write to {Output}: {e.Message}. Finished work is intact; the same command continues.", e);
        }
    }

    /// <summary>Every failure with the end of its log and where to look further.</summary>
    public static void ShowFailures(string folder, IReadOnlyList<CellFailure> failed)
    {
        foreach (CellFailure failure in failed)
        {
            Console.Error.WriteLine($"failed: {failure.Arm}, seed {failure.Seed}, stage {failure.Stage}: {failure.Message}");
            foreach (string line in failure.Log.TakeLast(LogLines))
            {
                Console.Error.WriteLine($"  {line}");
            }
            if (failure.Capsule.Length > 0)
            {
                Console.Error.WriteLine($"  everything about it: {failure.Capsule}; again: {ShellText.Line("nextstep", "replay", folder, failure.Capsule.Split('/')[1])}");
            }
        }
    }

    /// <summary>Notes who works on the folder and with what.</summary>
    public Plan NoteOrigin(RunFolder folder, Plan plan)
    {
        CellConfigs.Write(folder, plan, Experiment);
        return Sweep.NoteOrigin(folder, plan, Provenance.Collect(folder, File, Experiment.Arms[0].Config.DescribeDevice(), Provenance.CommandLine));
    }

    private int Run(RunFolder folder, Plan plan, DataReport data, Action<RunFolder> finish, CancellationToken cancellation)
    {
        Stopwatch clock = Stopwatch.StartNew();
        using SweepConsole console = SweepConsole.Create();
        SweepOptions options = new() { Only = Only, FailFast = FailFast, RetryFailed = RetryFailed, Report = console.Show };
        SweepRunner runner = new(folder, plan, Experiment, Stages, options);
        bool pool = false;
        if (runner.HasWork)
        {
            data.Write(folder);
            DataConsole.Show(data);
            pool = Places.Jobs > 1;
            if (Slurm is null && !pool)
            {
                TorchBackend.EnsureUsable();
            }
            ComponentCheck.Run(Experiment);
            plan = NoteOrigin(folder, plan);
            string? device = pool ? null : Places.Of(1);
            options = options with { Provenance = Provenance.OfWorker(folder, plan, Provenance.CommandLine, device), Device = device };
            runner = new SweepRunner(folder, plan, Experiment, Stages, options);
        }
        if (Slurm is not null && runner.HasWork)
        {
            return Submit(folder, plan, options);
        }
        SweepOutcome outcome = console.Run(() => pool ? new WorkerPool(folder, plan, Worker, Places, options).Run(cancellation) : runner.Run(cancellation));
        try
        {
            Sweep.Judge(folder, plan);
            finish(folder);
        }
        finally
        {
            ShowFailures(Output, outcome.Failed); // also where the report cannot be written
        }
        string seconds = FormattableString.Invariant($"{clock.Elapsed.TotalSeconds:F1} s");
        AnsiConsole.WriteLine($"{Output}: {outcome.Ran} cells run, {outcome.Skipped} done before, {outcome.Failed.Count} failed, {(outcome.Stopped > 0 ? $"{outcome.Stopped} stopped by the search, " : "")}{seconds}");
        if (outcome.Cancelled)
        {
            Console.Error.WriteLine(Budget is { Over.IsCancellationRequested: true } budget ? $"the time is over ({budget.End.LocalDateTime:yyyy-MM-dd HH:mm}): {Left(folder, plan)}" : "stopped before the end; the same command continues");
        }
        return outcome.Cancelled || outcome.Failed.Count > 0 ? 1 : 0;
    }

    // What a stop by the clock leaves for the next night.
    private string Left(RunFolder folder, Plan plan)
    {
        PlannedCell[] cells = [.. new SweepOptions { Only = Only }.Select(plan)];
        int done = cells.Count(folder.IsDone), failed = cells.Count(c => folder.ReadFailure(c) is not null), begun = cells.Count(c => !folder.IsDone(c) && folder.ReadProgress(c) is not null);
        PlanEstimate estimate = PlanEstimate.FromEarlierRuns(Experiment, plan with { Cells = cells }, Stages, folder, Places.Jobs);
        string time = estimate.Seconds is { } seconds ? $"about {Numbers.Duration(seconds)} with {Places.Jobs} {(Places.Jobs == 1 ? "process" : "processes")}" : "time unknown until every kind of stage was run once";
        return $"{done} of {cells.Length} cells done, {failed} failed, {begun} begun and saved, {cells.Length - done - failed - begun} waiting; left: {time}. The same command continues.";
    }

    private int Submit(RunFolder folder, Plan plan, SweepOptions options)
    {
        WorkerCommand worker = Worker with { Verb = ["work", "--trust"] };
        SlurmSubmission submitted = new SlurmLauncher(folder, plan, worker, ["report", "--after-slurm"], Slurm!, new ClusterCommands()).Submit(options);
        foreach (string note in submitted.Notes)
        {
            Console.Error.WriteLine(note);
        }
        AnsiConsole.WriteLine(submitted.Jobs.Count > 0
            ? $"submitted {submitted.Cells} cells and {submitted.SharedStages} stages that they share, jobs {string.Join(", ", submitted.Jobs)}; logs: {Path.Combine(Output, "slurm", "logs")}"
            : "nothing to submit");
        AnsiConsole.WriteLine($"{(submitted.Waiting > 0 ? $"{submitted.Waiting} cells are in Slurm's hands already. " : "")}See: {ShellText.Line("nextstep", "status", Output)}");
        return 0;
    }

    /// <summary>A process of this program that works on a run folder as long as the one that started it lives.</summary>
    public static WorkerCommand Worker { get; } = WorkerCommand.Of(typeof(SweepJob).Assembly, "work", "--trust", "--child");
}
