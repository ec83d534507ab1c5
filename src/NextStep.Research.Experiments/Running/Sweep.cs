namespace NextStep.Research.Experiments;

/// <summary>The folder's plan is not that of the file any more.</summary>
public sealed class PlanChangedException(string folder, IReadOnlyList<string> differences)
    : Exception($"{folder} was begun with another plan:{Environment.NewLine}  {string.Join(Environment.NewLine + "  ", differences.Take(40))}"
        + (differences.Count > 40 ? $"{Environment.NewLine}  … and {differences.Count - 40} more" : "")
        + $"{Environment.NewLine}Give another folder, or --accept-changed-plan to go on; what still fits is kept.")
{
    /// <summary>One line each.</summary>
    public IReadOnlyList<string> Differences { get; } = differences;
}

/// <summary>A sweep from its plan to its judged claims. The plan is written here only, by one process at a time.</summary>
public static class Sweep
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Makes the run folder ready for <paramref name="plan"/>. A plan with which the folder would lose cells is refused unless
    /// <paramref name="acceptChanged"/>; names, further arms, axes and seeds, another baseline, wording, measures and claims may change freely.
    /// </summary>
    /// <exception cref="PlanChangedException">The folder would lose cells.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static Plan Prepare(RunFolder folder, Plan plan, bool acceptChanged)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(plan);
        using IDisposable alone = WriteLock.Take(folder.PlanLock, Patience);
        if (folder.ReadPlan() is { } old)
        {
            IReadOnlyList<string> losses = PlanChange.Losses(old, plan);
            if (losses.Count > 0 && !acceptChanged)
            {
                throw new PlanChangedException(folder.Path, losses);
            }
            plan = plan with { Provenance = old.Provenance, Commands = old.Commands };
        }
        folder.WritePlan(plan);
        return plan;
    }

    /// <summary>Notes who works on the folder, with the command among it; only called when there is work. Where another process has planned anew since, its plan stays.</summary>
    public static Plan NoteOrigin(RunFolder folder, Plan plan, IReadOnlyDictionary<string, string> provenance)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(provenance);
        string command = provenance["command"];
        using IDisposable alone = WriteLock.Take(folder.PlanLock, Patience);
        Plan? newest = folder.ReadPlan();
        IReadOnlyList<string> commands = newest?.Commands ?? plan.Commands;
        Plan noted = plan with
        {
            Provenance = provenance.Where(p => p.Key != "command").ToDictionary(),
            Commands = commands.Contains(command) ? commands : [.. commands, command],
        };
        if (newest is null || newest.AllCells.Select(c => (c.Key, c.Arm)).SequenceEqual(plan.AllCells.Select(c => (c.Key, c.Arm))))
        {
            folder.WritePlan(noted);
        }
        return noted;
    }

    /// <summary>
    /// Called once before workers start: shared stages that failed are tried again for cells that have not, and with
    /// <see cref="SweepOptions.RetryFailed"/> the failed cells too.
    /// </summary>
    public static void ClearFailures(RunFolder folder, Plan plan, SweepOptions options)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(options);
        foreach (PlannedCell cell in options.Select(plan).Where(c => !folder.IsDone(c)))
        {
            foreach (PlannedStage stage in cell.Stages.Where(s => s.Shared && RunFolder.Read<CellFailure>(folder.StageFailure(s)) is { } failed && (options.RetryFailed || !failed.IsStop)))
            {
                File.Delete(folder.StageFailure(stage));
            }
            string failure = Path.Combine(folder.Cell(cell), "failure.json");
            if (options.RetryFailed && File.Exists(failure))
            {
                File.Delete(failure);
            }
        }
    }

    /// <summary>Judges the claims of the folder's newest plan on the results that are there, and writes <c>verdicts.json</c>; the plan is left as it is.</summary>
    /// <returns>That plan with the verdicts.</returns>
    public static Plan Judge(RunFolder folder, Plan plan)
    {
        ArgumentNullException.ThrowIfNull(folder);
        Plan newest = folder.ReadPlan() ?? plan;
        Plan judged = newest with { Claims = ClaimJudge.Judge(newest, folder.ReadResults(newest), folder.ReadFailures(newest)) };
        RunFolder.Write(Path.Combine(folder.Path, RunFolder.Verdicts), judged.Claims);
        return judged;
    }
}
