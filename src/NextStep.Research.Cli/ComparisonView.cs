using System.Globalization;
using System.Text.Json;
using NextStep.Research.Experiments;
using NextStep.Research.Reports;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary>Arms against the baseline, for people and as JSON.</summary>
internal sealed class ComparisonView(RunFolder folder, Plan plan, IReadOnlyList<CellResult> results, IReadOnlyList<PlannedArm> arms, IReadOnlyList<string>? metrics = null, bool mixCode = false)
{
    private const int MostRows = 200;
    private readonly RunStatistics _statistics = new(plan, results, metrics, mixCode);
    private readonly IReadOnlyList<CellFailure> _failures = folder.ReadFailures(plan);

    /// <summary>All arms.</summary>
    public static ComparisonView Of(RunFolder folder)
    {
        Plan plan = folder.RequirePlan();
        return new ComparisonView(folder, plan, folder.ReadResults(plan), plan.Arms);
    }

    public void Write(bool all)
    {
        if (results.Count == 0)
        {
            AnsiConsole.WriteLine($"{folder.Path}: no cell is done yet");
            return;
        }
        SearchTable.Write(folder, plan);
        WriteSettings(all ? int.MaxValue : MostRows);
        WriteMetrics(all ? int.MaxValue : MostRows);
        WritePreliminary();
        if ((mixCode ? CodeMix.Found(results) : CodeMix.Of(results)) is { } mixed)
        {
            AnsiConsole.WriteLine(mixed);
        }
        if (EffectsTable.Make(plan, _statistics) is { } effects)
        {
            AnsiConsole.Write(effects);
        }
        PicturesTable.Write(Pictures, arms[0].Name, all);
        if (CurvesTable.Make(folder, plan, arms) is { } curves)
        {
            AnsiConsole.Write(curves);
        }
        foreach (PlannedClaim claim in ClaimJudge.Judge(plan, results, _failures, mixCode))
        {
            AnsiConsole.WriteLine($"{claim.MarkedVerdict}: {claim.Say} [{claim.Test}]: {claim.Evidence}");
        }
    }

    public string Json() => JsonSerializer.Serialize(
        new
        {
            plan.Name,
            baseline = arms[0].Name,
            arms = arms.Select(a => new { a.Name, a.Settings }),
            metrics = _statistics.Metrics.Select(m => new
            {
                name = m,
                identity = _statistics.Identity(m),
                arms = arms.Where(a => _statistics.Mean(m, a.Name) is not null).Select(a => new { a.Name, mean = _statistics.Mean(m, a.Name), values = _statistics.Values(m, a.Name), difference = Difference(m, a.Name) }),
                effects = _statistics.Effects(m),
                trends = plan.Axes.Select(axis => new { axis, trend = _statistics.Trend(m, axis) }).Where(t => t.trend is not null),
            }),
            mixedCode = CodeMix.Found(results),
            pictures = Pictures,
            failures = _failures.Select(f => new { f.Arm, f.Seed, f.Stage, f.Message }),
            preliminary = results.Count < plan.Cells.Count,
            claims = ClaimJudge.Judge(plan, results, _failures, mixCode),
        },
        RunFolder.Json);

    private IReadOnlyList<PictureComparison> Pictures => [.. PictureComparison.Of(plan, results).Where(c => arms.Any(a => a.Name == c.Arm) && (metrics is null || _statistics.Metrics.Contains(c.Metric)))];

    private object? Difference(string metric, string arm) => _statistics.Difference(metric, arm) is { } d
        ? new { d.Difference.Mean, d.Difference.Low, d.Difference.High, d.Pairs, d.Ratio, d.Test.Test, d.Test.PValue, d.AdjustedPValue, significant = d.IsSignificant, exploratory = d.IsExploratory, bootstrap = d.Bootstrap() }
        : null;

    private void WriteSettings(int most)
    {
        string[] paths = [.. arms[0].Settings.Keys.Where(p => arms.Select(a => a.Settings.GetValueOrDefault(p)).Distinct().Count() > 1)];
        if (paths.Length == 0)
        {
            return;
        }
        Table table = new Table().Border(TableBorder.Simple).AddColumns(["arm", .. paths]);
        foreach (PlannedArm arm in arms.Take(most))
        {
            table.AddRow([new Text(arm.Name), .. paths.Select(p => new Text(arm == arms[0] || arm.Settings[p] != arms[0].Settings[p] ? arm.Settings[p] : "·"))]);
        }
        AnsiConsole.Write(table);
        Rest(arms.Count - most, "arms");
    }

