using MathNet.Numerics.Distributions;

namespace NextStep.Research.Experiments;

/// <summary>Quantiles of Student's distribution by bisection of its distribution function: the library's own root search gives up where corrections for many comparisons look.</summary>
internal static class StudentQuantile
{
    /// <summary>The t above which lies <paramref name="tail"/> of the distribution.</summary>
    /// <param name="freedom">Degrees of freedom, from 1.</param>
    /// <param name="tail">Above 0, at most 1/2.</param>
    public static double Upper(int freedom, double tail)
    {
        double high = 1;
        while (StudentT.CDF(0, 1, freedom, -high) > tail)
        {
            high *= 2;
        }
        double low = 0;
        for (int i = 0; i < 100 && low < high; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = StudentT.CDF(0, 1, freedom, -middle) > tail ? (middle, high) : (low, middle);
        }
        return high;
    }
}
