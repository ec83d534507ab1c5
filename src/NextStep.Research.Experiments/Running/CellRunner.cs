using System.Diagnostics;

namespace NextStep.Research.Experiments;

/// <summary>Runs one cell: its stages in order, each continued from what is there, then the result.</summary>
internal sealed class CellRunner(RunFolder folder, IReadOnlyList<StageDefinition> stages, SweepOptions options, IReadOnlyList<StopRule> rules)
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan NoteEvery = TimeSpan.FromSeconds(2);
    private readonly Action<SweepEvent> _report = options.Report;

    /// <summary>
    /// Runs the whole cell under its lease: a <see cref="CellResult"/>, a <see cref="CellFailure"/>, or null when stopped, or when another process is
    /// at a stage that this cell needs: then another cell may go on meanwhile.
    /// </summary>
    public object? Run(PlannedCell cell, ResearchConfig config, Lease lease, CancellationToken cancellation)
    {
        string cellFolder = folder.Cell(cell);
        Directory.CreateDirectory(cellFolder);
        AtomicFile.RemoveLeftovers(cellFolder, SearchOption.TopDirectoryOnly);
        CellConfigs.Write(folder, cell, config);
        File.Delete(Path.Combine(cellFolder, "failure.json"));
        CellFailure? ended;
        try
        {
            ended = RunStages(cell, config, cell.Stages.Count, lease, cancellation);
        }
        catch (HeldElsewhereException)
        {
            return null;
        }
        if (ended is { } failure)
        {
            RunFolder.Write(Path.Combine(cellFolder, "failure.json"), failure);
            _report(new SweepEvent.CellFailed(cell, failure));
            return failure;
        }
        if (cancellation.IsCancellationRequested)
        {
            return null;
        }
        CellResult built = new ResultBuilder(folder, cell, config.Sampling).Build(), result = built with { Provenance = new Dictionary<string, string>(options.Provenance.Concat(built.Provenance)) };
        DiskFlush.Files(cellFolder);
        if (lease.IsLost())
        {
            return null;
        }
        RunFolder.Write(Path.Combine(cellFolder, "result.json"), result);
        Array.ForEach(Directory.GetFiles(cellFolder, "progress.json*"), File.Delete);
        _report(new SweepEvent.CellDone(cell, result));
        return result;
    }

    /// <summary>Runs the first <paramref name="count"/> stages of a cell; null when they are done, or when stopped.</summary>
    public CellFailure? RunStages(PlannedCell cell, ResearchConfig config, int count, Lease? lease, CancellationToken cancellation)
    {
        Dictionary<string, string> inputs = [];
        config = options.Device is { } device ? config with { Device = device } : config;
        foreach (PlannedStage stage in cell.Stages.Take(count))
        {
            StageRun run = new(cell, stage, config, inputs);
            try
            {
                cancellation.ThrowIfCancellationRequested();
                if (Obtain(run, lease, cancellation) is { } earlier)
                {
                    return earlier with { Cell = cell.Key, Arm = cell.Arm, Seed = cell.Seed };
                }
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return null;
            }
            catch (Exception e) when (e is not HeldElsewhereException && !FatalError.Is(e, folder))
            {
                CellFailure failure = e is HopelessException ? Describe(run, e) : Pack(run, Describe(run, e), e as StepException);
                if (stage.Shared)
                {
                    RunFolder.Write(folder.StageFailure(stage), failure); // it would fail for the next cell in the same way
                }
                return failure;
            }
            inputs[stage.Kind] = folder.Stage(stage);
        }
        return null;
    }

    // A capsule that cannot be written is told beside the failure, not instead.
    private CellFailure Pack(StageRun run, CellFailure failure, StepException? step)
    {
        try
        {
            return FailureCapsule.Pack(folder, run.Cell, run.Config, failure, step);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _report(new SweepEvent.Note($"{run.Cell.Label}, stage {run.Stage.Kind}: {failure.Message}"));
            return failure with { Message = $"{failure.Message} (its capsule could not be written: {e.Message})" };
        }
    }

    // Whoever has the lease of a shared stage runs it; who came for a whole cell leaves it, who came for the stage waits.
    private CellFailure? Obtain(StageRun run, Lease? cellLease, CancellationToken cancellation)
    {
        string final = folder.Stage(run.Stage);
        bool told = false;
        while (!Directory.Exists(final))
        {
            if (run.Stage.Shared && RunFolder.Read<CellFailure>(folder.StageFailure(run.Stage)) is { } earlier)
            {
                return earlier;
            }
            using Lease? lease = run.Stage.Shared ? Lease.TryTake(Lease.FileOf(folder, run.Stage), LeaseWatch.Shared) : null;
            if (run.Stage.Shared && lease is null)
            {
                if (cellLease is not null)
                {
                    throw new HeldElsewhereException();
                }
                if (!told)
                {
                    _report(new SweepEvent.Waiting($"stage {run.Stage.Kind}", Lease.Describe(Lease.FileOf(folder, run.Stage))));
                    told = true;
                }
                cancellation.WaitHandle.WaitOne(Poll);
                cancellation.ThrowIfCancellationRequested();
                continue;
            }
            if (Directory.Exists(final)) // finished by another process in this moment
            {
                break;
            }
            using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, lease?.Lost ?? CancellationToken.None);
            try
            {
                Execute(run, final, lease, cellLease, stop.Token);
                return null;
            }
            catch (OperationCanceledException) when (lease?.Lost.IsCancellationRequested == true && !cancellation.IsCancellationRequested)
            {
                // Taken over by another process: wait for it like for any other.
            }
        }
        _report(new SweepEvent.StageStarted(run.Cell, run.Stage, true));
        return null;
    }

    private void Execute(StageRun run, string final, Lease? stageLease, Lease? cellLease, CancellationToken cancellation)
    {
        Lease? lease = stageLease ?? cellLease;
        Directory.CreateDirectory(run.Working = final + ".partial");
        AtomicFile.RemoveLeftovers(run.Working, SearchOption.AllDirectories);
        _report(new SweepEvent.StageStarted(run.Cell, run.Stage, false));
        Stopwatch clock = Stopwatch.StartNew();
        TimeSpan worked = Environment.CpuUsage.TotalTime;
        Stopwatch? noted = null;
        StageDefinition stage = stages.First(s => s.Kind == run.Stage.Kind);
        int? count = stage.Reads.Contains("threads") ? run.Config.Threads : null; // what does not compute with torch does not load it
        using CpuThreads? threads = CpuThreads.Use(count);
        stage.Run(new StageContext
        {
            Config = run.Config,
            Directory = run.Working,
            Inputs = new Dictionary<string, string>(run.Inputs),
            Cancellation = cancellation,
            Note = text => _report(new SweepEvent.Note(text)),
            Earlier = run.Stage.From is { } from && Directory.Exists(Path.Combine(folder.Path, from)) ? Path.Combine(folder.Path, from) : null,
            GoesOn = run.Cell.Rung is not null,
            Progress = progress =>
            {
                run.Last = progress;
                if (rules.Select(r => r.Judge(run.Stage.Kind, progress)).FirstOrDefault(r => r is not null) is { } hopeless)
                {
                    throw new HopelessException(hopeless);
                }
                lease?.Check();
                _report(new SweepEvent.StageProgressed(run.Cell, run.Stage, progress, clock.Elapsed.TotalSeconds));
                // Only who has the cell's lease writes into its folder.
                if (cellLease is not null && (noted is null || noted.Elapsed > NoteEvery))
                {
                    noted = Stopwatch.StartNew();
                    RunFolder.Write(Path.Combine(folder.Cell(run.Cell), "progress.json"),
                        new CellProgress(run.Stage.Kind, progress.Done, progress.Total, progress.Unit, clock.Elapsed.TotalSeconds, progress.Metrics), durable: false);
                }
            },
        });
        cancellation.ThrowIfCancellationRequested();
        RunFolder.Write(Path.Combine(run.Working, StageRecord.FileName), new StageRecord(run.Stage.Kind, run.Stage.Key, run.Cell.Key, clock.Elapsed.TotalSeconds) { Machine = Provenance.Processor, Code = options.Code, Ended = DateTime.UtcNow, Threads = count, Products = count is null ? null : MatrixProducts.Path, ProcessorSeconds = (Environment.CpuUsage.TotalTime - worked).TotalSeconds }, durable: false);
        DiskFlush.Files(run.Working);
        lease?.IsLost(); // signals Lost when it is
        cancellation.ThrowIfCancellationRequested();
        Directory.Move(run.Working, final);
        _report(new SweepEvent.StageDone(run.Cell, run.Stage, clock.Elapsed.TotalSeconds));
    }

    private static CellFailure Describe(StageRun run, Exception e)
    {
        Exception inner = e is System.Reflection.TargetInvocationException or TypeInitializationException && e.InnerException is not null ? e.InnerException : e;
        string step = run.Last is not { } p ? "" : FormattableString.Invariant($"{p.Done} of {p.Total} {p.Unit}")
            + string.Concat(p.Metrics.Select(m => FormattableString.Invariant($", {m.Key} {m.Value:G5}")));
        Exception kind = inner is StepException { InnerException: { } cause } ? cause : inner;
        return new CellFailure(run.Cell.Key, run.Cell.Arm, run.Cell.Seed, run.Stage.Kind, kind.GetType().Name, inner.Message, step, run.Stage.Folder + ".partial",
            LogTail.Of(run.Working), kind.StackTrace ?? "", DateTime.UtcNow);
    }

    private sealed record StageRun(PlannedCell Cell, PlannedStage Stage, ResearchConfig Config, Dictionary<string, string> Inputs)
    {
        public string Working { get; set; } = "";

        public StageProgress? Last { get; set; }
    }

    // Another process is at a shared stage. No failure: the cell is taken again later.
    private sealed class HeldElsewhereException : Exception;
}
