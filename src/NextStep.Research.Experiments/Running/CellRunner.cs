using System.Diagnostics;

namespace NextStep.Research.Experiments;

/// <summary>Runs one cell: its stages in order, each continued from what is there, then the result.</summary>
internal sealed class CellRunner(RunFolder folder, IReadOnlyList<StageDefinition> stages, SweepOptions options)
{
    private const int LogLines = 20;
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan NoteEvery = TimeSpan.FromSeconds(2);

    // A shared stage that failed for one cell would fail for the next in the same way.
    private readonly Dictionary<string, CellFailure> _failedStages = [];

    /// <summary>Returns a <see cref="CellResult"/>, a <see cref="CellFailure"/>, or null when stopped.</summary>
    public object? Run(PlannedCell cell, ResearchConfig config, CancellationToken cancellation)
    {
        string cellFolder = folder.Cell(cell);
        AtomicFile.WriteText(Path.Combine(cellFolder, "config.yaml"), ConfigYaml.Write(config));
        File.Delete(Path.Combine(cellFolder, "failure.json"));
        Dictionary<string, string> inputs = [];
        foreach (PlannedStage stage in cell.Stages)
        {
            StageRun run = new(cell, stage, config, inputs);
            try
            {
                cancellation.ThrowIfCancellationRequested();
                if (_failedStages.TryGetValue(stage.Key, out CellFailure? earlier))
                {
                    return Fail(run, earlier with { Cell = cell.Key, Arm = cell.Arm, Seed = cell.Seed });
                }
                Obtain(run, cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return null;
            }
            catch (Exception e) when (!IsFatal(e))
            {
                return Fail(run, Describe(run, e));
            }
            inputs[stage.Kind] = folder.Stage(stage);
        }
        CellResult result = new ResultBuilder(folder, cell).Build() with { Provenance = options.Provenance };
        RunFolder.Write(Path.Combine(cellFolder, "result.json"), result);
        File.Delete(Path.Combine(cellFolder, "progress.json"));
        options.Report(new SweepEvent.CellDone(cell, result));
        return result;
    }

    private void Obtain(StageRun run, CancellationToken cancellation)
    {
        string final = folder.Stage(run.Stage);
        bool told = false;
        while (!Directory.Exists(final))
        {
            using Claimed? claim = run.Stage.Shared ? Claimed.TryTake(final + ".claim") : null;
            if (run.Stage.Shared && claim is null)
            {
                if (!told)
                {
                    options.Report(new SweepEvent.Waiting($"stage {run.Stage.Kind}", Claimed.Describe(final + ".claim")));
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
            using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, claim?.Lost ?? CancellationToken.None);
            try
            {
                Execute(run, final, stop.Token);
                return;
            }
            catch (OperationCanceledException) when (claim?.Lost.IsCancellationRequested == true && !cancellation.IsCancellationRequested)
            {
                // Taken over by another process: wait for it like for any other.
            }
        }
        options.Report(new SweepEvent.StageStarted(run.Cell, run.Stage, true));
    }

    private void Execute(StageRun run, string final, CancellationToken cancellation)
    {
        Directory.CreateDirectory(run.Working = final + ".partial");
        options.Report(new SweepEvent.StageStarted(run.Cell, run.Stage, false));
        Stopwatch clock = Stopwatch.StartNew();
        Stopwatch? noted = null;
        stages.First(s => s.Kind == run.Stage.Kind).Run(new StageContext
        {
            Config = run.Config,
            Directory = run.Working,
            Inputs = new Dictionary<string, string>(run.Inputs),
            Cancellation = cancellation,
            Progress = progress =>
            {
                run.Last = progress;
                options.Report(new SweepEvent.StageProgressed(run.Cell, run.Stage, progress, clock.Elapsed.TotalSeconds));
                if (noted is null || noted.Elapsed > NoteEvery)
                {
                    noted = Stopwatch.StartNew();
                    RunFolder.Write(Path.Combine(folder.Cell(run.Cell), "progress.json"),
                        new CellProgress(run.Stage.Kind, progress.Done, progress.Total, progress.Unit, clock.Elapsed.TotalSeconds, progress.Metrics));
                }
            },
        });
        cancellation.ThrowIfCancellationRequested();
        RunFolder.Write(Path.Combine(run.Working, StageRecord.FileName), new StageRecord(run.Stage.Kind, run.Stage.Key, run.Cell.Key, clock.Elapsed.TotalSeconds) { Machine = Provenance.Processor, Ended = DateTime.UtcNow });
        Directory.Move(run.Working, final);
        options.Report(new SweepEvent.StageDone(run.Cell, run.Stage, clock.Elapsed.TotalSeconds));
    }

    private CellFailure Fail(StageRun run, CellFailure failure)
    {
        if (run.Stage.Shared)
        {
            _failedStages.TryAdd(run.Stage.Key, failure);
        }
        RunFolder.Write(Path.Combine(folder.Cell(run.Cell), "failure.json"), failure);
        options.Report(new SweepEvent.CellFailed(run.Cell, failure));
        return failure;
    }

    private static CellFailure Describe(StageRun run, Exception e)
    {
        Exception inner = e is System.Reflection.TargetInvocationException or TypeInitializationException && e.InnerException is not null ? e.InnerException : e;
        string step = run.Last is not { } p ? "" : FormattableString.Invariant($"{p.Done} of {p.Total} {p.Unit}")
            + string.Concat(p.Metrics.Select(m => FormattableString.Invariant($", {m.Key} {m.Value:G5}")));
        string log = Path.Combine(run.Working, "metrics.jsonl");
        return new CellFailure(run.Cell.Key, run.Cell.Arm, run.Cell.Seed, run.Stage.Kind, inner.GetType().Name, inner.Message, step, run.Stage.Folder + ".partial",
            File.Exists(log) ? [.. File.ReadLines(log).TakeLast(LogLines)] : [], e.StackTrace ?? "", DateTime.UtcNow);
    }

    // With a full or read-only disk no cell can go on, and none is to blame.
    private bool IsFatal(Exception e)
    {
        if (e is not (IOException or UnauthorizedAccessException) || e is FileNotFoundException or DirectoryNotFoundException or EndOfStreamException)
        {
            return false;
        }
        string probe = Path.Combine(folder.Path, $".probe-{Guid.NewGuid():N}");
        try
        {
            File.WriteAllBytes(probe, new byte[1 << 16]);
            return false;
        }
        catch (Exception probed) when (probed is IOException or UnauthorizedAccessException)
        {
            return true;
        }
        finally
        {
            if (File.Exists(probe))
            {
                File.Delete(probe);
            }
        }
    }

    private sealed record StageRun(PlannedCell Cell, PlannedStage Stage, ResearchConfig Config, Dictionary<string, string> Inputs)
    {
        public string Working { get; set; } = "";

        public StageProgress? Last { get; set; }
    }
}
