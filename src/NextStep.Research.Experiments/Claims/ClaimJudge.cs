using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>What came of a claim.</summary>
public enum Verdict
{
    /// <summary>Every comparison holds significantly.</summary>
    Supported,

    /// <summary>A comparison is significantly the other way round.</summary>
    Contradicted,

    /// <summary>Neither, or too few seeds, or numbers are missing.</summary>
    Undecided,
}

/// <summary>
/// Judges claims over the seeds. Each comparison gives one difference (left − right) a seed, so arms are paired by seed; the
/// mean difference is tested against 0, two-sided, with Holm's correction over all comparisons of all claims of the
/// experiment. One seed gives no interval, no p-value and hence no verdict.
/// </summary>
public static class ClaimJudge
{
    /// <summary>The claims of a plan with verdict and evidence, judged on the results that are there.</summary>
    public static IReadOnlyList<PlannedClaim> Judge(Plan plan, IReadOnlyList<CellResult> results)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(results);
        ArmPoint[] points = [.. plan.Arms.Select(ArmPoint.From)];
        Dictionary<string, CellResult>[] seeds = [.. results.GroupBy(r => r.Seed).OrderBy(g => g.Key).Select(g => g.DistinctBy(r => r.Arm).ToDictionary(r => r.Arm))];
        (int Claim, ClaimFinding Finding)[] findings = [.. plan.Claims.SelectMany((claim, i) =>
            ClaimParser.Parse(claim.Test).Select(c => (i, Find(c, points, plan.Axes, seeds))))];
        IReadOnlyList<double?> adjusted = Holm.Adjust([.. findings.Select(f => f.Finding.PValue)]);
        ILookup<int, ClaimFinding> judged = findings.Select((f, i) => (f.Claim, Finding: Decide(f.Finding with { AdjustedPValue = adjusted[i] })))
            .ToLookup(f => f.Claim, f => f.Finding);
        return [.. plan.Claims.Select((claim, i) => Judge(claim, [.. judged[i]]))];
    }

    private static PlannedClaim Judge(PlannedClaim claim, ClaimFinding[] findings)
    {
        Verdict verdict = findings.Any(p => p.Verdict == Verdict.Contradicted) ? Verdict.Contradicted
            : findings.All(p => p.Verdict == Verdict.Supported) ? Verdict.Supported : Verdict.Undecided;
        return claim with { Verdict = EnumNames.Format(verdict), Evidence = string.Join("; ", findings.Select(f => f.ToString())), Findings = findings };
    }

    private static ClaimFinding Find(ClaimComparison comparison, ArmPoint[] points, IReadOnlyList<string> axes, Dictionary<string, CellResult>[] seeds)
    {
        List<double> lefts = [], rights = [];
        HashSet<string> missing = [];
        Dictionary<string, string> kinds = [];
        foreach (Dictionary<string, CellResult> seed in seeds)
        {
            ClaimNumbers numbers = new(points, axes, seed, kinds);
            if (comparison.Left.Evaluate(numbers.Value) is { } left && comparison.Right.Evaluate(numbers.Value) is { } right && double.IsFinite(left - right))
            {
                lefts.Add(left);
                rights.Add(right);
            }
            missing.UnionWith(numbers.Missing);
        }
        ClaimFinding finding = new(comparison.Text, comparison.Larger) { Missing = [.. missing] };
        double[] differences = [.. lefts.Zip(rights, (l, r) => l - r)];
        return MeanTest.Of(differences, lefts.Concat(rights).Select(Math.Abs).DefaultIfEmpty(0).Max()) is not { } test ? finding : finding with
        {
            Left = lefts.Average(),
            Right = rights.Average(),
            Difference = test.Estimate,
            Test = test.Test,
            PValue = test.PValue,
            Bootstrap = BootstrapTest.Of(differences),
        };
    }

    private static ClaimFinding Decide(ClaimFinding finding) => finding.AdjustedPValue < PairedComparison.Significance
        ? finding with { Verdict = finding.Difference!.Mean > 0 == finding.Larger ? Verdict.Supported : Verdict.Contradicted }
        : finding;
}

/// <summary>What the seeds say of one comparison of a claim.</summary>
/// <param name="Comparison">As written.</param>
/// <param name="Larger">Whether left &gt; right is claimed, else left &lt; right.</param>
public sealed record ClaimFinding(string Comparison, bool Larger)
{
    /// <summary>What came of it.</summary>
    public Verdict Verdict { get; init; } = Verdict.Undecided;

    /// <summary>Mean of the left side over the seeds.</summary>
    public double? Left { get; init; }

    /// <summary>Mean of the right side.</summary>
    public double? Right { get; init; }

    /// <summary>Mean of left − right with its 95 % interval; null without numbers.</summary>
    public Estimate? Difference { get; init; }

    /// <summary>The test's name, as in <see cref="MeanTest.Test"/>.</summary>
    public string Test { get; init; } = "none";

    /// <summary>Two-sided, of the null hypothesis that both sides are equal.</summary>
    public double? PValue { get; init; }

    /// <summary>After Holm's correction over all comparisons of the experiment's claims.</summary>
    public double? AdjustedPValue { get; init; }

    /// <summary>Beside the t-test, from <see cref="BootstrapTest.FewestValues"/> seeds on.</summary>
    public BootstrapTest? Bootstrap { get; init; }

    /// <summary>Numbers that were not there, in words.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];

    /// <summary>One sentence with the numbers.</summary>
    public override string ToString()
    {
        if (Difference is null)
        {
            return Missing.Count > 0 ? $"no numbers: {string.Join(", ", Missing)}" : "no numbers";
        }
        string numbers = $"{Text(Left!.Value)} {(Larger ? ">" : "<")} {Text(Right!.Value)}";
        if (Difference.Count == 1)
        {
            bool holds = Difference.Mean != 0 && Difference.Mean > 0 == Larger;
            return $"one seed, no significance: {numbers} {(holds ? "holds" : "does not hold")} in it";
        }
        string interval = Difference.HalfWidth is null ? "the same in every seed" : $"95 % interval {Text(Difference.Low!.Value)} to {Text(Difference.High!.Value)}";
        string test = Test == "t" ? "paired t-test" : "sign-flip test";
        string bootstrap = Bootstrap is null ? "" : $"; BCa bootstrap {Text(Bootstrap.Low)} to {Text(Bootstrap.High)}, p = {Text(Bootstrap.PValue)}";
        return $"mean {numbers}, difference {Text(Difference.Mean)} ({interval}; {test}, p = {Text(PValue!.Value)}, Holm p = {Text(AdjustedPValue!.Value)}{bootstrap}; {Difference.Count} seeds)";
    }

    private static string Text(double value)
    {
        string text = value.ToString("0.####", CultureInfo.InvariantCulture);
        return text is "0" or "-0" && value != 0 ? value.ToString("0.##E+0", CultureInfo.InvariantCulture) : text;
    }
}
