namespace NextStep.Research.Experiments;

/// <summary>What came of a claim.</summary>
public enum Verdict
{
    /// <summary>Every comparison holds significantly.</summary>
    Supported,

    /// <summary>A comparison is significantly the other way round.</summary>
    Contradicted,

    /// <summary>Neither, or too few seeds, or numbers are missing.</summary>
    Undecided,
}

/// <summary>
/// Judges claims over the seeds. Each comparison gives one difference (left − right) a seed, so arms are paired by seed: an
/// inequality is a two-sided paired t-test, an equality two one-sided ones at its margin (<see cref="EquivalenceTest"/>). A claim of
/// several comparisons holds where all do (intersection–union: its p-value is the largest) and is contradicted where one is (the
/// smallest, times their number). So every claim has one p-value; Holm's correction runs over the claims of the experiment.
/// One seed gives no interval, no p-value and hence no verdict.
/// </summary>
internal static class ClaimJudge
{
    /// <summary>The claims of a plan with verdict and evidence, judged on the results that are there.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="results">Of the cells that are done.</param>
    /// <param name="failures">Of those that failed: they are told apart from cells that were not run yet.</param>
    /// <param name="mixCode">Whether results of different code may decide a claim; otherwise it stays undecided and says why.</param>
    public static IReadOnlyList<PlannedClaim> Judge(Plan plan, IReadOnlyList<CellResult> results, IReadOnlyList<CellFailure>? failures = null, bool mixCode = false)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(results);
        ClaimGrid grid = new(plan);
        Dictionary<string, CellResult>[] seeds = [.. CountMetrics.Complete(results).GroupBy(r => r.Seed).OrderBy(g => g.Key).Select(g => g.DistinctBy(r => r.Arm).ToDictionary(r => r.Arm))];
        PlannedClaim[] judged = [.. plan.Claims.Select(claim =>
        {
            IReadOnlyList<ClaimComparison> comparisons = ClaimParser.Parse(claim.Test);
            ClaimFinding[] findings = [.. comparisons.Select(c => Find(c, grid, seeds))];
            HashSet<string> arms = [.. comparisons.SelectMany(c => c.Terms()).SelectMany(grid.Arms)];
            return claim with
            {
                Findings = findings,
                PValue = PValueOf(findings),
                Seeds = SeedCount.Of(plan, arms, findings.Min(f => f.Difference?.Count ?? 0), results, failures ?? []),
            };
        })];
        IReadOnlyList<double?> adjusted = Holm.Adjust([.. judged.Select(c => c.PValue)]);
        string? mixed = mixCode ? null : CodeMix.Found(results);
        return [.. judged.Select((claim, i) => Decide(claim with { AdjustedPValue = adjusted[i] })).Select(c => mixed is null ? c
            : c with { Verdict = EnumNames.Format(Verdict.Undecided), AdjustedPValue = null, Evidence = $"{mixed} {c.Evidence}" })];
    }

    // The smaller of what speaks for the claim and what speaks against it; at most one of the two is small.
    private static double? PValueOf(ClaimFinding[] findings) => (For(findings), Against(findings)) switch
    {
        ({ } a, { } b) => Math.Min(a, b),
        (null, { } b) => b,
        _ => null,
    };

    private static double? For(IReadOnlyList<ClaimFinding> findings) => findings.Any(f => f.PValueFor is null) ? null : findings.Max(f => f.PValueFor);

    private static double? Against(IReadOnlyList<ClaimFinding> findings) => findings.Min(f => f.PValueAgainst) is { } least ? Math.Min(1, findings.Count * least) : null;

    private static PlannedClaim Decide(PlannedClaim claim)
    {
        Verdict verdict = claim.AdjustedPValue is not < PairedComparison.Significance ? Verdict.Undecided
            : For(claim.Findings) <= Against(claim.Findings) ? Verdict.Supported : Verdict.Contradicted;
        string evidence = string.Join("; ", claim.Findings.Select(f => f.ToString()));
        string corrected = claim.AdjustedPValue is { } p ? $"; Holm p = {ClaimFinding.Text(p)}" : "";
        return claim with { Verdict = EnumNames.Format(verdict), Evidence = $"{claim.Seeds.Prefix}{evidence}{corrected}{PictureTest.Sentence(claim.Findings, claim.Seeds.Used)}" };
    }

    private static ClaimFinding Find(ClaimComparison comparison, ClaimGrid grid, Dictionary<string, CellResult>[] seeds)
    {
        List<double> lefts = [], rights = [], margins = [];
        HashSet<string> missing = [];
        Dictionary<string, string> kinds = [];
        foreach (Dictionary<string, CellResult> seed in seeds)
        {
            ClaimNumbers numbers = new(grid, seed, kinds);
            double? margin = comparison.Margin is null ? 0 : comparison.Margin.Evaluate(numbers.Value);
            if (comparison.Left.Evaluate(numbers.Value) is { } left && comparison.Right.Evaluate(numbers.Value) is { } right && margin is { } m && double.IsFinite(left - right) && double.IsFinite(m))
            {
                lefts.Add(left);
                rights.Add(right);
                margins.Add(m);
            }
            missing.UnionWith(numbers.Missing);
        }
        ClaimFinding finding = new(comparison.Text, comparison.Relation) { Missing = [.. missing], Pictures = PictureTest.Of(comparison, grid, seeds) };
        double[] differences = [.. lefts.Zip(rights, (l, r) => l - r)];
        double size = lefts.Concat(rights).Select(Math.Abs).DefaultIfEmpty(0).Max();
        if (MeanTest.Of(differences, size) is not { } test)
        {
            return finding;
        }
        finding = finding with { Left = lefts.Average(), Right = rights.Average(), Difference = test.Estimate };
        return comparison.Margin is not null
            ? EquivalenceTest.Of(differences, margins, size) is { } equal ? finding with { Equivalence = equal, Test = equal.Test, PValue = equal.PValue } : finding
            : finding with { Test = test.Test, PValue = test.PValue, Bootstrap = BootstrapTest.Of(differences) };
    }
}
