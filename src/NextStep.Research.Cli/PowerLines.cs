using System.Globalization;
using NextStep.Research.Experiments;
using NextStep.Research.Reports;

namespace NextStep.Research.Cli;

/// <summary>What the planned seeds can find, before the night, in sentences.</summary>
internal static class PowerLines
{
    public static IEnumerable<string> Of(Plan plan, IReadOnlyList<PlannedPower> powers)
    {
        string[] metrics = [.. PlannedPower.Metrics(plan)], unknown = [.. metrics.Where(m => powers.All(p => p.Spread.Metric != m))];
        if (plan.Arms.Count < 2 || metrics.Length == 0)
        {
            yield break;
        }
        foreach (IGrouping<string, PlannedPower> run in powers.GroupBy(p => p.Spread.From))
        {
            PlannedPower first = run.First();
            yield return $"what {first.Seeds} {(first.Seeds == 1 ? "seed" : "seeds")} can find, from the spread in {run.Key} (found = 8 times of 10; 5 %, Holm over {first.Comparisons} {(first.Comparisons == 1 ? "comparison" : "comparisons")}):";
            foreach (PlannedPower power in run)
            {
                yield return "  " + Line(power);
            }
        }
        foreach ((string say, double margin, double power) in PlannedPower.Equivalences(plan, powers))
        {
            yield return $"  '{say}': within ±{Numbers.Format(margin)} is shown with {Percent(power)} probability where there is no difference";
        }
        if (unknown.Length > 0)
        {
            yield return $"power unknown for {string.Join(", ", unknown)}: no earlier run here has two seeds of two arms; --from RUN names one";
        }
    }

    private static string Line(PlannedPower power)
    {
        EarlierSpread spread = power.Spread;
        if (spread.Deviation == 0)
        {
            return $"{spread.Metric}: the differences were the same in every seed";
        }
        string known = $"{spread.Metric}: deviation {Numbers.Format(spread.Deviation)} ({spread.Freedom} degrees of freedom)";
        string can = power.Detectable is { } detectable ? $"differences from {Numbers.Format(detectable)} on are found" : "one seed finds nothing";
        string needed = power.Needed is { } seeds ? $"{seeds.ToString("#,0", CultureInfo.InvariantCulture)} seeds" : "more than 10,000 seeds";
        return power.Difference is { } wanted
            ? $"{known}: {(power.Power is { } chance ? $"{Numbers.Format(wanted)} is found with {Percent(chance)} probability" : "one seed finds nothing")}; {needed} would find it"
            : $"{known}: {can}; {needed} would find the largest difference there, {Numbers.Format(spread.Largest)}";
    }

    private static string Percent(double share) => (100 * share).ToString("0", CultureInfo.InvariantCulture) + " %";
}
