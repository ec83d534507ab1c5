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

    // Three values or more: two are what the table says already. Words stand in the order of the file.
    private static IEnumerable<RunFigure> Course(RunResults run, string metric, string axis)
    {
        if (run.Statistics.Scale(axis) is not { Values.Count: > 2 } scale)
        {
            yield break;
        }

        (string Value, Estimate Mean)[] points =
        [
            .. scale.Values.Select(v => (Value: v, Mean: run.Arms.Where(a => a.Coordinates.GetValueOrDefault(axis) == v).Select(a => run.Statistics.Mean(metric, a.Name)).FirstOrDefault(m => m is not null)))
                .Where(p => p.Mean is not null).Select(p => (p.Value, p.Mean!)),
        ];
        if (points.Length < 3)
        {
            yield break;
        }

        MetricName name = MetricName.Of(metric);
        bool band = points.All(p => p.Mean.HalfWidth is not null);
        double[] at = [.. points.Select((p, i) => !scale.Numbers ? i : scale.Log ? Math.Log10(Number(p.Value)) : Number(p.Value))];
        string note = Trend(run.Statistics, metric, axis, scale, name);
        FigureSeries series = new(name.Label, at, [.. points.Select(p => p.Mean.Mean * name.Scale)])
        {
            PointNames = scale.Numbers ? [] : [.. points.Select(p => name.Format(p.Mean.Mean))],
            Low = band ? [.. points.Select(p => p.Mean.Low!.Value * name.Scale)] : null,
            High = band ? [.. points.Select(p => p.Mean.High!.Value * name.Scale)] : null,
        };
        yield return new RunFigure(FigureTopic.Effects, $"{metric}-along-{axis}", scale.Numbers
            ? new Figure($"{name.Label} along {Short(axis)}", scale.Log ? $"log₁₀ {axis}" : axis, name.LabelAndUnit, [series]) { Note = note }
            : new Figure($"{name.Label} along {Short(axis)}", "", name.Unit, [series]) { Kind = FigureKind.Intervals, Categories = [.. points.Select(p => p.Value)], Note = note });
    }

    private static string Trend(RunStatistics statistics, string metric, string axis, AxisScale scale, MetricName name)
    {
        if (statistics.Trend(metric, axis) is not { } trend)
        {
            return "";
        }

        string slope = $"Slope {Numbers.Format(trend.Slope.Estimate.Mean * name.Scale)}";
        string per = !scale.Numbers ? "per step of the list" : scale.Log ? "per factor e of the axis" : "per unit of the axis";
        return trend.Slope.PValue is null
            ? $"{slope} {per}; one seed, so no test."
            : $"{slope} {per}, {Corrected(statistics.EffectTests.Trend(metric, axis))} over {trend.Slopes.Count} seeds; rank correlation {Numbers.Format(trend.Correlation)}. {(scale.Numbers ? "The band is the 95 % interval." : "With 95 % intervals.")}";
    }

    private static string Corrected(CorrectedTest? test) => test?.AdjustedPValue is not { } p ? "no test from these seeds"
        : $"{Numbers.PValue(p)}{(test.IsExploratory ? " (exploratory)" : "")}";

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
            Note = "Each level against all levels, the other axes averaged over. " + string.Join("; ", effects.MainEffects.Select(m => $"{Short(m.Factor)}: {Test(m.Test, run.Statistics.EffectTests.Effect(metric, m))}")) + ".",
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
            Kind = FigureKind.HeatMap, Grid = new FigureGrid(columns.Levels, rows.Levels, values), Note = $"Interaction: {Test(pair.Test, run.Statistics.EffectTests.Interaction(metric, pair))}.",
        };
    }

    private static string Test(VarianceTest? test, CorrectedTest? corrected) =>
        test is null ? "no test from these seeds" : $"F({test.Numerator}, {test.Denominator}) = {Numbers.Format(test.F)}, {Corrected(corrected)}";

    // A factor of several axes that walk together has the names of all.
    private static bool Has(PlannedArm arm, string factor, string level) =>
        factor.Split(" & ").Select(axis => arm.Coordinates.GetValueOrDefault(axis)).SequenceEqual(level.Split(" & "));

    private static string Short(string factor) => string.Join(" & ", factor.Split(" & ").Select(f => f[(f.LastIndexOf('.') + 1)..]));

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
