namespace NextStep.Research.Experiments;

/// <summary>Whether a metric rises or falls along an axis: one least-squares slope a seed, and the t-test of their mean.</summary>
/// <param name="Slope">The mean slope, its 95 % interval and p-value.</param>
/// <param name="Correlation">Spearman's rank correlation, the mean over the seeds; tells a steady rise from one steep step.</param>
/// <param name="Slopes">One a seed.</param>
public sealed record TrendTest(MeanTest Slope, double Correlation, IReadOnlyList<double> Slopes)
{
    /// <summary>Tests the trend of <paramref name="bySeed"/> over <paramref name="axis"/>.</summary>
    /// <param name="axis">At least two different positions.</param>
    /// <param name="bySeed">A list a seed, each with a value for every position (NaN makes slope and correlation NaN, without a p-value); null is returned when there is no seed.</param>
    public static TrendTest? Of(IReadOnlyList<double> axis, IReadOnlyList<IReadOnlyList<double>> bySeed)
    {
        ArgumentNullException.ThrowIfNull(axis);
        ArgumentNullException.ThrowIfNull(bySeed);
        if (axis.Distinct().Count() < 2)
        {
            return null;
        }
        double[] slopes = [.. bySeed.Select(values => SlopeOf(axis, values))];
        double range = axis.Max() - axis.Min();
        double size = bySeed.SelectMany(v => v).Select(Math.Abs).DefaultIfEmpty(0).Max() / range;
        return MeanTest.Of(slopes, size) is { } test ? new TrendTest(test, bySeed.Average(v => Rank(axis, v)), slopes) : null;
    }

    /// <summary>Least-squares slope of <paramref name="values"/> over <paramref name="axis"/>.</summary>
    internal static double SlopeOf(IReadOnlyList<double> axis, IReadOnlyList<double> values)
    {
        double meanX = axis.Average(), meanY = values.Average();
        return axis.Zip(values, (x, y) => (x - meanX) * (y - meanY)).Sum() / axis.Sum(x => (x - meanX) * (x - meanX));
    }

    // Spearman of MathNet.Numerics 5.0.0 would rank NaN below every number.
    private static double Rank(IReadOnlyList<double> axis, IReadOnlyList<double> values) =>
        values.Any(double.IsNaN) ? double.NaN : values.Distinct().Count() < 2 ? 0 : MathNet.Numerics.Statistics.Correlation.Spearman(axis, values);
}
