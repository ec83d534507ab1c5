using MathNet.Numerics.Distributions;

namespace NextStep.Research.Reports;

/// <summary>A mean over seeds with its 95 % interval.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="HalfWidth">Half the interval (Student's t), or null for one seed.</param>
/// <param name="Count">Seeds.</param>
internal sealed record Estimate(double Mean, double? HalfWidth, int Count)
{
    public static Estimate? Of(IReadOnlyList<double> values)
    {
        if (values.Count == 0)
        {
            return null;
        }

        double mean = values.Average();
        if (values.Count == 1)
        {
            return new Estimate(mean, null, 1);
        }

        double variance = values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1);
        double t = StudentT.InvCDF(0, 1, values.Count - 1, 0.975);
        return new Estimate(mean, t * Math.Sqrt(variance / values.Count), values.Count);
    }

    /// <summary>True when the interval leaves out zero; never for a single seed.</summary>
    public bool LeavesOutZero => HalfWidth is { } half && Math.Abs(Mean) > half;
}

/// <summary>Numbers of one arm, and against the baseline at the same seeds.</summary>
internal static class ArmStatistics
{
    public static Estimate? Value(RunResults run, string arm, string metric) => Estimate.Of([.. BySeed(run, arm, metric).Values]);

    /// <summary>Arm minus baseline, paired by seed: both saw the same data and noise.</summary>
    public static Estimate? Difference(RunResults run, string arm, string metric)
    {
        SortedDictionary<long, double> baseline = BySeed(run, run.Baseline, metric);
        return Estimate.Of([.. BySeed(run, arm, metric).Where(v => baseline.ContainsKey(v.Key)).Select(v => v.Value - baseline[v.Key])]);
    }

    /// <summary>Metrics of finished cells in the order of the experiment's list, then by name.</summary>
    public static IReadOnlyList<string> Metrics(RunResults run)
    {
        string[] all = [.. run.Cells.SelectMany(c => c.Result?.Metrics.Keys ?? []).Distinct().Order(StringComparer.Ordinal)];
        return run.Plan.Measure.Count == 0 ? all : [.. run.Plan.Measure.SelectMany(pattern => all.Where(m => Matches(m, pattern))).Distinct()];
    }

    /// <summary>True when all finished cells of all arms agree, so that a column would say nothing.</summary>
    public static bool IsConstant(RunResults run, string metric) =>
        run.Arms.Count > 1
        && run.Arms.All(a => BySeed(run, a.Name, metric).Count > 0)
        && run.Arms.SelectMany(a => BySeed(run, a.Name, metric).Values).Distinct().Count() == 1;

    private static SortedDictionary<long, double> BySeed(RunResults run, string arm, string metric)
    {
        var values = new SortedDictionary<long, double>();
        foreach (CellRun cell in run.Of(arm))
        {
            if (cell.Result is { } result && result.Metrics.TryGetValue(metric, out double value))
            {
                values[cell.Seed] = value;
            }
        }

        return values;
    }

    private static bool Matches(string metric, string pattern) =>
        pattern.EndsWith('*') ? metric.StartsWith(pattern[..^1], StringComparison.Ordinal) : metric == pattern;
}
