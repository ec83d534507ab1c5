namespace NextStep.Research.Experiments;

/// <summary>Verdicts from kept numbers, by the same judge as in reports and sweeps.</summary>
internal static class ResultJudge
{
    /// <summary>The plan of an experiment with its claims judged on kept numbers, and those as results of cells.</summary>
    public static (Plan Plan, IReadOnlyList<CellResult> Results, IReadOnlyList<CellFailure> Failures) Judge(ClaimResults kept, Experiment experiment)
    {
        Plan plan = Plan.Make(experiment, StandardStages.All);
        Dictionary<(string, long), string> keys = plan.Cells.ToDictionary(c => (c.Arm, c.Seed), c => c.Key);
        CellResult[] results = [.. kept.Cells.Select(c => Result(c, keys[(c.Arm, c.Seed)]))];
        CellFailure[] failures = [.. kept.Failures.Select(f => new CellFailure(keys[(f.Arm, f.Seed)], f.Arm, f.Seed, f.Stage, "", f.Message, "", "", [], "", default))];
        return (plan with { Claims = ClaimJudge.Judge(plan, results, failures, kept.MixCode) }, results, failures);
    }

    private static CellResult Result(ClaimCell cell, string key) => new()
    {
        Cell = key,
        Arm = cell.Arm,
        Seed = cell.Seed,
        Metrics = cell.Metrics,
        Stages = new Dictionary<string, string>(),
        Pictures = new Dictionary<string, string>(),
        Prompts = [],
        Outcomes = cell.Outcomes,
        Seconds = cell.Seconds,
        Threads = cell.Threads,
        Provenance = new Dictionary<string, string> { ["commit"] = cell.Commit, ["products"] = cell.Products },
        Identities = cell.Identities,
        Code = cell.Code,
    };
}
