using MathNet.Numerics.Statistics;

namespace NextStep.Research.Reports;

/// <summary>Series made of raw values: how they are distributed.</summary>
internal static class Distributions
{
    private const int DensityPoints = 128;

    /// <summary>Share of the finite values in each of <paramref name="bins"/> equal bins between <paramref name="low"/> and <paramref name="high"/>; others count in the first and last bin.</summary>
    /// <exception cref="ArgumentException">There is no finite value, or the range is empty.</exception>
    public static FigureSeries Histogram(string name, IEnumerable<double> values, double low, double high, int bins = 40)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bins);
        double[] finite = Finite(values);
        if (!(high > low))
        {
            throw new ArgumentException($"A histogram from {low} to {high} has no width.", nameof(high));
        }

        double width = (high - low) / bins;
        double[] shares = new double[bins];
        foreach (double value in finite)
        {
            shares[Math.Clamp((int)Math.Floor((value - low) / width), 0, bins - 1)] += 1.0 / finite.Length;
        }

        return new FigureSeries(name, [.. Enumerable.Range(0, bins).Select(i => low + ((i + 0.5) * width))], shares);
    }

    /// <summary>Gaussian kernel density with Silverman's bandwidth (1986, eq. 3.31), over the range of the values and two bandwidths more.</summary>
    /// <exception cref="ArgumentException">There are fewer than two finite values, or they are all equal.</exception>
    public static FigureSeries Density(string name, IEnumerable<double> values)
    {
        double[] finite = Finite(values);
        double spread = Math.Min(finite.StandardDeviation(), finite.InterquartileRange() is > 0 and double range ? range / 1.34 : double.PositiveInfinity);
        if (!(spread > 0) || !double.IsFinite(spread))
        {
            throw new ArgumentException("A density needs at least two different values.", nameof(values));
        }

        double bandwidth = 0.9 * spread * Math.Pow(finite.Length, -0.2);
        double low = finite.Min() - (2 * bandwidth), step = (finite.Max() + (2 * bandwidth) - low) / (DensityPoints - 1);
        double[] x = [.. Enumerable.Range(0, DensityPoints).Select(i => low + (i * step))];
        return new FigureSeries(name, x, [.. x.Select(at => KernelDensity.EstimateGaussian(at, bandwidth, finite))]);
    }

    private static double[] Finite(IEnumerable<double> values)
    {
        double[] finite = [.. values.Where(double.IsFinite)];
        return finite.Length > 0 ? finite : throw new ArgumentException("There is no finite value.", nameof(values));
    }
}