    private void WriteMetrics(int most)
    {
        string[] constant = [.. _statistics.Metrics.Where(_statistics.IsConstant)], shown = [.. _statistics.Metrics.Except(constant)];
        Table table = new Table().Border(TableBorder.Simple);
        table.AddColumns("metric", "arm", "seeds");
        foreach (string column in new[] { "mean", "difference", "95 % interval", "ratio", "p", "adjusted p" })
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }
        table.AddColumns("", "by seed");
        int rows = 0;
        foreach (string metric in shown)
        {
            double[] values = [.. arms.SelectMany(a => _statistics.Values(metric, a.Name).Values).Where(double.IsFinite)];
            foreach (PlannedArm arm in arms)
            {
                if (rows++ < most)
                {
                    string[] cells = [arm == arms[0] ? metric : "", arm.Name, Seeds(metric, arm), .. Numbers(metric, arm), Sparkline.Of([.. _statistics.Values(metric, arm.Name).Values], 20, values.DefaultIfEmpty(0).Min(), values.DefaultIfEmpty(0).Max())];
                    table.AddRow(cells.Select(c => new Text(c)));
                }
            }
        }
        AnsiConsole.Write(table);
        Rest(rows - most, "rows");
        foreach (string metric in shown.Where(m => m != RunStatistics.NameOf(m)))
        {
            AnsiConsole.WriteLine($"{metric} is of another kind than the other columns of {RunStatistics.NameOf(metric)} and is not compared with them: {(_statistics.Identity(metric) is { Length: > 0 } identity ? identity : "no identity noted")}");
        }
        if (constant.Length > 0)
        {
            AnsiConsole.WriteLine($"the same in every cell: {string.Join(", ", constant.Select(m => $"{m} {Reports.Numbers.Format(_statistics.Mean(m, arms[0].Name)!.Mean)}"))}");
        }
        AnsiConsole.WriteLine(plan.Cells.Select(c => c.Seed).Distinct().Count() < 2
            ? "One seed: no intervals, no p-values; give seeds to test a difference."
            : $"Differences are paired by seed; intervals are Student's t, p-values of the paired t-test. * named in measure, Holm p < 0.05 over all its arms and metrics.{(shown.Any(m => !_statistics.IsAnnounced(m)) ? " ° exploratory: not named in measure, Benjamini–Hochberg p < 0.05; worth a test of its own, not a finding." : "")}");
    }

    private void WritePreliminary()
    {
        int stopped = SearchWatch.Read(folder, plan) is { } search ? plan.Cells.Count(c => search.IsStopped(c) && !folder.IsDone(c)) : 0, open = plan.Cells.Count - results.Count - _failures.Count - stopped;
        if (stopped > 0)
        {
            AnsiConsole.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{stopped:#,0} of {plan.Cells.Count:#,0} cells were stopped by the search; their arms have no numbers here."));
        }
        if (open + _failures.Count > 0)
        {
            string failed = _failures.Count == 0 ? "" : $", {_failures.Count} failed ({string.Join(", ", _failures.Take(3).Select(f => $"{f.Arm}, seed {f.Seed}"))}{(_failures.Count > 3 ? ", …" : "")}): nothing here speaks of those";
            AnsiConsole.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Preliminary: {results.Count:#,0} of {plan.Cells.Count:#,0} cells are done{(open > 0 ? $", {open:#,0} not yet" : "")}{failed}."));
        }
    }

    private string Seeds(string metric, PlannedArm arm)
    {
        int planned = plan.Cells.Count(c => c.Arm == arm.Name), there = _statistics.Values(metric, arm.Name).Count;
        return there == planned ? $"{there}" : $"{there} of {planned}";
    }

    private string[] Numbers(string metric, PlannedArm arm)
    {
        if (_statistics.Mean(metric, arm.Name) is not { } mean)
        {
            return ["–", "", "", "", "", "", ""];
        }
        string text = Reports.Numbers.Format(mean.Mean) + (mean.HalfWidth is { } half ? $" ± {Reports.Numbers.Format(half)}"
            : _statistics.WithinModel(metric, arm.Name) is { } own ? $" ({Reports.Numbers.Format(own.Low)} … {Reports.Numbers.Format(own.High)})" : "");
        if (arm == arms[0])
        {
            return [text, "baseline", "", "", "", "", ""];
        }
        return _statistics.Difference(metric, arm.Name) is not { } difference ? [text, "no seed in common", "", "", "", "", ""] :
        [
            text,
            Reports.Numbers.Signed(difference.Difference.Mean),
            difference.Difference.HalfWidth is null ? "" : $"{Reports.Numbers.Signed(difference.Difference.Low!.Value)} … {Reports.Numbers.Signed(difference.Difference.High!.Value)}",
            difference.Ratio is { } ratio ? ratio.ToString("0.000", CultureInfo.InvariantCulture) : "",
            P(difference.Test.PValue),
            P(difference.AdjustedPValue),
            difference.IsSignificant ? "*" : difference.StandsOut ? "°" : "",
        ];
    }

    /// <summary>A p-value, or a dash where there is no test.</summary>
    public static string P(double? value) => value is not { } p ? "–" : p < 0.0001 ? "<0.0001" : p.ToString("0.0000", CultureInfo.InvariantCulture);

    private static void Rest(int rows, string what)
    {
        if (rows > 0)
        {
            AnsiConsole.WriteLine(string.Create(CultureInfo.InvariantCulture, $"… and {rows:#,0} more {what}; --all shows them"));
        }
    }
}
