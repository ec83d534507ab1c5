namespace NextStep.Research.Experiments;

/// <summary>Metrics that count how often something happened. What never happened was not written: its count is 0, and not missing.</summary>
internal static class CountMetrics
{
    private const string Failures = "failures.";

    // Where this was measured, the reasons of failures were counted.
    private const string Counted = "alignment";

    /// <summary>The results with a 0 for every reason of failure that another of them has.</summary>
    public static IReadOnlyList<CellResult> Complete(IReadOnlyList<CellResult> results)
    {
        string[] names = [.. results.SelectMany(r => r.Metrics.Keys).Where(k => k.StartsWith(Failures, StringComparison.Ordinal)).Distinct()];
        return names.Length == 0 ? results : [.. results.Select(r => !r.Metrics.ContainsKey(Counted) || names.All(r.Metrics.ContainsKey) ? r
            : r with { Metrics = names.Where(n => !r.Metrics.ContainsKey(n)).Select(n => KeyValuePair.Create(n, 0.0)).Concat(r.Metrics).ToDictionary() })];
    }
}
