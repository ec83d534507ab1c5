namespace NextStep.Research.Experiments;

/// <summary>The folder's plan is not that of the file any more.</summary>
public sealed class PlanChangedException(string folder, IReadOnlyList<string> differences)
    : Exception($"{folder} was begun with another plan:{Environment.NewLine}  {string.Join(Environment.NewLine + "  ", differences.Take(40))}"
        + (differences.Count > 40 ? $"{Environment.NewLine}  … and {differences.Count - 40} more" : "")
        + $"{Environment.NewLine}Give another --out, or --accept-changed-plan to go on; what still fits is kept.")
{
    /// <summary>One line each.</summary>
    public IReadOnlyList<string> Differences { get; } = differences;
}

/// <summary>A sweep from its plan to its judged claims.</summary>
public static class Sweep
{
    /// <summary>
    /// Makes the run folder ready for <paramref name="plan"/>. A folder that was begun with another plan is refused
    /// unless <paramref name="acceptChanged"/>; wording, measures and claims may change freely.
    /// </summary>
    /// <exception cref="PlanChangedException">The folder's plan differs.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static Plan Prepare(RunFolder folder, Plan plan, bool acceptChanged)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(plan);
        if (folder.ReadPlan() is { } old)
        {
            IReadOnlyList<string> differences = old.DifferencesTo(plan);
            if (differences.Count > 0 && !acceptChanged)
            {
                throw new PlanChangedException(folder.Path, differences);
            }
            plan = plan with { Provenance = old.Provenance, Commands = old.Commands };
        }
        folder.WritePlan(plan);
        return plan;
    }

    /// <summary>Notes who works on the folder, with the command among it; only called when there is work.</summary>
    public static Plan NoteOrigin(RunFolder folder, Plan plan, IReadOnlyDictionary<string, string> provenance)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(provenance);
        string command = provenance["command"];
        Plan noted = plan with
        {
            Provenance = provenance.Where(p => p.Key != "command").ToDictionary(),
            Commands = plan.Commands.Contains(command) ? plan.Commands : [.. plan.Commands, command],
        };
        folder.WritePlan(noted);
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

    /// <summary>Judges the claims on the results that are there and writes the plan with the verdicts.</summary>
    public static Plan Judge(RunFolder folder, Plan plan)
    {
        ArgumentNullException.ThrowIfNull(folder);
        Plan judged = plan with { Claims = ClaimJudge.Judge(plan, folder.ReadResults(plan)) };
        folder.WritePlan(judged);
        return judged;
    }
}
