using System.Globalization;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>Figures of what was logged while training: each metric against progress, and the flow loss by time at the end.</summary>
internal static class LogFigures
{
    private const int MostPoints = 240;
    private const int MostPointsOfAllArms = 3000;

    private static readonly string[] First = ["flow.loss", "text.loss", "autoencoder.loss", "autoencoder.psnr"];
    private static readonly string[] NotCurves = ["learningRate", "seconds", "step", "epoch"];

    public static IEnumerable<RunFigure> Of(RunResults run)
    {
        (string Stage, string Metric)[] keys = [.. run.Cells.SelectMany(c => c.Log.Curves.Keys).Distinct()];
        foreach ((string Stage, string Metric) key in keys
            .Where(k => !NotCurves.Contains(k.Metric) && Bin(k.Metric) is null)
            .OrderBy(k => Array.IndexOf(First, k.Metric) is >= 0 and int place ? place : First.Length)
            .ThenBy(k => k.Stage, StringComparer.Ordinal).ThenBy(k => k.Metric, StringComparer.Ordinal))
        {
            yield return new RunFigure(FigureTopic.Training, $"training-{key.Stage}-{key.Metric}", Curve(run, key));
        }

        if (FlowLossByTime(run, [.. keys.Where(k => Bin(k.Metric) is not null).OrderBy(k => Bin(k.Metric))]) is { } byTime)
        {
            yield return new RunFigure(FigureTopic.Training, "training-flow.loss-by-time", byTime);
        }
    }

    /// <summary>Points a line may have, so that the page stays small with many arms.</summary>
    public static int PointsPerLine(RunResults run) => Math.Clamp(MostPointsOfAllArms / run.Arms.Count, 40, MostPoints);

    private static Figure Curve(RunResults run, (string Stage, string Metric) key)
    {
        MetricName name = MetricName.Of(key.Metric);
        var lines = new ArmLines(PointsPerLine(run));
        for (int arm = 0; arm < run.Arms.Count; arm++)
        {
            lines.Add(run.Arms[arm].Name, arm, [.. run.Of(run.Arms[arm].Name).Select(c => c.Log.Curves.GetValueOrDefault(key)).OfType<LoggedCurve>()]);
        }

        IReadOnlyList<FigureSeries> series = lines.Together(run.Arms.Count);
        double[] values = [.. series.SelectMany(s => s.Low ?? s.Y).Where(double.IsFinite)];
        bool log = key.Metric.EndsWith("loss", StringComparison.Ordinal) && values.Length > 0 && values.Min() > 0 && values.Max() > 20 * values.Min();
        return new Figure($"{name.Label} in training", $"images seen by the {key.Stage}", name.LabelAndUnit, series) { LogY = log };
    }

    private static Figure? FlowLossByTime(RunResults run, (string Stage, string Metric)[] bins)
    {
        if (bins.Length == 0)
        {
            return null;
        }

        double width = 1.0 / (Bin(bins[^1].Metric)!.Value + 1);
        var lines = new ArmLines(MostPoints);
        for (int arm = 0; arm < run.Arms.Count; arm++)
        {
            lines.Add(run.Arms[arm].Name, arm, [.. run.Of(run.Arms[arm].Name).Select(cell => AtTheEnd(cell, bins, width)).Where(c => c.Images.Count > 0)]);
        }

        return new Figure("Flow loss by time t at the end of training", "t of the flow (bin centre)", "Flow loss", lines.Series)
        {
            Note = "The mean over the last tenth of the log. The mean over t can stand still while single bins, and the pictures, still improve.",
        };
    }

    private static LoggedCurve AtTheEnd(CellRun cell, (string Stage, string Metric)[] bins, double width)
    {
        var time = new List<double>();
        var loss = new List<double>();
        foreach ((string Stage, string Metric) key in bins)
        {
            if (cell.Log.Curves.TryGetValue(key, out LoggedCurve? curve))
            {
                double[] last = [.. curve.Values.TakeLast(Math.Max(1, curve.Values.Count / 10)).Where(double.IsFinite)];
                time.Add((Bin(key.Metric)!.Value + 0.5) * width);
                loss.Add(last.Length == 0 ? double.NaN : last.Average());
            }
        }

        return new LoggedCurve(time, loss);
    }

    private static int? Bin(string metric) =>
        metric.StartsWith("flow.loss.t", StringComparison.Ordinal)
        && int.TryParse(metric["flow.loss.t".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out int bin) && bin < 1000 ? bin : null;
}
