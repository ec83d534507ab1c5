using System.Globalization;
using System.IO.Enumeration;
using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary>Metrics by arm: the mean over the seeds, and the difference to the baseline.</summary>
internal static class ComparisonTable
{
    /// <summary>A column per arm; differences are between means over the seeds that both arms have.</summary>
    public static Table Make(Plan plan, IReadOnlyList<CellResult> results)
    {
        Table table = new Table().Border(TableBorder.Simple);
        table.AddColumn("metric");
        foreach (PlannedArm arm in plan.Arms)
        {
            int count = results.Count(r => r.Arm == arm.Name);
            table.AddColumn(new TableColumn(Markup.Escape($"{arm.Name} ({count} of {plan.Cells.Count(c => c.Arm == arm.Name)})")).RightAligned());
        }
        foreach (string metric in results.SelectMany(r => r.Metrics.Keys).Distinct().Where(m => IsMeasured(plan, m)).Order(StringComparer.Ordinal))
        {
            table.AddRow([new Text(metric), .. plan.Arms.Select(a => new Text(Cell(plan, results, a.Name, metric)))]);
        }
        return table;
    }

    private static bool IsMeasured(Plan plan, string metric) =>
        plan.Measure.Count == 0 || plan.Measure.Any(m => FileSystemName.MatchesSimpleExpression(m, metric, ignoreCase: false));

    private static string Cell(Plan plan, IReadOnlyList<CellResult> results, string arm, string metric)
    {
        Dictionary<long, double> mine = Values(results, arm, metric), baseline = Values(results, plan.Arms[0].Name, metric);
        if (mine.Count == 0)
        {
            return "–";
        }
        string mean = mine.Values.Average().ToString("0.####", CultureInfo.InvariantCulture);
        double[] differences = [.. mine.Where(m => baseline.ContainsKey(m.Key)).Select(m => m.Value - baseline[m.Key])];
        return arm == plan.Arms[0].Name || differences.Length == 0
            ? mean
            : $"{mean} ({differences.Average().ToString("+0.####;-0.####;±0", CultureInfo.InvariantCulture)})";
    }

    private static Dictionary<long, double> Values(IReadOnlyList<CellResult> results, string arm, string metric) =>
        results.Where(r => r.Arm == arm && r.Metrics.ContainsKey(metric)).ToDictionary(r => r.Seed, r => r.Metrics[metric]);
}
