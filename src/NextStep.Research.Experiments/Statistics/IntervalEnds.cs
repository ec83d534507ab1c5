namespace NextStep.Research.Experiments;

/// <summary>Metrics that are the ends of another one's interval, <c>alignment.low</c> and <c>alignment.high</c> of <c>alignment</c>: no measurements by themselves, so never tested and never in a column of their own.</summary>
internal static class IntervalEnds
{
    internal const string Low = ".low";
    internal const string High = ".high";

    /// <summary>Those among <paramref name="names"/>.</summary>
    public static IEnumerable<string> Of(IReadOnlyCollection<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        HashSet<string> all = [.. names];
        return all.Where(n => all.Contains(n + Low) && all.Contains(n + High)).SelectMany(n => new[] { n + Low, n + High }).ToArray();
    }
}
