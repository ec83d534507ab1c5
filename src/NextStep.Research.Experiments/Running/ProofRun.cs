using System.Diagnostics;

namespace NextStep.Research.Experiments;

/// <summary>One of the two runs of a <see cref="ResumeProof"/>: a run folder and the processes that work on it.</summary>
internal sealed class ProofRun
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);
    private readonly WorkerCommand _command;
    private readonly PlannedCell _cell;

    public ProofRun(RunFolder folder, Plan plan, Experiment experiment, WorkerCommand command)
    {
        Folder = folder;
        _command = command;
        _cell = plan.Cells[0];
        Sweep.Prepare(folder, plan, false);
        CellConfigs.Write(folder, plan, experiment);
    }

    public RunFolder Folder { get; }

    /// <summary>Runs to the end.</summary>
    public void Finish(CancellationToken cancellation)
    {
        using LocalWorker worker = Start();
        try
        {
            Wait(worker, () => false, cancellation);
        }
        finally
        {
            LocalWorker.Stop([worker]);
        }
        if (!Folder.IsDone(_cell))
        {
            throw new InvalidDataException($"{_cell.Label} fails although nobody disturbs it: {Folder.ReadFailure(_cell)?.Message ?? worker.LastError}");
        }
    }

    /// <summary>Kills the worker a while after it has got going; false when it was done before.</summary>
    public bool KillAfter(TimeSpan delay, CancellationToken cancellation)
    {
        string before = State();
        using LocalWorker worker = Start();
        Wait(worker, () => State() != before, cancellation);
        Stopwatch clock = Stopwatch.StartNew();
        Wait(worker, () => clock.Elapsed >= delay, cancellation);
        return worker.Kill();
    }

    /// <summary>Whether the stage that is under way has a checkpoint.</summary>
    public bool HasCheckpoint => ProgressMark.Of(Folder, _cell).Images > 0;

    /// <summary>Kills the worker as soon as it has written a further checkpoint; false when it was done before.</summary>
    public bool KillAtCheckpoint(CancellationToken cancellation)
    {
        ProgressMark before = ProgressMark.Of(Folder, _cell);
        using LocalWorker worker = Start();
        Wait(worker, () => ProgressMark.Of(Folder, _cell) is { Images: > 0 } now && now != before, cancellation);
        return worker.Kill();
    }

    /// <summary>Takes the last bytes off the newest checkpoint and off the metrics of the stage that is under way; false when it has none yet.</summary>
    public bool CutShort()
    {
        string? working = _cell.Stages.Select(s => Folder.Stage(s) + ".partial").LastOrDefault(Directory.Exists);
        string? state = working is null ? null : Directory.EnumerateFiles(working, "state-*.safetensors", SearchOption.AllDirectories).Order().LastOrDefault();
        if (state is null)
        {
            return false;
        }
        foreach (string file in ((string[])[state, Path.Combine(working!, "metrics.jsonl")]).Where(File.Exists))
        {
            using FileStream stream = new(file, FileMode.Open, FileAccess.Write);
            stream.SetLength(Math.Max(0, stream.Length - 9));
        }
        return true;
    }

    // Changes whenever something is begun, logged or finished.
    private string State() => string.Join('|', _cell.Stages.Select(s => Directory.Exists(Folder.Stage(s)) ? "done" : Log(Folder.Stage(s) + ".partial")));

    private static string Log(string working)
    {
        FileInfo log = new(Path.Combine(working, "metrics.jsonl"));
        return log.Exists ? FormattableString.Invariant($"{log.Length}") : $"{Directory.Exists(working)}";
    }

    private LocalWorker Start() => new(1, _command.Start([Folder.Path], Environment.ProcessorCount), _ => { });

    private static void Wait(LocalWorker worker, Func<bool> enough, CancellationToken cancellation)
    {
        while (!worker.HasEnded && !enough())
        {
            cancellation.ThrowIfCancellationRequested();
            Thread.Sleep(Poll);
        }
    }
}
