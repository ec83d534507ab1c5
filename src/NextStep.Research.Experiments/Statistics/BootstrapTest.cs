using MathNet.Numerics.Distributions;

namespace NextStep.Research.Experiments;

/// <summary>
/// The bootstrap of a mean over seeds (Efron 1987): the bias-corrected and accelerated (BCa) 95 % interval, and the symmetric
/// bootstrap-t p-value of the null hypothesis that the mean is 0. Resamples come from a fixed stream: same numbers, same result.
/// </summary>
/// <param name="Low">Lower end of the interval.</param>
/// <param name="High">Upper end of the interval.</param>
/// <param name="PValue">At least 1 / (resamples + 1).</param>
public sealed record BootstrapTest(double Low, double High, double PValue)
{
    /// <summary>
    /// With fewer values the interval is far too narrow. Measured over 4,000 normal samples the nominal 95 % are 84 % with 5 values,
    /// 88 % with 8, 91 % with 12 and 93 % with 20; Student's interval keeps 95 %, and is what decides.
    /// </summary>
    public const int FewestValues = 8;

    /// <summary>How often is drawn.</summary>
    public const int Resamples = 2000;

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
        return new BootstrapTest(At(means, 0.025, bias, acceleration), At(means, 0.975, bias, acceleration), (1.0 + extreme) / (1 + Resamples));
    }

    // Of the jackknife; for a mean it is the sample's skewness / (6 √n).
    private static double Acceleration(IReadOnlyList<double> values, double mean)
    {
        double cubes = values.Sum(v => Math.Pow(v - mean, 3)), squares = values.Sum(v => (v - mean) * (v - mean));
        return cubes / (6 * Math.Pow(squares, 1.5));
    }

    private static double At(double[] sorted, double level, double bias, double acceleration)
    {
        double z = bias + Normal.InvCDF(0, 1, level);
        double corrected = Normal.CDF(0, 1, bias + (z / (1 - (acceleration * z))));
        return sorted[Math.Clamp((int)Math.Floor(corrected * (sorted.Length + 1)) - 1, 0, sorted.Length - 1)];
    }
}
