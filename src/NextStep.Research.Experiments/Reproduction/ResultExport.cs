using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>Takes from a finished run folder what <c>experiments/results</c> keeps.</summary>
internal static class ResultExport
{
    /// <summary>The numbers of all cells with the verdicts that follow from them.</summary>
    /// <param name="claim">Whose.</param>
    /// <param name="experiment">As read from its file.</param>
    /// <param name="folder">Where every cell has ended.</param>
    /// <param name="mixCode">Whether cells of different code may decide.</param>
    /// <param name="command">That makes these numbers; null: the one of a claim.</param>
    /// <exception cref="InvalidDataException">A cell has not ended, or a file is damaged.</exception>
    public static ClaimResults Of(ClaimFile claim, Experiment experiment, RunFolder folder, bool mixCode = false, string? command = null)
    {
        Plan plan = folder.RequirePlan();
        IReadOnlyList<CellResult> results = folder.ReadResults(plan);
        IReadOnlyList<CellFailure> failures = folder.ReadFailures(plan);
        string[] open = [.. plan.Cells.Where(c => results.All(r => r.Cell != c.Key) && failures.All(f => f.Cell != c.Key)).Select(c => c.Label)];
        if (open.Length > 0)
        {
            throw new InvalidDataException($"{folder.Path}: {open.Length} of {plan.Cells.Count} cells have not ended ({open[0]} is the first); the same command continues");
        }
        string[] metrics = [.. PlannedPower.Metrics(plan)], tested = [.. experiment.Claims.SelectMany(c => c.Metrics()).Distinct()];
        ClaimResults made = new()
        {
            Version = ClaimResults.Current,
            Claim = claim.Name,
            Experiment = ExperimentDigest.Of(experiment),
            Command = command ?? ShellText.Line(["nextstep", "reproduce", claim.Name, .. mixCode ? ["--mix-code"] : Array.Empty<string>()]),
            Date = Ended(folder, plan),
            MixCode = mixCode,
            Cells = [.. results.Select(r => Cell(r, metrics, tested).Sealed())],
            Failures = [.. failures.Select(f => new ClaimFailure(f.Arm, f.Seed, f.Stage, f.Message))],
            Verdicts = [],
        };
        return made with { Verdicts = [.. ResultJudge.Judge(made, experiment).Plan.Claims.Select(ClaimVerdict.Of)] };
    }

    // Of the last stage, UTC; empty where none was noted.
    private static string Ended(RunFolder folder, Plan plan) => plan.Cells.SelectMany(c => c.Stages)
        .Max(s => RunFolder.Read<StageRecord>(Path.Combine(folder.Stage(s), StageRecord.FileName))?.Ended)?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "";

    private static ClaimCell Cell(CellResult result, string[] metrics, string[] tested) => new()
    {
        Arm = result.Arm,
        Seed = result.Seed,
        Metrics = metrics.Where(result.Metrics.ContainsKey).ToDictionary(m => m, m => result.Metrics[m]),
        Identities = result.Identities.Where(i => metrics.Contains(i.Key)).ToDictionary(),
        Outcomes = result.Outcomes.Where(o => tested.Contains(o.Key)).ToDictionary(),
        Commit = result.Provenance.GetValueOrDefault("commit", "") + (result.Provenance.GetValueOrDefault("changes", SourceTree.NoChanges) == SourceTree.NoChanges ? "" : ", with uncommitted changes"),
        Code = result.Code,
        Products = result.Provenance.GetValueOrDefault("products", ""),
        Threads = result.Threads,
        Seconds = result.Seconds.ToDictionary(s => s.Key, s => Math.Round(s.Value, 2)),
    };
}
