using System.IO.Enumeration;
using System.Text.Json;
using NextStep.Research.Experiments;
using NextStep.Research.Reports;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary>Two runs of the same cells, for people and as JSON.</summary>
internal sealed class TwoRunsView(RunFolder first, RunFolder second, string[] metrics)
{
    private const int MostRows = 200;
    private readonly TwoRuns _runs = TwoRuns.Compare(first, second, m => metrics.Length == 0 ? Measured(first, m) : metrics.Any(p => p == m || FileSystemName.MatchesSimpleExpression(p, m, ignoreCase: false)));

    public string Json() => JsonSerializer.Serialize(
        new
        {
            first = first.Path,
            second = second.Path,
            _runs.Differences,
            arms = _runs.Arms.Select(a => new { a.First, a.Second, settings = a.Settings.Select(s => new { s.Path, first = s.First, second = s.Second }), a.Stages }),
            metrics = _runs.Metrics.Select(m => new
            {
                name = m.Metric, arm = m.Arm.First, first = m.FirstMean, second = m.SecondMean, difference = m.Difference.Difference.Mean, m.Difference.Difference.Low, m.Difference.Difference.High, m.Difference.Pairs,
                m.Difference.Test.Test, m.Difference.Test.PValue, m.AdjustedPValue,
            }),
            _runs.Apart,
        },
        RunFolder.Json);

    public void Write(bool all)
    {
        AnsiConsole.WriteLine($"{first.Path} → {second.Path}");
        foreach (string difference in _runs.Differences)
        {
            AnsiConsole.WriteLine($"differs: {difference}");
        }
        foreach (ArmPair arm in _runs.Arms.Where(a => a.Settings.Count > 0 || a.Stages.Count > 0 || a.First != a.Second))
        {
            string settings = string.Join(", ", arm.Settings.Select(s => $"{s.Path} {s.First} → {s.Second}")), stages = arm.Stages.Count > 0 ? $"other stages: {string.Join(", ", arm.Stages)}" : "the same stages";
            AnsiConsole.WriteLine($"{arm.First}{(arm.First == arm.Second ? "" : $" → {arm.Second}")}: {(settings.Length > 0 ? settings + "; " : "")}{stages}");
        }
        Table table = new Table().Border(TableBorder.Simple).AddColumns("metric", "arm", "seeds");
        foreach (string column in new[] { "first", "second", "difference", "95 % interval", "p", "Holm p" })
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }
        table.AddColumn("");
        foreach (RunDifference m in _runs.Metrics.Take(all ? int.MaxValue : MostRows))
        {
            Estimate estimate = m.Difference.Difference;
            table.AddRow(new[]
            {
                m.Metric, m.Arm.First, $"{m.Difference.Pairs}", Numbers.Format(m.FirstMean), Numbers.Format(m.SecondMean), m.Difference.Differences.All(d => d == 0) ? "identical" : Numbers.Signed(estimate.Mean),
                estimate.HalfWidth is > 0 ? $"{Numbers.Signed(estimate.Low!.Value)} … {Numbers.Signed(estimate.High!.Value)}" : "", ComparisonView.P(m.Difference.Test.PValue), ComparisonView.P(m.AdjustedPValue),
                m.AdjustedPValue < PairedComparison.Significance ? "*" : "",
            }.Select(t => new Text(t)));
        }
        AnsiConsole.Write(table);
        if (_runs.Apart.Count > 0)
        {
            AnsiConsole.WriteLine($"of other kinds in the two runs, and not compared there: {string.Join(", ", _runs.Apart)}");
        }
        AnsiConsole.WriteLine("Differences are second − first, paired by seed; p-values of the paired t-test, corrected by Holm over all rows; * Holm p < 0.05. They tell of all that differs together.");
    }

    private static bool Measured(RunFolder folder, string metric)
    {
        IReadOnlyList<string> measure = folder.RequirePlan().Measure;
        return measure.Count == 0 || measure.Any(p => p == metric || FileSystemName.MatchesSimpleExpression(p, metric, ignoreCase: false));
    }
}
