namespace NextStep.Research.Experiments;

/// <summary>An arm against the baseline, paired by seed: both saw the same data, noise and timesteps.</summary>
/// <param name="Differences">Arm − baseline, one a common seed, in the order of the seeds.</param>
/// <param name="Test">The mean difference, its 95 % t interval, and the p-value of the paired t-test.</param>
/// <param name="Ratio">Mean of the arm / mean of the baseline over the common seeds; null where that is not finite.</param>
public sealed record PairedComparison(IReadOnlyList<double> Differences, MeanTest Test, double? Ratio)
{
    /// <summary>A difference is called significant below this adjusted p-value.</summary>
    public const double Significance = 0.05;

    /// <summary>The p-value corrected for all comparisons that are looked at together, see <see cref="RunStatistics.Differences"/>.</summary>
    public double? AdjustedPValue { get; init; }

    /// <summary>Whether the experiment did not announce the comparison: then the correction is that of Benjamini and Hochberg, and it is worth a test of its own, not a finding.</summary>
    public bool IsExploratory { get; init; }

    /// <summary>The mean difference with its interval.</summary>
    public Estimate Difference => Test.Estimate;

    /// <summary>Seeds in common.</summary>
    public int Pairs => Differences.Count;

    /// <summary>Whether the adjusted p-value says so; never for one seed, nor for what was not announced.</summary>
    public bool IsSignificant => !IsExploratory && AdjustedPValue < Significance;

    /// <summary>Whether what was not announced stands out.</summary>
    public bool StandsOut => IsExploratory && AdjustedPValue < Significance;

    /// <summary>Pairs two arms' numbers by seed; null when no seed is in common.</summary>
    public static PairedComparison? Of(IReadOnlyDictionary<long, double> arm, IReadOnlyDictionary<long, double> baseline)
    {
        ArgumentNullException.ThrowIfNull(arm);
        ArgumentNullException.ThrowIfNull(baseline);
        long[] seeds = [.. arm.Keys.Where(baseline.ContainsKey).Order()];
        double[] differences = [.. seeds.Select(s => arm[s] - baseline[s])];
        double size = seeds.Select(s => Math.Max(Math.Abs(arm[s]), Math.Abs(baseline[s]))).DefaultIfEmpty(0).Max();
        if (MeanTest.Of(differences, size) is not { } test)
        {
            return null;
        }
        double ratio = seeds.Average(s => arm[s]) / seeds.Average(s => baseline[s]);
        return new PairedComparison(differences, test, double.IsFinite(ratio) ? ratio : null) { AdjustedPValue = test.PValue };
    }

    /// <summary>The bootstrap beside the t-test; null for fewer than <see cref="BootstrapTest.FewestValues"/> pairs.</summary>
    public BootstrapTest? Bootstrap() => BootstrapTest.Of(Differences);
}
