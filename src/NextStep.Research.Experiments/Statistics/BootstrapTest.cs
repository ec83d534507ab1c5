using System.Globalization;
using MathNet.Numerics.Distributions;

namespace NextStep.Research.Experiments;

/// <summary>
/// The bootstrap of a mean over seeds (Efron 1987): the bias-corrected and accelerated (BCa) 95 % interval, and the symmetric
/// bootstrap-t p-value of the null hypothesis that the mean is 0. Resamples come from a fixed stream: same numbers, same result.
/// </summary>
/// <param name="Low">Lower end of the interval.</param>
/// <param name="High">Upper end of the interval.</param>
/// <param name="PValue">At least 1 / (resamples + 1).</param>
/// <param name="Error">Standard error of the ends, because resamples are drawn: their digits below it say nothing.</param>
public sealed record BootstrapTest(double Low, double High, double PValue, double Error)
{
    /// <summary>
    /// With fewer values the interval is far too narrow. Measured over 4,000 normal samples the nominal 95 % are 84 % with 5 values,
    /// 88 % with 8, 91 % with 12 and 93 % with 20; Student's interval keeps 95 %, and is what decides.
    /// </summary>
    public const int FewestValues = 8;

    /// <summary>How often is drawn.</summary>
    public const int Resamples = 20_000;

    /// <summary>Null for fewer than <see cref="FewestValues"/>, for values that are not finite, and where all are equal.</summary>
    public static BootstrapTest? Of(IReadOnlyList<double> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        int count = values.Count;
        double mean = count == 0 ? 0 : values.Average(), deviation = count < 2 ? 0 : Estimate.Deviation(values, mean);
        if (count < FewestValues || !double.IsFinite(mean) || !(deviation > 1e-12 * values.Max(Math.Abs)))
        {
            return null;
        }
        SplitMix64 random = Streams.Managed(0, "statistics.bootstrap", count);
        double[] means = new double[Resamples];
        double t = Math.Abs(mean) / deviation;
        int extreme = 0;
        for (int i = 0; i < Resamples; i++)
        {
            double sum = 0, squares = 0;
            for (int j = 0; j < count; j++)
            {
                double value = values[random.NextInt(count)] - mean;
                sum += value;
                squares += value * value;
            }
            double centred = sum / count, spread = Math.Sqrt(Math.Max(0, squares - (sum * centred)) / (count - 1));
            means[i] = mean + centred;
            extreme += Math.Abs(centred) >= t * spread ? 1 : 0;
        }
        Array.Sort(means);
        double acceleration = Acceleration(values, mean);
        double below = (means.Count(m => m < mean) + (0.5 * means.Count(m => m == mean))) / Resamples;
        double bias = Normal.InvCDF(0, 1, Math.Clamp(below, 1.0 / Resamples, 1 - (1.0 / Resamples)));
        ((double low, double lowError), (double high, double highError)) = (At(means, 0.025, bias, acceleration), At(means, 0.975, bias, acceleration));
        return new BootstrapTest(low, high, (1.0 + extreme) / (1 + Resamples), Math.Max(lowError, highError));
    }

    // Of the jackknife; for a mean it is the sample's skewness / (6 √n).
    private static double Acceleration(IReadOnlyList<double> values, double mean)
    {
        double cubes = values.Sum(v => Math.Pow(v - mean, 3)), squares = values.Sum(v => (v - mean) * (v - mean));
        return cubes / (6 * Math.Pow(squares, 1.5));
    }

    /// <summary>With as many digits as the resamples settle.</summary>
    public override string ToString()
    {
        int decimals = Error > 0 ? Math.Clamp((int)Math.Floor(-Math.Log10(2 * Error)), 0, 12) : 4;
        string format = decimals == 0 ? "0" : "0." + new string('0', decimals);
        return string.Create(CultureInfo.InvariantCulture, $"BCa bootstrap {Low.ToString(format, CultureInfo.InvariantCulture)} to {High.ToString(format, CultureInfo.InvariantCulture)}, {(PValue < 0.001 ? "p < 0.001" : "p = " + PValue.ToString(PValue < 0.01 ? "0.000" : "0.00", CultureInfo.InvariantCulture))}");
    }

    // A quantile of the resamples, and its standard error: how far one rank's standard deviation leads, half of it up and half down.
    private static (double Value, double Error) At(double[] sorted, double level, double bias, double acceleration)
    {
        double z = bias + Normal.InvCDF(0, 1, level);
        double corrected = Normal.CDF(0, 1, bias + (z / (1 - (acceleration * z))));
        double rank = (corrected * (sorted.Length + 1)) - 1, deviation = Math.Sqrt(corrected * (1 - corrected) * sorted.Length);
        return (Rank(rank), (Rank(rank + deviation) - Rank(rank - deviation)) / 2);

        double Rank(double at) => sorted[Math.Clamp((int)Math.Floor(at), 0, sorted.Length - 1)];
    }
}
