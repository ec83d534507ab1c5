using MathNet.Numerics.Distributions;

namespace NextStep.Research.Experiments;

/// <summary>
/// F-test that several contrasts of the same seeds are all zero, the seeds as blocks (repeated-measures analysis of
/// variance): the mean square of the contrasts over that of contrast × seed. With two levels it is the paired t-test, F = t².
/// </summary>
/// <param name="F">The ratio.</param>
/// <param name="Numerator">Degrees of freedom of the contrasts.</param>
/// <param name="Denominator">Those of contrast × seed.</param>
/// <param name="PValue">Of the null hypothesis that all contrasts are 0.</param>
public sealed record VarianceTest(double F, int Numerator, int Denominator, double PValue)
{
    /// <summary>Null for one seed, and where contrast × seed has no spread.</summary>
    /// <param name="contrasts">A list a seed: deviations that sum to zero within the seed.</param>
    /// <param name="freedom">How many of a seed's contrasts are free.</param>
    /// <param name="size">Size of the numbers that the contrasts are differences of, to tell spread from rounding.</param>
    internal static VarianceTest? Of(IReadOnlyList<double[]> contrasts, int freedom, double size)
    {
        int seeds = contrasts.Count;
        if (seeds < 2 || freedom < 1)
        {
            return null;
        }
        double[] means = [.. Enumerable.Range(0, contrasts[0].Length).Select(k => contrasts.Average(c => c[k]))];
        double error = contrasts.Sum(c => c.Zip(means, (value, mean) => (value - mean) * (value - mean)).Sum()) / ((seeds - 1) * freedom);
        double f = seeds * means.Sum(m => m * m) / freedom / error;
        int denominator = (seeds - 1) * freedom;
        return double.IsFinite(f) && Math.Sqrt(error) > MeanTest.Rounding * size ? new VarianceTest(f, freedom, denominator, 1 - FisherSnedecor.CDF(freedom, denominator, f)) : null;
    }
}
