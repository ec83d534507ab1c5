using System.Globalization;
using NextStep.Research.Experiments;
using NextStep.Research.Reports;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary>Main effects, interactions and trends over the axes of a grid, by metric.</summary>
internal static class EffectsTable
{
    private const int MostMetrics = 8;

    /// <summary>Null where the arms are no grid or there is one seed.</summary>
    public static Table? Make(Plan plan, RunStatistics statistics)
    {
        List<Row> rows = [.. statistics.Metrics.Where(m => !statistics.IsConstant(m)).Take(MostMetrics).SelectMany(m => Of(plan, statistics, m).Select((r, i) => i == 0 ? r : r with { Metric = "" }))];
        if (rows.All(r => r.P?.PValue is null))
        {
            return null;
        }
        Table table = new Table().Border(TableBorder.Simple).AddColumns("metric", "over the grid", "estimate", "test", "p", "adjusted p");
        foreach (Row row in rows)
        {
            table.AddRow(new[] { row.Metric, row.What, row.Estimate, row.Test, ComparisonView.P(row.P?.PValue), Adjusted(row.P) }.Select(t => new Text(t)));
        }
        return table;
    }

    private sealed record Row(string Metric, string What, string Estimate, string Test, CorrectedTest? P);

    private static string Adjusted(CorrectedTest? test) => ComparisonView.P(test?.AdjustedPValue) + (test is { IsExploratory: true, AdjustedPValue: not null } ? " exploratory" : "");

    private static List<Row> Of(Plan plan, RunStatistics statistics, string metric)
    {
        List<Row> rows = [];
        if (statistics.Effects(metric) is { } effects)
        {
            rows.AddRange(effects.MainEffects.Select(e => new Row(metric, $"effect of {e.Factor}",
                string.Join(", ", e.Levels.Zip(e.Effects, (level, effect) => $"{level}: {Numbers.Signed(effect.Estimate.Mean)}")), F(e.Test), statistics.EffectTests.Effect(metric, e))));
            rows.AddRange(effects.Interactions.Select(i => new Row(metric, $"{i.First} × {i.Second}",
                $"up to {Numbers.Format(i.Effects.SelectMany(r => r).Max(t => Math.Abs(t.Estimate.Mean)))} beyond the sum", F(i.Test), statistics.EffectTests.Interaction(metric, i))));
        }
        foreach (string axis in plan.Axes)
        {
            if (statistics.EffectTests.Trend(metric, axis) is { } tested && statistics.Trend(metric, axis) is { } trend)
            {
                Estimate slope = trend.Slope.Estimate;
                string half = slope.HalfWidth is { } h ? $" ± {Numbers.Format(h)}" : "";
                rows.Add(new Row(metric, $"trend over {(statistics.Scale(axis)!.Log ? "ln " : "")}{axis}", $"slope {Numbers.Signed(slope.Mean)}{half}, Spearman {trend.Correlation.ToString("0.00", CultureInfo.InvariantCulture)}",
                    trend.Slope.Test == "t" ? $"t, {slope.Count} seeds" : trend.Slope.Test, tested));
            }
        }
        return rows;
    }

    private static string F(VarianceTest? test) => test is null ? "–" : string.Create(CultureInfo.InvariantCulture, $"F({test.Numerator}, {test.Denominator}) = {test.F:0.00}");
}
