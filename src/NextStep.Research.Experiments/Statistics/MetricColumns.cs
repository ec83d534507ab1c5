namespace NextStep.Research.Experiments;

/// <summary>
/// Which numbers of a metric may stand in one column. The reference set of a distance changes with the seed, and that is no
/// obstacle: differences are taken within a seed. Two arms whose references differ at the same seed, or numbers of another
/// extractor, count or rounding, are never compared.
/// </summary>
internal static class MetricColumns
{
    private const string Reference = "reference ";

    /// <summary>An identity without its reference set: what must agree over the seeds as well.</summary>
    public static string KindOf(string identity) => string.Join("; ", identity.Split("; ").Where(p => !p.StartsWith(Reference, StringComparison.Ordinal)));

    /// <summary>The column of every result that has the metric; more than one are numbered in the order of the arms.</summary>
    /// <param name="metric">Its name.</param>
    /// <param name="results">In the order of the arms.</param>
    public static IEnumerable<(CellResult Result, string Column)> Assign(string metric, IReadOnlyList<CellResult> results)
    {
        CellResult[] having = [.. results.Where(r => r.Metrics.ContainsKey(metric))];
        if (having.Select(r => Identity(r, metric)).Distinct().Count() < 2)
        {
            return having.Select(r => (r, metric));
        }
        List<(string Kind, Dictionary<long, string> BySeed)> columns = [];
        Dictionary<CellResult, int> places = new(ReferenceEqualityComparer.Instance);
        foreach (IGrouping<(string Arm, string Kind), CellResult> group in having.GroupBy(r => (r.Arm, KindOf(Identity(r, metric)))))
        {
            int place = columns.FindIndex(c => c.Kind == group.Key.Kind && group.All(r => !c.BySeed.TryGetValue(r.Seed, out string? known) || known == Identity(r, metric)));
            if (place < 0)
            {
                place = columns.Count;
                columns.Add((group.Key.Kind, []));
            }
            foreach (CellResult result in group)
            {
                columns[place].BySeed[result.Seed] = Identity(result, metric);
                places[result] = place;
            }
        }
        return having.Select(r => (r, columns.Count == 1 ? metric : FormattableString.Invariant($"{metric} #{places[r] + 1}")));
    }

    /// <summary>What a number depends on; empty where that is nothing else.</summary>
    public static string Identity(CellResult result, string metric) => result.Identities.GetValueOrDefault(metric, "");
}
