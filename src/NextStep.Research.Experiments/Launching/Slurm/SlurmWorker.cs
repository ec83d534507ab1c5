namespace NextStep.Research.Experiments;

/// <summary>
/// One task of an array: runs its cell, or what cells share. Stopped by a signal it has saved its checkpoint; when that was for
/// the time limit it asks Slurm to start it again, as long as every start gets further. After a preemption or a lost node Slurm
/// does so by itself.
/// </summary>
/// <param name="folder">The run folder.</param>
/// <param name="stages">What it can run.</param>
/// <param name="task">This process, as Slurm sees it.</param>
/// <param name="commands">The cluster.</param>
/// <param name="options">Whom to tell, and where results say that they come from.</param>
internal sealed class SlurmWorker(RunFolder folder, IReadOnlyList<StageDefinition> stages, SlurmTask task, IClusterCommands commands, SweepOptions options)
{
    private const int StartsWithoutProgress = 5;
    private static readonly TimeSpan NearEnd = TimeSpan.FromSeconds(150);

    /// <summary>Runs the task; the exit code.</summary>
    /// <param name="mapFile">The array's <see cref="SlurmArray"/>.</param>
    /// <param name="index">The task's index in it.</param>
    /// <param name="timeIsOver">Whether the signal before the time limit came.</param>
    /// <param name="cancellation">Signalled by any of Slurm's signals.</param>
    /// <exception cref="InvalidDataException">Map and plan do not fit.</exception>
    public int Run(string mapFile, int index, Func<bool> timeIsOver, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(timeIsOver);
        SlurmArray array = RunFolder.Read<SlurmArray>(mapFile) ?? throw new InvalidDataException($"there is no {mapFile}");
        string key = index >= 0 && index < array.Keys.Count ? array.Keys[index] : throw new InvalidDataException($"{mapFile} has no index {index}");
        Plan plan = folder.RequirePlan();
        bool isCell = array.Kind == SlurmArray.Cells;
        PlannedCell cell = plan.AllCells.FirstOrDefault(c => isCell ? c.Key == key : c.Stages.Any(s => s.Key == key)) ?? throw new InvalidDataException($"{folder.Path} has no {key} any more");
        if (SearchWatch.Read(folder, plan) is { } search && !plan.AllCells.Any(c => search.IsOpen(c) && (isCell ? c.Key == key : c.Stages.Any(s => s.Key == key))))
        {
            options.Report(new SweepEvent.Note(search.IsStopped(cell) ? $"{cell.Label}: the search has stopped this arm" : $"{cell.Label}: the rung before it is not decided; the same sweep command submits it again"));
            return 0;
        }
        ProgressMark before = ProgressMark.Of(folder, cell);
        if (CountStart(mapFile, index, before) >= StartsWithoutProgress)
        {
            return GiveUp(cell, key, isCell, before, $"Slurm started it {StartsWithoutProgress} times and it never got further");
        }
        SweepRunner runner = new(folder, plan, stages, options with { Cells = [cell.Key], Worker = true });
        if (isCell && HeldByAnother(cell) is { } other)
        {
            options.Report(new SweepEvent.Note($"{cell.Label}: {other} works on it"));
            return 0;
        }
        CellFailure? failure = isCell ? (runner.Run(cancellation).Failed is [var first, ..] ? first : null) : runner.RunStage(key, cancellation);
        bool done = isCell ? folder.IsDone(cell) : cell.Stages.TakeWhile(s => s.Key != key).Count() < ProgressMark.Of(folder, cell).Stages;
        if (done || failure is not null)
        {
            return done ? 0 : 1;
        }
        if (!timeIsOver() && (task.End is not { } end || end - DateTimeOffset.UtcNow > NearEnd))
        {
            return 1; // preempted, which Slurm follows up by itself, or cancelled by a person, which is to stay so
        }
        ProgressMark after = ProgressMark.Of(folder, cell);
        return after == before ? GiveUp(cell, key, isCell, after, "it gets nowhere within its time limit; give it more time, or a smaller checkpointEvery") : Requeue(cell);
    }

    private int Requeue(PlannedCell cell)
    {
        ProgramReply reply = commands.Run("scontrol", ["requeue", task.Id]);
        options.Report(new SweepEvent.Note(reply.ExitCode == 0 ? $"{cell.Label}: time is over; task {task.Id} is queued again" : $"{cell.Label}: task {task.Id} cannot be queued again: {reply.Error}"));
        return reply.ExitCode == 0 ? 0 : 1; // 0: another code would count for the start that follows
    }

    private int GiveUp(PlannedCell cell, string key, bool isCell, ProgressMark mark, string message)
    {
        CellFailure failure = DeathCounts.Describe(folder, cell, mark, message);
        PlannedStage? stage = cell.Stages.FirstOrDefault(s => s.Key == key);
        RunFolder.Write(isCell || stage is null ? Path.Combine(folder.Cell(cell), "failure.json") : folder.StageFailure(stage), failure);
        options.Report(new SweepEvent.CellFailed(cell, failure));
        return 1;
    }

    // How many starts in a row found the same state, this one included.
    private int CountStart(string mapFile, int index, ProgressMark mark)
    {
        string file = FormattableString.Invariant($"{Path.ChangeExtension(mapFile, null)}-{index}.starts");
        Starts? before = task.Restarts > 0 ? RunFolder.Read<Starts>(file) : null;
        Starts now = new(mark.Stages, mark.Images, before is not null && before.Stages == mark.Stages && before.Images == mark.Images ? before.Count + 1 : 1);
        RunFolder.Write(file, now);
        return now.Count;
    }

    private string? HeldByAnother(PlannedCell cell)
    {
        string lease = Lease.FileOf(folder, cell);
        return Lease.LooksAlive(lease) && Lease.Look(lease).Owner is { } owner && owner.Job != task.Id ? owner.ToString() : null;
    }

    private sealed record Starts(int Stages, long Images, int Count);
}
