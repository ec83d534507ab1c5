using System.Globalization;
using MathNet.Numerics.Distributions;

namespace NextStep.Research.Experiments;

/// <summary>
/// What the pictures of one pair of trained models say: both drew the same prompts from the same noise, so pictures are paired, and
/// the exact test of McNemar (1947; a binomial test of the prompts on which only one model is right) asks whether these two models
/// differ. It says nothing about what training does at another seed; that is what the tests over seeds ask.
/// </summary>
/// <param name="Metric">Of which the pictures are right or wrong: <c>alignment</c>, <c>edit.success</c>.</param>
/// <param name="Arm">One model's arm.</param>
/// <param name="Other">The other's.</param>
/// <param name="Seed">Of both.</param>
/// <param name="Pictures">Prompts that both drew.</param>
/// <param name="OnlyArm">Prompts that only <paramref name="Arm"/> drew right.</param>
/// <param name="OnlyOther">Prompts that only <paramref name="Other"/> drew right.</param>
public sealed record PictureTest(string Metric, string Arm, string Other, long Seed, int Pictures, int OnlyArm, int OnlyOther)
{
    /// <summary>Two-sided and exact, of the null hypothesis that both models are right equally often.</summary>
    public double PValue { get; } = Exact(OnlyArm, OnlyOther);

    /// <summary>After Holm's correction over the pairs that are looked at together.</summary>
    public double AdjustedPValue { get; init; } = Exact(OnlyArm, OnlyOther);

    /// <summary>Whether the two trained models differ.</summary>
    public bool IsSignificant => AdjustedPValue < PairedComparison.Significance;

    /// <summary>Share of right pictures of <see cref="Arm"/> minus that of <see cref="Other"/>.</summary>
    public double Difference => (double)(OnlyArm - OnlyOther) / Pictures;

    /// <summary>Pairs the pictures of two results of one seed; null where either was not judged picture by picture, or other prompts were drawn.</summary>
    public static PictureTest? Of(string metric, CellResult arm, CellResult other)
    {
        ArgumentNullException.ThrowIfNull(arm);
        ArgumentNullException.ThrowIfNull(other);
        return arm.Outcomes.TryGetValue(metric, out PictureOutcomes? a) && other.Outcomes.TryGetValue(metric, out PictureOutcomes? b)
            && a.Tasks == b.Tasks && a.Right.Length == b.Right.Length && a.Right.Length > 0 && arm.Seed == other.Seed
            ? new PictureTest(metric, arm.Arm, other.Arm, arm.Seed, a.Right.Length, Only(a.Right, b.Right), Only(b.Right, a.Right))
            : null;
    }

    /// <summary>The same pairs with Holm's correction over all of them.</summary>
    public static IReadOnlyList<PictureTest> Adjust(IReadOnlyList<PictureTest> tests)
    {
        IReadOnlyList<double?> adjusted = Holm.Adjust([.. (tests ?? throw new ArgumentNullException(nameof(tests))).Select(t => (double?)t.PValue)]);
        return [.. tests.Select((t, i) => t with { AdjustedPValue = adjusted[i]!.Value })];
    }

    /// <summary>Where a comparison is between one metric of two arms: a test a seed.</summary>
    internal static IReadOnlyList<PictureTest> Of(ClaimComparison comparison, ClaimGrid grid, IEnumerable<Dictionary<string, CellResult>> seeds)
    {
        ClaimTerm.Measured[] measured = [.. comparison.Left.Terms().Concat(comparison.Right.Terms()).OfType<ClaimTerm.Measured>()];
        if (measured is not [ClaimTerm.Metric first, ClaimTerm.Metric second] || first.Name != second.Name)
        {
            return [];
        }
        (string arm, string other) = (ArmPoint.Find(grid.Points, first.Arm)!.Name, ArmPoint.Find(grid.Points, second.Arm)!.Name);
        return arm == other ? [] : Adjust([.. seeds.Select(s => s.TryGetValue(arm, out CellResult? a) && s.TryGetValue(other, out CellResult? b) ? Of(first.Name, a, b) : null).OfType<PictureTest>()]);
    }

    /// <summary>For people, about this pair alone.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"at seed {Seed} these two trained models {(IsSignificant ? "differ" : "cannot be told apart by their pictures")}: of {Pictures} prompts that both drew, {OnlyArm} came out right only with {Arm} and {OnlyOther} only with {Other} (exact McNemar p = {ClaimFinding.Text(AdjustedPValue)})");

    /// <summary>What a claim's evidence adds about the models that were trained; empty where their pictures were not judged one by one.</summary>
    internal static string Sentence(IEnumerable<ClaimFinding> findings, int seeds)
    {
        PictureTest[] tests = [.. findings.SelectMany(f => f.Pictures).DistinctBy(t => (t.Metric, t.Arm, t.Other, t.Seed))];
        if (tests.Length == 0)
        {
            return "";
        }
        string models = tests.Length == 1 ? tests[0].ToString()
            : $"{tests.Count(t => t.IsSignificant)} of {tests.Length} pairs of trained models differ (exact McNemar, Holm over the pairs)";
        return $". Pictures, paired: {models}; {(seeds < 2 ? "whether training differs stays open: that takes several seeds" : "what training does is the question of the test over seeds")}";
    }

    // Twice the smaller tail of a binomial distribution with probability 1/2; without any such prompt nothing speaks against equality.
    private static double Exact(int one, int other) => one + other == 0 ? 1 : Math.Min(1, 2 * Binomial.CDF(0.5, one + other, Math.Min(one, other)));

    private static int Only(string right, string other) => right.Where((c, i) => c == PictureOutcomes.Yes && other[i] != PictureOutcomes.Yes).Count();
}
