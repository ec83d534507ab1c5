namespace NextStep.Research.Experiments;

/// <summary>Holm's step-down correction (Holm 1979): keeps the chance of any false finding among several tests below the level.</summary>
internal static class Holm
{
    /// <summary>Adjusted p-values in the order given: the k-th smallest of m becomes max over j ≤ k of (m − j + 1) · p(j), at most 1. A null is no test and does not count.</summary>
    public static IReadOnlyList<double?> Adjust(IReadOnlyList<double?> pValues)
    {
        ArgumentNullException.ThrowIfNull(pValues);
        double?[] adjusted = new double?[pValues.Count];
        int[] order = [.. Enumerable.Range(0, pValues.Count).Where(i => pValues[i] is not null).OrderBy(i => pValues[i])];
        double largest = 0;
        for (int rank = 0; rank < order.Length; rank++)
        {
            largest = Math.Max(largest, Math.Min(1, (order.Length - rank) * pValues[order[rank]]!.Value));
            adjusted[order[rank]] = largest;
        }
        return adjusted;
    }
}
