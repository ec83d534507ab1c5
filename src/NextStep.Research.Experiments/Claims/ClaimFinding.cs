using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>What the seeds say of one comparison of a claim.</summary>
/// <param name="Comparison">As written.</param>
/// <param name="Relation">What is claimed of its sides.</param>
public sealed record ClaimFinding(string Comparison, ClaimRelation Relation)
{
    /// <summary>Mean of the left side over the seeds.</summary>
    public double? Left { get; init; }

    /// <summary>Mean of the right side.</summary>
    public double? Right { get; init; }

    /// <summary>Mean of left − right with its 95 % interval; null without numbers.</summary>
    public Estimate? Difference { get; init; }

    /// <summary>The test's name, as in <see cref="MeanTest.Test"/> or <see cref="EquivalenceTest.Test"/>.</summary>
    public string Test { get; init; } = "none";

    /// <summary>Of an inequality two-sided, of the null hypothesis that both sides are equal; of an equality that of <see cref="EquivalenceTest"/>. Null for one seed.</summary>
    public double? PValue { get; init; }

    /// <summary>The tests of an equality.</summary>
    public EquivalenceTest? Equivalence { get; init; }

    /// <summary>Beside the t-test of an inequality, from <see cref="BootstrapTest.FewestValues"/> seeds on.</summary>
    public BootstrapTest? Bootstrap { get; init; }

    /// <summary>Numbers that were not there, in words.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];

    /// <summary>What the pictures of each pair of trained models say; empty where the comparison is not about pictures that are right or wrong.</summary>
    public IReadOnlyList<PictureTest> Pictures { get; init; } = [];

    /// <summary>How small it makes the chance that the comparison is wrong and only looks right; 1 where it points the other way.</summary>
    internal double? PValueFor => Equivalence is not null ? Equivalence.PValue : PValue is null ? null : PointsAsClaimed ? PValue : 1;

    /// <summary>The same for the contrary.</summary>
    internal double? PValueAgainst => Equivalence is not null ? Equivalence.PValueAgainst : PValue is null ? null : PointsAsClaimed ? 1 : PValue;

    private bool PointsAsClaimed => Relation switch
    {
        ClaimRelation.Larger => Difference!.Mean > 0,
        ClaimRelation.Smaller => Difference!.Mean < 0,
        _ => false,
    };

    /// <summary>One sentence with the numbers.</summary>
    public override string ToString()
    {
        if (Difference is null)
        {
            return Missing.Count > 0 ? $"no numbers: {string.Join(", ", Missing)}" : "no numbers";
        }
        string sign = Relation switch { ClaimRelation.Larger => ">", ClaimRelation.Smaller => "<", _ => "against" };
        string numbers = $"{Text(Left!.Value)} {sign} {Text(Right!.Value)}";
        if (Difference.Count == 1)
        {
            return Relation == ClaimRelation.Equal
                ? $"one seed, no significance: the difference is {Text(Difference.Mean)} in it"
                : $"one seed, no significance: {numbers} {(PointsAsClaimed ? "holds" : "does not hold")} in it";
        }
        if (Equivalence is { } equal)
        {
            string margin = $"±{Text(equal.Margin)}";
            return equal.Test == "no spread"
                ? $"mean {numbers}, difference {Text(Difference.Mean)} in every seed, {(equal.PValue < 1 ? $"inside {margin}" : $"not inside {margin}")} ({Difference.Count} seeds)"
                : $"mean {numbers}, difference {Text(Difference.Mean)}, margin {margin} (90 % interval {Text(equal.Low)} to {Text(equal.High)}; two one-sided t-tests, p = {Text(equal.PValue)}; {Difference.Count} seeds)";
        }
        string interval = Difference.HalfWidth is null ? "the same in every seed" : $"95 % interval {Text(Difference.Low!.Value)} to {Text(Difference.High!.Value)}";
        string test = PValue is null ? "no test" : $"{(Test == "t" ? "paired t-test" : "sign-flip test")}, p = {Text(PValue.Value)}";
        return $"mean {numbers}, difference {Text(Difference.Mean)} ({interval}; {test}{(Bootstrap is null ? "" : $"; {Bootstrap}")}; {Difference.Count} seeds)";
    }

    internal static string Text(double value)
    {
        string text = value.ToString("0.####", CultureInfo.InvariantCulture);
        return text is "0" or "-0" && value != 0 ? value.ToString("0.##E+0", CultureInfo.InvariantCulture) : text;
    }
}
