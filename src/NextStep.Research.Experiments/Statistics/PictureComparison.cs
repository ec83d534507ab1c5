namespace NextStep.Research.Experiments;

/// <summary>An arm against the baseline, picture by picture.</summary>
/// <param name="Metric">Of which the pictures are right or wrong.</param>
/// <param name="Arm">The arm.</param>
/// <param name="Models">A test a seed, of the two models that were trained with it; corrected by Holm over all pairs of the metric.</param>
/// <param name="Training">Over the seeds, with the pictures' variance and the seeds'; null for one seed.</param>
internal sealed record PictureComparison(string Metric, string Arm, IReadOnlyList<PictureTest> Models, MixedDifference? Training)
{
    /// <summary>Every arm of a plan against its first, for every metric that was judged picture by picture.</summary>
    public static IReadOnlyList<PictureComparison> Of(Plan plan, IReadOnlyList<CellResult> results)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(results);
        Dictionary<(string, long), CellResult> bySeed = results.DistinctBy(r => (r.Arm, r.Seed)).ToDictionary(r => (r.Arm, r.Seed));
        string baseline = plan.Arms[0].Name;
        List<PictureComparison> comparisons = [];
        foreach (string metric in results.SelectMany(r => r.Outcomes.Keys).Distinct().Order(StringComparer.Ordinal))
        {
            IReadOnlyList<PictureTest> tests = PictureTest.Adjust([.. plan.Arms.Skip(1).SelectMany(a => results.Where(r => r.Arm == a.Name).OrderBy(r => r.Seed)
                .Select(r => bySeed.TryGetValue((baseline, r.Seed), out CellResult? other) ? PictureTest.Of(metric, r, other) : null).OfType<PictureTest>())]);
            comparisons.AddRange(tests.GroupBy(t => t.Arm).Select(g => new PictureComparison(metric, g.Key, [.. g], MixedDifference.Of([.. g]))));
        }
        return comparisons;
    }
}
