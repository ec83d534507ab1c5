using NextStep.Research.Experiments;
using System.Globalization;

namespace NextStep.Research.Reports;

/// <summary>The figures of a run: curves over training, loss by noise level, final numbers.</summary>
internal static class RunFigures
{
    private const int MostPoints = 240;

    private static readonly string[] Headline = ["flow.loss", "text.loss", "autoencoder.loss", "autoencoder.psnr"];
    private static readonly string[] NotCurves = ["learningRate", "seconds", "step", "epoch"];

    /// <summary>Each logged metric against images seen; those that matter most first.</summary>
    public static IReadOnlyList<Figure> Curves(RunResults run, bool headline) =>
    [
        .. run.Cells.SelectMany(c => c.Log.Curves.Keys).Distinct()
            .Where(k => Headline.Contains(k.Metric) == headline && !NotCurves.Contains(k.Metric) && Bin(k.Metric) is null)
            .OrderBy(k => Array.IndexOf(Headline, k.Metric)).ThenBy(k => k.Stage, StringComparer.Ordinal).ThenBy(k => k.Metric, StringComparer.Ordinal)
            .Select(k => Curve(run, k))
            .Where(f => f.Series.Count > 0),
    ];

    /// <summary>Flow loss against the time t of the flow, at the end of training; null when it was not logged.</summary>
    public static Figure? FlowLossByTime(RunResults run)
    {
        (string Stage, string Metric)[] bins =
        [
            .. run.Cells.SelectMany(c => c.Log.Curves.Keys).Distinct().Where(k => Bin(k.Metric) is not null).OrderBy(k => Bin(k.Metric)),
        ];
        if (bins.Length == 0)
        {
            return null;
        }

        double width = 1.0 / (Bin(bins[^1].Metric)!.Value + 1);
        var series = new List<FigureSeries>();
        foreach (PlannedArm arm in run.Arms)
        {
            List<Curve> seeds = [.. run.Of(arm.Name).Select(cell => AtTheEnd(cell, bins, width)).Where(c => c.Images.Count > 0)];
            Add(series, arm.Name, seeds);
        }

        return series.Count == 0 ? null
            : new Figure("Flow loss by time t at the end of training", "t of the flow (bin centre)", "Flow loss", series);
    }

    /// <summary>One small bar chart per metric, arms side by side, with 95 % intervals where there are several seeds.</summary>
    public static Figure Bars(RunResults run, string metric)
    {
        MetricName name = MetricName.Of(metric);
        List<(string Arm, Estimate Value)> values = [];
        foreach (PlannedArm arm in run.Arms)
        {
            if (run.Statistics.Mean(metric, arm.Name) is { } value)
            {
                values.Add((arm.Name, value));
            }
        }

        bool intervals = values.Any(v => v.Value.HalfWidth is not null);
        var bars = new FigureSeries(
            name.Label, [.. Enumerable.Range(0, values.Count).Select(i => (double)i)], [.. values.Select(v => v.Value.Mean * name.Scale)])
        {
            Low = intervals ? [.. values.Select(v => (v.Value.Mean - (v.Value.HalfWidth ?? 0)) * name.Scale)] : null,
            High = intervals ? [.. values.Select(v => (v.Value.Mean + (v.Value.HalfWidth ?? 0)) * name.Scale)] : null,
        };
        return new Figure(name.Label, "", name.Unit, [bars]) { Categories = [.. values.Select(v => v.Arm)] };
    }

    private static Figure Curve(RunResults run, (string Stage, string Metric) key)
    {
        MetricName name = MetricName.Of(key.Metric);
        var series = new List<FigureSeries>();
        foreach (PlannedArm arm in run.Arms)
        {
            List<Curve> seeds = [.. run.Of(arm.Name).Select(c => c.Log.Curves.GetValueOrDefault(key)).OfType<Curve>()];
            Add(series, arm.Name, seeds);
        }

        if (series.Count == 1 && run.Arms.Count > 1 && run.Arms.All(a => run.Of(a.Name).Any(c => c.Log.Curves.ContainsKey(key))))
        {
            series[0] = series[0] with { Name = "all arms" };
        }

        double[] values = [.. series.SelectMany(s => s.Low ?? s.Y).Where(double.IsFinite)];
        bool log = key.Metric.EndsWith("loss", StringComparison.Ordinal) && values.Length > 0 && values.Min() > 0 && values.Max() > 20 * values.Min();
        return new Figure($"{name.Label} in training", $"images seen by the {key.Stage}", name.LabelAndUnit, series) { LogY = log };
    }

    // Arms that share a trained stage share its line; it is drawn once under all their names.
    private static void Add(List<FigureSeries> series, string arm, List<Curve> seeds)
    {
        if (seeds.Count == 0)
        {
            return;
        }

        FigureSeries line = OverSeeds(arm, seeds);
        int same = series.FindIndex(s => s.X.SequenceEqual(line.X) && s.Y.SequenceEqual(line.Y));
        if (same < 0)
        {
            series.Add(line);
        }
        else
        {
            series[same] = series[same] with { Name = $"{series[same].Name} = {arm}" };
        }
    }

    private static FigureSeries OverSeeds(string name, List<Curve> seeds)
    {
        var at = new SortedDictionary<double, List<double>>();
        foreach (Curve seed in seeds)
        {
            for (int i = 0; i < seed.Images.Count; i++)
            {
                if (!at.TryGetValue(seed.Images[i], out List<double>? values))
                {
                    at[seed.Images[i]] = values = [];
                }

                values.Add(seed.Values[i]);
            }
        }

        IReadOnlyList<double> x = Thin([.. at.Keys]);
        bool band = seeds.Count > 1;
        return new FigureSeries(name, x, Thin([.. at.Values.Select(v => v.Average())]))
        {
            Low = band ? Thin([.. at.Values.Select(v => v.Min())]) : null,
            High = band ? Thin([.. at.Values.Select(v => v.Max())]) : null,
        };
    }

    // Means over equal groups: a long log would make a large page and a line of pure noise.
    private static IReadOnlyList<double> Thin(IReadOnlyList<double> values)
    {
        int group = (values.Count + MostPoints - 1) / MostPoints;
        return group <= 1 ? values : [.. values.Chunk(group).Select(g => g.Average())];
    }

    private static Curve AtTheEnd(CellRun cell, (string Stage, string Metric)[] bins, double width)
    {
        var time = new List<double>();
        var loss = new List<double>();
        foreach ((string Stage, string Metric) key in bins)
        {
            if (cell.Log.Curves.TryGetValue(key, out Curve? curve))
            {
                double[] last = [.. curve.Values.TakeLast(Math.Max(1, curve.Values.Count / 10)).Where(double.IsFinite)];
                time.Add((Bin(key.Metric)!.Value + 0.5) * width);
                loss.Add(last.Length == 0 ? double.NaN : last.Average());
            }
        }

        return new Curve(time, loss);
    }

    private static int? Bin(string metric) =>
        metric.StartsWith("flow.loss.t", StringComparison.Ordinal)
        && int.TryParse(metric["flow.loss.t".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out int bin) && bin < 1000 ? bin : null;
}
