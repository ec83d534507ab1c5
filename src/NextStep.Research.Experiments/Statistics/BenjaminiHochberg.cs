namespace NextStep.Research.Experiments;

/// <summary>The correction of Benjamini and Hochberg (1995): keeps the expected share of false findings among all findings below the level. For what was not asked beforehand.</summary>
internal static class BenjaminiHochberg
{
    /// <summary>Adjusted p-values in the order given: the k-th smallest of m becomes min over j ≥ k of m · p(j) / j. A null is no test and does not count.</summary>
    public static IReadOnlyList<double?> Adjust(IReadOnlyList<double?> pValues)
    {
        ArgumentNullException.ThrowIfNull(pValues);
        double?[] adjusted = new double?[pValues.Count];
        int[] order = [.. Enumerable.Range(0, pValues.Count).Where(i => pValues[i] is not null).OrderByDescending(i => pValues[i])];
        double smallest = 1;
        for (int place = 0; place < order.Length; place++)
        {
            smallest = Math.Min(smallest, pValues[order[place]]!.Value * order.Length / (order.Length - place));
            adjusted[order[place]] = smallest;
        }
        return adjusted;
    }
}
