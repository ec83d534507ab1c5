using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>What came of a claim.</summary>
public enum Verdict
{
    /// <summary>The 95 % interval lies wholly on the claimed side.</summary>
    Supported,

    /// <summary>The 95 % interval lies wholly on the other side.</summary>
    Contradicted,

    /// <summary>Neither, or too few seeds, or numbers are missing.</summary>
    Undecided,
}

/// <summary>
/// Judges claims over the seeds. Each comparison gives one difference per seed, so arms are paired by seed; the
/// interval of the mean difference is Student's t, 95 %. One seed gives no interval and hence no verdict.
/// </summary>
public static class ClaimJudge
{
    /// <summary>The claims of a plan with verdict and evidence, judged on the results that are there.</summary>
    public static IReadOnlyList<PlannedClaim> Judge(Plan plan, IReadOnlyList<CellResult> results)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(results);
        ArmPoint[] points = [.. plan.Arms.Select(a => new ArmPoint(a.Name, a.Coordinates))];
        ILookup<long, CellResult> bySeed = results.ToLookup(r => r.Seed);
        return [.. plan.Claims.Select(c => Judge(c, points, plan.Axes, bySeed))];
    }

    private static PlannedClaim Judge(PlannedClaim claim, ArmPoint[] points, IReadOnlyList<string> axes, ILookup<long, CellResult> bySeed)
    {
        (Verdict Verdict, string Evidence)[] parts = [.. ClaimParser.Parse(claim.Test).Select(c => Judge(c, points, axes, bySeed))];
        Verdict verdict = parts.Any(p => p.Verdict == Verdict.Contradicted) ? Verdict.Contradicted
            : parts.All(p => p.Verdict == Verdict.Supported) ? Verdict.Supported : Verdict.Undecided;
        return claim with { Verdict = EnumNames.Format(verdict), Evidence = string.Join("; ", parts.Select(p => p.Evidence)) };
    }

    private static (Verdict, string) Judge(ClaimComparison comparison, ArmPoint[] points, IReadOnlyList<string> axes, ILookup<long, CellResult> bySeed)
    {
        List<(double Left, double Right)> pairs = [];
        HashSet<string> missing = [];
        foreach (IGrouping<long, CellResult> seed in bySeed)
        {
            double? Value(ClaimTerm term)
            {
                double? value = term is ClaimTerm.Metric m ? Metric(m.Name, ArmPoint.Find(points, m.Arm)!.Name, seed) : Slope((ClaimTerm.Trend)term, points, axes, seed);
                if (value is null)
                {
                    missing.Add(term is ClaimTerm.Metric missed ? $"{missed.Name}[{missed.Arm}]" : $"trend({((ClaimTerm.Trend)term).Name})");
                }
                return value;
            }
            if (comparison.Left.Evaluate(Value) is { } left && comparison.Right.Evaluate(Value) is { } right && double.IsFinite(left - right))
            {
                pairs.Add((left, right));
            }
        }
        string sign = comparison.Larger ? ">" : "<";
        if (pairs.Count == 0)
        {
            return (Verdict.Undecided, missing.Count > 0 ? $"no numbers: {string.Join(", ", missing)} missing" : "no numbers");
        }
        double[] differences = [.. pairs.Select(p => p.Left - p.Right)];
        string numbers = $"{Text(pairs.Average(p => p.Left))} {sign} {Text(pairs.Average(p => p.Right))}";
        if (pairs.Count == 1)
        {
            bool holds = differences[0] != 0 && differences[0] > 0 == comparison.Larger;
            return (Verdict.Undecided, $"one seed, no significance: {numbers} {(holds ? "holds" : "does not hold")} in it");
        }
        Estimate estimate = Estimate.Of(differences)!;
        (double mean, double half) = (estimate.Mean, estimate.HalfWidth ?? double.NaN);
        double side = comparison.Larger ? 1 : -1;
        Verdict verdict = (side * mean) - half > 0 ? Verdict.Supported : (side * mean) + half < 0 ? Verdict.Contradicted : Verdict.Undecided;
        return (verdict, $"mean {numbers}, paired difference {Text(mean)} (95 % t interval {Text(mean - half)} to {Text(mean + half)}, {pairs.Count} seeds)");
    }

    private static double? Metric(string metric, string arm, IEnumerable<CellResult> seed) =>
        seed.FirstOrDefault(r => r.Arm == arm) is { } result && result.Metrics.TryGetValue(metric, out double value) && double.IsFinite(value) ? value : null;

    /// <summary>Least-squares slope over the axis values; over their places in the file where they are not numbers.</summary>
    private static double? Slope(ClaimTerm.Trend trend, ArmPoint[] points, IReadOnlyList<string> axes, IEnumerable<CellResult> seed)
    {
        string axis = ArmPoint.FindAxis(axes, trend.Axis)!;
        ArmPoint[] onAxis = [.. points.Where(p => p.Coordinates.ContainsKey(axis))];
        List<string> order = [.. onAxis.Select(p => p.Coordinates[axis]).Distinct()];
        bool numeric = order.All(o => ClaimParser.TryNumber(o, out _));
        List<(double X, double Y)> samples = [];
        foreach (ArmPoint point in onAxis)
        {
            if (Metric(trend.Name, point.Name, seed) is not { } y)
            {
                return null; // a slope over part of the axis would not be the claimed one
            }
            string text = point.Coordinates[axis];
            samples.Add((numeric ? double.Parse(text, CultureInfo.InvariantCulture) : order.IndexOf(text), y));
        }
        if (samples.Count < 2)
        {
            return null;
        }
        double meanX = samples.Average(s => s.X), meanY = samples.Average(s => s.Y);
        double spread = samples.Sum(s => (s.X - meanX) * (s.X - meanX));
        return spread == 0 ? null : samples.Sum(s => (s.X - meanX) * (s.Y - meanY)) / spread;
    }

    private static string Text(double value) => value.ToString("0.####", CultureInfo.InvariantCulture) is var text && text is "0" or "-0" && value != 0
        ? value.ToString("0.##E+0", CultureInfo.InvariantCulture)
        : text;
}
