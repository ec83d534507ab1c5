using System.Globalization;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>What the axes do: the course of a metric along one axis; main effects and tables of a grid.</summary>
internal static class EffectFigures
{
    private const int MostMetrics = 4;

    public static IEnumerable<RunFigure> Of(RunResults run)
    {
        string[] metrics = [.. run.Statistics.Metrics.Where(m => !run.IsTheSame(m)).Take(MostMetrics)];
        return metrics.SelectMany(m => run.Plan.Axes.Count == 1 ? Course(run, m, run.Plan.Axes[0]) : Grid(run, m));
    }

    // Three values or more: two are what the table says already.
    private static IEnumerable<RunFigure> Course(RunResults run, string metric, string axis)
    {
        (double At, Estimate Value)[] points =
        [
            .. run.Arms.Where(a => a.Coordinates.ContainsKey(axis) && TryNumber(a.Coordinates[axis], out _))
                .Select(a => (At: Number(a.Coordinates[axis]), Value: run.Statistics.Mean(metric, a.Name))).Where(p => p.Value is not null)
                .Select(p => (p.At, p.Value!)).OrderBy(p => p.At).DistinctBy(p => p.At),
        ];
        if (points.Length < 3)
        {
            yield break;
        }

        MetricName name = MetricName.Of(metric);
        bool band = points.All(p => p.Value.HalfWidth is not null);
        yield return new RunFigure(FigureTopic.Effects, $"{metric}-along-{axis}", new Figure(
            $"{name.Label} along {Short(axis)}", axis, name.LabelAndUnit,
            [
                new FigureSeries(name.Label, [.. points.Select(p => p.At)], [.. points.Select(p => p.Value.Mean * name.Scale)])
                {
                    Low = band ? [.. points.Select(p => p.Value.Low!.Value * name.Scale)] : null,
                    High = band ? [.. points.Select(p => p.Value.High!.Value * name.Scale)] : null,
                },
            ])
        { Note = Trend(run.Statistics.Trend(metric, axis), name) });
    }

    private static string Trend(TrendTest? trend, MetricName name) => trend switch
    {
        null => "",
        { Slope.PValue: null } => $"Slope {Numbers.Format(trend.Slope.Estimate.Mean * name.Scale)}; one seed, so no test.",
        _ => $"Slope {Numbers.Format(trend.Slope.Estimate.Mean * name.Scale)} per unit of the axis, {Numbers.PValue(trend.Slope.PValue.Value)} over {trend.Slopes.Count} seeds; rank correlation {Numbers.Format(trend.Correlation)}. The band is the 95 % interval.",
    };

    private static IEnumerable<RunFigure> Grid(RunResults run, string metric)
    {
        if (run.Statistics.Effects(metric) is not { MainEffects.Count: > 1 } effects)
        {
            yield break;
        }

        MetricName name = MetricName.Of(metric);
        (string Name, MeanTest Effect)[] levels = [.. effects.MainEffects.SelectMany(m => m.Levels.Zip(m.Effects, (l, e) => ($"{Short(m.Factor)} = {l}", e)))];
        yield return new RunFigure(FigureTopic.Effects, $"{metric}-main-effects", new Figure(
            $"{name.Label}: main effects", "", $"difference from the grid’s mean{(name.Unit.Length > 0 ? $" ({(name.Unit == "%" ? "points" : name.Unit)})" : "")}",
            [
                new FigureSeries(name.Label, [.. levels.Select((_, i) => (double)i)], [.. levels.Select(l => l.Effect.Estimate.Mean * name.Scale)])
                {
                    PointNames = [.. levels.Select(l => Numbers.Signed(l.Effect.Estimate.Mean * name.Scale))],
                    Low = [.. levels.Select(l => (l.Effect.Estimate.Low ?? l.Effect.Estimate.Mean) * name.Scale)],
                    High = [.. levels.Select(l => (l.Effect.Estimate.High ?? l.Effect.Estimate.Mean) * name.Scale)],
                },
            ])
        {
            Kind = FigureKind.Intervals, Categories = [.. levels.Select(l => l.Name)],
            Note = "Each level against all levels, the other axes averaged over. " + string.Join("; ", effects.MainEffects.Select(m => $"{Short(m.Factor)}: {Test(m.Test)}")) + ".",
        });
        foreach (Interaction pair in effects.Interactions.Take(3))
        {
            yield return new RunFigure(FigureTopic.Effects, $"{metric}-{Short(pair.First)}-with-{Short(pair.Second)}", Table(run, metric, name, effects, pair));
        }
    }

    private static Figure Table(RunResults run, string metric, MetricName name, GridEffects effects, Interaction pair)
    {
        MainEffect rows = effects.MainEffects.First(m => m.Factor == pair.First), columns = effects.MainEffects.First(m => m.Factor == pair.Second);
        IReadOnlyList<double>[] values =
        [
            .. rows.Levels.Select(r => (IReadOnlyList<double>)[.. columns.Levels.Select(c => run.Arms
                .Where(a => Has(a, pair.First, r) && Has(a, pair.Second, c)).Select(a => run.Statistics.Mean(metric, a.Name)?.Mean ?? double.NaN)
                .DefaultIfEmpty(double.NaN).Average() * name.Scale)]),
        ];
        return new Figure($"{name.LabelAndUnit}: {Short(pair.First)} with {Short(pair.Second)}", Short(pair.Second), Short(pair.First), [])
        {
            Kind = FigureKind.HeatMap, Grid = new FigureGrid(columns.Levels, rows.Levels, values), Note = $"Interaction: {Test(pair.Test)}.",
        };
    }

    private static string Test(VarianceTest? test) =>
        test is null ? "no test from these seeds" : $"F({test.Numerator}, {test.Denominator}) = {Numbers.Format(test.F)}, {Numbers.PValue(test.PValue)}";

    // A factor of several axes that walk together has the names of all.
    private static bool Has(PlannedArm arm, string factor, string level) =>
        factor.Split(" & ").Select(axis => arm.Coordinates.GetValueOrDefault(axis)).SequenceEqual(level.Split(" & "));

    private static string Short(string factor) => string.Join(" & ", factor.Split(" & ").Select(f => f[(f.LastIndexOf('.') + 1)..]));

    private static bool TryNumber(string text, out double value) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
