using System.Globalization;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>One test of a claim in words and numbers, as table, page and README show it.</summary>
/// <param name="Claim">The claim's name.</param>
/// <param name="Say">The sentence.</param>
/// <param name="Verdict">Or that nothing was run, or that the numbers are damaged.</param>
/// <param name="Effect">Left − right of every comparison, with its 95 % interval.</param>
/// <param name="P">After Holm's correction; empty without a test.</param>
/// <param name="Seeds">That it was judged on, of those planned.</param>
/// <param name="Power">What these seeds could find, and what would decide an undecided test.</param>
internal sealed record FindingRow(string Claim, string Say, string Verdict, string Effect, string P, string Seeds, string Power)
{
    /// <summary>What stands for a verdict where there are no numbers.</summary>
    public const string NotRun = "not run yet";

    /// <summary>What stands for a verdict where the numbers cannot be trusted.</summary>
    public const string Damaged = "results damaged";

    /// <summary>Of every claim, in its order.</summary>
    public static IReadOnlyList<FindingRow> Of(IEnumerable<ReproducedClaim> claims) => [.. claims.SelectMany(Of)];

    /// <summary>Of one claim, a row a test.</summary>
    public static IReadOnlyList<FindingRow> Of(ReproducedClaim claim) => [.. claim.Plan.Claims.Select(test => Of(claim, test))];

    /// <summary>A table in Markdown, a row a claim: its question, and its tests by verdict with effect and interval.</summary>
    public static string Markdown(IReadOnlyList<ReproducedClaim> claims) => string.Join('\n',
    [
        "| claim | question | verdicts: left − right of each test, 95 % interval | seeds |",
        "|---|---|---|---|",
        .. claims.Select(claim => $"| {string.Join(" | ", new[] { $"`{claim.File.Name}`", claim.Experiment.Question, ByVerdict(Of(claim)), Of(claim)[0].Seeds }.Select(t => t.Replace("|", "\\|", StringComparison.Ordinal)))} |"),
    ]);

    private static string ByVerdict(IReadOnlyList<FindingRow> rows) => string.Join("<br>", rows.GroupBy(r => r.Verdict).Select(group =>
        $"{(group.Key is "supported" or "contradicted" ? $"**{group.Key}**" : group.Key)}: {string.Join("; ", group.Select(r => r.Effect.Length == 0 ? r.Say : $"{r.Say} ({r.Effect.Replace(" (", ", ", StringComparison.Ordinal).Replace(")", "", StringComparison.Ordinal)})"))}"));

    private static FindingRow Of(ReproducedClaim claim, PlannedClaim test)
    {
        string name = claim.File.Name;
        int planned = claim.Experiment.Seeds.Count;
        return !claim.HasNumbers ? new FindingRow(name, test.Say, claim.Faults.Count > 0 ? Damaged : NotRun, "", "", $"0 of {planned}", "") : new FindingRow(
            name, test.Say, test.MarkedVerdict,
            string.Join("; ", test.Findings.Select(f => Interval(f.Difference))),
            test.AdjustedPValue is { } p ? Numbers.PValue(p) : "",
            test.Seeds.Used == planned ? $"{planned}" : $"{test.Seeds.Used} of {planned}",
            string.Join(" ", ClaimPower.Of(test, claim.Plan.Claims.Count).Select(w => Sentence(w, test))));
    }

    private static string Interval(Estimate? difference) => difference is null ? "no numbers"
        : difference.HalfWidth is { } half && difference.Count > 1 ? $"{Numbers.Signed(difference.Mean)} ({Numbers.Format(difference.Mean - half)} to {Numbers.Format(difference.Mean + half)})"
        : Numbers.Signed(difference.Mean);

    private static string Sentence(ClaimPower power, PlannedClaim test)
    {
        bool open = test.Verdict == "undecided";
        string needed = power.Needed is { } seeds ? $"{seeds.ToString("#,0", CultureInfo.InvariantCulture)} seeds" : "more seeds than can be run";
        return power.IsEquality
            ? $"{power.Seeds} seeds show this equality with {(100 * power.Detectable).ToString("0", CultureInfo.InvariantCulture)} % probability where there is no difference{(open ? $"; {needed} would eight times of ten" : "")}."
            : $"{power.Seeds} seeds find differences from {Numbers.Format(power.Detectable)} on eight times of ten{(open ? $"; {needed} would find the one that was seen" : "")}.";
    }
}
