namespace NextStep.Research.Experiments;

/// <summary>
/// Gives a cell up whose worker ended five times in a row at the same place: out of memory, or a crash in native code, comes again
/// whenever it is tried. Whoever is killed from outside gets on in between.
/// </summary>
internal sealed class DeathCounts(RunFolder folder)
{
    public const int Limit = 5;
    private readonly Dictionary<string, (ProgressMark Mark, int Count)> _deaths = [];

    /// <summary>Counts one, and writes the cell's failure when it is one too many.</summary>
    public void Add(PlannedCell cell, int exitCode)
    {
        ProgressMark mark = ProgressMark.Of(folder, cell);
        int count = _deaths.TryGetValue(cell.Key, out (ProgressMark Mark, int Count) before) && before.Mark == mark ? before.Count + 1 : 1;
        _deaths[cell.Key] = (mark, count);
        if (count >= Limit)
        {
            CellFailure failure = Describe(folder, cell, mark, $"its worker process ended {count} times in a row without getting further, the last time with exit code {exitCode}"
                + (exitCode == 137 ? " (killed: most often out of memory)" : exitCode > 128 ? " (a signal: most often a crash in native code)" : ""));
            RunFolder.Write(Path.Combine(folder.Cell(cell), "failure.json"), failure);
        }
    }

    /// <summary>A failure for a cell whose own process could not tell it.</summary>
    public static CellFailure Describe(RunFolder folder, PlannedCell cell, ProgressMark mark, string message)
    {
        PlannedStage stage = cell.Stages[Math.Min(mark.Stages, cell.Stages.Count - 1)];
        string working = stage.Folder + ".partial";
        return new CellFailure(cell.Key, cell.Arm, cell.Seed, stage.Kind, "WorkerDied", message, FormattableString.Invariant($"{mark.Images} images saved"), working,
            LogTail.Of(Path.Combine(folder.Path, working)), "", DateTime.UtcNow);
    }
}
