using System.Collections.Concurrent;
using MathNet.Numerics.Distributions;

namespace NextStep.Research.Experiments;

/// <summary>A mean over seeds with its two-sided 95 % interval, mean ± t(0.975, n − 1) · s / √n (Student 1908).</summary>
/// <param name="Mean">The mean.</param>
/// <param name="HalfWidth">Half the interval; null for one seed, for numbers that are not finite, and for a test whose numbers have no spread.</param>
/// <param name="Count">Seeds, from 1.</param>
public sealed record Estimate(double Mean, double? HalfWidth, int Count)
{
    // The quantile costs a root search, and a sweep asks for few different ones.
    private static readonly ConcurrentDictionary<int, double> Quantiles = new();

    /// <summary>Lower end of the interval.</summary>
    public double? Low => Mean - HalfWidth;

    /// <summary>Upper end of the interval.</summary>
    public double? High => Mean + HalfWidth;

    /// <summary>The mean of <paramref name="values"/>, one a seed; null when there is none.</summary>
    public static Estimate? Of(IReadOnlyList<double> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Count == 0)
        {
            return null;
        }
        double mean = values.Average();
        if (values.Count == 1 || !double.IsFinite(mean))
        {
            return new Estimate(mean, null, values.Count);
        }
        double quantile = Quantiles.GetOrAdd(values.Count - 1, freedom => StudentT.InvCDF(0, 1, freedom, 0.975));
        return new Estimate(mean, quantile * Deviation(values, mean) / Math.Sqrt(values.Count), values.Count);
    }

    /// <summary>The sample's standard deviation, with n − 1.</summary>
    internal static double Deviation(IReadOnlyList<double> values, double mean) =>
        Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1));
}
