using MathNet.Numerics.Distributions;

namespace NextStep.Research.Experiments;

/// <summary>
/// Two one-sided t-tests (Schuirmann 1987) that a mean over seeds lies within ± a margin, 5 % each: at that level the same as a
/// 90 % interval inside of the margin. Differences that are the same in every seed and inside of it are equivalent, p = 0: nothing varies that a test could ask about.
/// </summary>
/// <param name="Margin">Mean of the margin over the seeds; in the unit of the differences, above 0.</param>
/// <param name="Low">Lower end of the 90 % interval of the mean difference.</param>
/// <param name="High">Upper end.</param>
/// <param name="PValue">The larger of the two: of the null hypothesis that the mean difference reaches the margin on either side.</param>
/// <param name="PValueAgainst">Two-sided, of the null hypothesis that it does not lie outside of the margin.</param>
/// <param name="Test"><c>two one-sided t</c>, or <c>no spread</c>.</param>
public sealed record EquivalenceTest(double Margin, double Low, double High, double PValue, double PValueAgainst, string Test)
{
    /// <summary>Null for fewer than two seeds and for numbers that are not finite.</summary>
    /// <param name="differences">One a seed.</param>
    /// <param name="margins">One a seed; a margin may depend on a metric.</param>
    /// <param name="size">Size of the numbers that the differences are of, to tell spread from rounding.</param>
    public static EquivalenceTest? Of(IReadOnlyList<double> differences, IReadOnlyList<double> margins, double size)
    {
        ArgumentNullException.ThrowIfNull(differences);
        ArgumentNullException.ThrowIfNull(margins);
        int count = differences.Count;
        if (count < 2 || !differences.Concat(margins).All(double.IsFinite))
        {
            return null;
        }
        double rounding = MeanTest.Rounding * Math.Max(size, margins.Max(Math.Abs));
        double[] below = [.. margins.Zip(differences, (m, d) => m - d)], above = [.. margins.Zip(differences, (m, d) => m + d)];
        double mean = differences.Average(), deviation = Estimate.Deviation(differences, mean), margin = margins.Average();
        double half = StudentT.InvCDF(0, 1, count - 1, 0.95) * deviation / Math.Sqrt(count);
        double? underTop = OneSided(below, rounding), overBottom = OneSided(above, rounding);
        if (underTop is { } top && overBottom is { } bottom)
        {
            return new EquivalenceTest(margin, mean - half, mean + half, Math.Max(top, bottom), Math.Min(1, 2 * Math.Min(1 - top, 1 - bottom)), "two one-sided t");
        }
        // A side without spread is decided; the other may still have a test.
        bool outside = below.Average() < -rounding || above.Average() < -rounding, inside = below.Average() > rounding && above.Average() > rounding;
        return new EquivalenceTest(margin, mean - half, mean + half, inside ? Math.Max(underTop ?? 0, overBottom ?? 0) : 1, outside ? Math.Pow(2, 1 - count) : 1, "no spread");
    }

    // Of the null hypothesis that the mean is not above 0; null where there is no spread.
    private static double? OneSided(double[] values, double rounding)
    {
        double mean = values.Average(), deviation = Estimate.Deviation(values, mean);
        return deviation > rounding ? StudentT.CDF(0, 1, values.Length - 1, -mean / (deviation / Math.Sqrt(values.Length))) : null;
    }
}
