using MathNet.Numerics.Distributions;

namespace NextStep.Research.Experiments;

/// <summary>The two-sided test that a mean over seeds is zero: of paired differences, of slopes, of contrasts.</summary>
/// <param name="Estimate">The mean with its interval.</param>
/// <param name="PValue">Of the null hypothesis that the mean is 0; null for one seed or for numbers that are not finite.</param>
/// <param name="Test">
/// <c>t</c>: Student's test. <c>sign flips</c>: all seeds gave the same number, so there is no spread to judge it by, and the
/// exact test over the 2ⁿ signs stands in, p = 2¹⁻ⁿ. <c>none</c>: one seed, no test.
/// </param>
public sealed record MeanTest(Estimate Estimate, double? PValue, string Test)
{
    /// <summary>Differences of numbers that agree to the last bits are rounding, not spread.</summary>
    internal const double Rounding = 1e-12;

    /// <summary>Tests <paramref name="values"/>, one a seed; null when there is none.</summary>
    /// <param name="values">For instance differences, paired by seed.</param>
    /// <param name="scale">Size of the numbers that the values are differences of, to tell spread from rounding; 0: that of the values.</param>
    public static MeanTest? Of(IReadOnlyList<double> values, double scale = 0)
    {
        if (Estimate.Of(values) is not { } estimate)
        {
            return null;
        }
        if (estimate.HalfWidth is null)
        {
            return new MeanTest(estimate, null, "none");
        }
        int count = values.Count;
        double deviation = Estimate.Deviation(values, estimate.Mean), rounding = Rounding * Math.Max(scale, values.Max(Math.Abs));
        if (deviation > rounding)
        {
            double t = estimate.Mean / (deviation / Math.Sqrt(count));
            return new MeanTest(estimate, 2 * StudentT.CDF(0, 1, count - 1, -Math.Abs(t)), "t");
        }
        return Math.Abs(estimate.Mean) <= rounding
            ? new MeanTest(estimate with { Mean = 0, HalfWidth = 0 }, 1, "sign flips")
            : new MeanTest(estimate with { HalfWidth = null }, Math.Pow(2, 1 - count), "sign flips");
    }
}
