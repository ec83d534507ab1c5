namespace NextStep.Research.Experiments;

/// <summary>
/// <c>cells/&lt;key&gt;/capsule/</c>: all that a failure needs to be looked at, and run again, later: <c>config.yaml</c>, <c>failure.json</c>
/// (exception, step, pictures of the batch) and, when a training step failed, <c>state.safetensors</c> from before that step.
/// </summary>
internal static class FailureCapsule
{
    private const string State = "state.safetensors";

    /// <summary>Packs one, in place of an older one of the cell.</summary>
    internal static CellFailure Pack(RunFolder folder, PlannedCell cell, ResearchConfig config, CellFailure failure, StepException? step)
    {
        string capsule = FolderOf(folder, cell);
        if (Directory.Exists(capsule))
        {
            Directory.Delete(capsule, true);
        }
        AtomicFile.WriteText(Path.Combine(capsule, "config.yaml"), ConfigYaml.Write(config));
        failure = failure with { Capsule = $"cells/{cell.Key}/capsule" };
        if (step is not null)
        {
            failure = failure with { StepNumber = step.Step, BatchIds = step.BatchIds };
            if (step.StateFile is { } state)
            {
                File.Move(state, Path.Combine(capsule, State));
            }
        }
        RunFolder.Write(Path.Combine(capsule, "failure.json"), failure);
        return failure;
    }

    /// <summary>
    /// Runs the failed stage of a cell again in a temporary folder, from the state before the failed step where there is one, and stops
    /// behind that step.
    /// </summary>
    /// <returns>What was packed, and the exception of this time; null when it does not happen again.</returns>
    /// <exception cref="InvalidDataException">The cell has no capsule, or the stages before the failed one are gone.</exception>
    public static (CellFailure Packed, Exception? Again) Replay(RunFolder folder, PlannedCell cell, IReadOnlyList<StageDefinition> stages, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(stages);
        string capsule = FolderOf(folder, cell);
        CellFailure failure = RunFolder.Read<CellFailure>(Path.Combine(capsule, "failure.json"))
            ?? throw new InvalidDataException($"{capsule} holds no failure.json: this cell has no failure to replay");
        ResearchConfig config = ConfigYaml.Load(Path.Combine(capsule, "config.yaml"));
        StageDefinition stage = stages.FirstOrDefault(s => s.Kind == failure.Stage) ?? throw new InvalidDataException($"{capsule}: this program has no stage {failure.Stage}");
        Dictionary<string, string> inputs = cell.Stages.TakeWhile(s => s.Kind != failure.Stage).ToDictionary(s => s.Kind, folder.Stage);
        if (inputs.Values.FirstOrDefault(i => !Directory.Exists(i)) is { } gone)
        {
            throw new InvalidDataException($"{gone}, which the failed stage reads, is not there any more");
        }
        using ScratchFolder scratch = new("nextstep-replay-");
        string working = scratch.Path;
        using CancellationTokenSource behind = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            long start = 0;
            if (File.Exists(Path.Combine(capsule, State)))
            {
                TrainingLoop.StartFrom(Path.Combine(capsule, State), working);
                start = TrainingLoop.ImagesSaved(working) ?? 0;
            }
            using CpuThreads? threads = CpuThreads.Use(config.Threads);
            stage.Run(new StageContext
            {
                Config = config,
                Directory = working,
                Inputs = inputs,
                Cancellation = behind.Token,
                Progress = p =>
                {
                    if (failure.StepNumber is not null && p.Done > start)
                    {
                        behind.Cancel();
                    }
                },
            });
            return (failure, null);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return (failure, null);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return (failure, e);
        }
    }

    private static string FolderOf(RunFolder folder, PlannedCell cell) => Path.Combine(folder.Cell(cell), "capsule");
}
