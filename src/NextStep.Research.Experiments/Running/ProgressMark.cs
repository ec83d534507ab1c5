namespace NextStep.Research.Experiments;

/// <summary>How far a cell is, as far as a new process would find it: two equal marks mean that nothing was gained in between.</summary>
/// <param name="Stages">Stages that are done.</param>
/// <param name="Images">Images seen by the newest checkpoint of the stage that is not.</param>
internal readonly record struct ProgressMark(int Stages, long Images)
{
    /// <summary>Reads it from the folders.</summary>
    public static ProgressMark Of(RunFolder folder, PlannedCell cell)
    {
        int done = cell.Stages.TakeWhile(s => Directory.Exists(folder.Stage(s))).Count();
        return new ProgressMark(done, done == cell.Stages.Count ? 0 : TrainingLoop.ImagesSaved(folder.Stage(cell.Stages[done]) + ".partial") ?? 0);
    }
}
