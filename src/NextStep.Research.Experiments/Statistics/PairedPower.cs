using MathNet.Numerics.Distributions;
using MathNet.Numerics.Integration;

namespace NextStep.Research.Experiments;

/// <summary>How often the tests over seeds find what is there, for normal differences with a known deviation; exact, by integration over the estimated one. R: <c>power.t.test(type = "paired", strict = TRUE)</c>.</summary>
internal static class PairedPower
{
    /// <summary>What is called found: eight times of ten.</summary>
    public const double Wanted = 0.8;

    private const int MostSeeds = 10_000;
    private const int Panels = 8;
    private const int Points = 64;

    /// <summary>Of the two-sided paired t-test, in [0, 1].</summary>
    /// <param name="seeds">From 2.</param>
    /// <param name="difference">The true mean difference.</param>
    /// <param name="deviation">Standard deviation of the differences over the seeds, above 0.</param>
    /// <param name="level">Of the test.</param>
    public static double Of(int seeds, double difference, double deviation, double level = PairedComparison.Significance)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 2);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(deviation);
        double critical = StudentQuantile.Upper(seeds - 1, level / 2), shift = Math.Abs(difference) * Math.Sqrt(seeds) / deviation;
        return Integrate(seeds - 1, double.PositiveInfinity, w => Normal.CDF(0, 1, shift - (critical * w)) + Normal.CDF(0, 1, -shift - (critical * w)));
    }

    /// <summary>Of the two one-sided tests of <see cref="EquivalenceTest"/>, in [0, 1].</summary>
    /// <param name="seeds">From 2.</param>
    /// <param name="margin">Above 0.</param>
    /// <param name="deviation">Standard deviation of the differences over the seeds, above 0.</param>
    /// <param name="difference">The true mean difference.</param>
    public static double OfEquivalence(int seeds, double margin, double deviation, double difference = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 2);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(deviation);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(margin);
        double critical = StudentQuantile.Upper(seeds - 1, PairedComparison.Significance), root = Math.Sqrt(seeds) / deviation;
        // With a larger estimated deviation no mean is inside of both bounds.
        return Integrate(seeds - 1, margin * root / critical,
            w => Math.Max(0, Normal.CDF(0, 1, ((margin - difference) * root) - (critical * w)) - Normal.CDF(0, 1, ((-margin - difference) * root) + (critical * w))));
    }

    /// <summary>The smallest difference that the seeds find with a power.</summary>
    public static double Detectable(int seeds, double deviation, double level = PairedComparison.Significance, double power = Wanted)
    {
        (double low, double high) = (0, deviation);
        while (Of(seeds, high, deviation, level) < power)
        {
            high *= 2;
        }
        for (int i = 0; i < 50; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = Of(seeds, middle, deviation, level) < power ? (middle, high) : (low, middle);
        }
        return high;
    }

    /// <summary>How many seeds find a difference with a power; null beyond ten thousand.</summary>
    public static int? SeedsFor(double difference, double deviation, double level = PairedComparison.Significance, double power = Wanted)
    {
        if (!(Math.Abs(difference) > 0) || Of(MostSeeds, difference, deviation, level) < power)
        {
            return null;
        }
        (int low, int high) = (1, MostSeeds); // too few, enough
        while (high - low > 1)
        {
            int middle = (low + high) / 2;
            (low, high) = Of(middle, difference, deviation, level) < power ? (middle, high) : (low, middle);
        }
        return high;
    }

    // ∫ f(w) over the density of w = estimated / true deviation, so that freedom · w² is chi-squared.
    private static double Integrate(int freedom, double end, Func<double, double> f)
    {
        // Beyond these bounds lies less than 1e-15 of chi-squared.
        double spread = 12 * Math.Sqrt(2 * freedom), from = Math.Sqrt(Math.Max(0, freedom - spread) / freedom), to = Math.Min(end, Math.Sqrt((freedom + spread + 70) / freedom));
        double sum = 0, width = (to - from) / Panels;
        for (int i = 0; i < Panels && width > 0; i++)
        {
            sum += GaussLegendreRule.Integrate(w => f(w) * 2 * freedom * w * ChiSquared.PDF(freedom, freedom * w * w), from + (i * width), from + ((i + 1) * width), Points);
        }
        return Math.Clamp(sum, 0, 1);
    }
}
