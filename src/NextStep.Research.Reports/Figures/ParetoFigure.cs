using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>What each arm reaches for its price: a named point an arm, with its interval, and which of them no other beats in both.</summary>
internal static class ParetoFigure
{
    /// <summary>Null where fewer than two arms have both numbers.</summary>
    /// <param name="run">The run.</param>
    /// <param name="metric">What is reached.</param>
    /// <param name="price">The price; less is better.</param>
    public static Figure? Of(RunResults run, string metric, string price)
    {
        MetricName x = MetricName.Of(price), y = MetricName.Of(metric);
        (int Arm, Estimate Price, Estimate Reached)[] points =
        [
            .. run.Arms.Select((a, i) => (Arm: i, Price: run.Statistics.Mean(price, a.Name), Reached: run.Statistics.Mean(metric, a.Name)))
                .Where(p => p.Price is not null && p.Reached is not null && double.IsFinite(p.Price.Mean) && double.IsFinite(p.Reached.Mean)).Select(p => (p.Arm, p.Price!, p.Reached!)),
        ];
        if (points.Length < 2)
        {
            return null;
        }

        bool intervals = points.Any(p => p.Reached.HalfWidth is not null);
        string front = y.Better == Better.Unknown ? "" : $"No other is both cheaper and {(y.Better == Better.Higher ? "higher" : "lower")} than {string.Join(", ", Front(
            [.. points.Select(p => (p.Price.Mean, y.Better == Better.Higher ? p.Reached.Mean : -p.Reached.Mean))]).Select(i => run.Arms[points[i].Arm].Name))}; by the means alone. ";
        return new Figure($"{y.Label} for its {x.Label}", x.LabelAndUnit, y.LabelAndUnit,
        [
            .. points.Select(p => new FigureSeries(run.Arms[p.Arm].Name, [p.Price.Mean * x.Scale], [p.Reached.Mean * y.Scale])
            {
                Arms = [p.Arm],
                PointNames = [run.Arms[p.Arm].Name],
                Low = intervals ? [(p.Reached.Low ?? p.Reached.Mean) * y.Scale] : null,
                High = intervals ? [(p.Reached.High ?? p.Reached.Mean) * y.Scale] : null,
            }),
        ])
        {
            Kind = FigureKind.Scatter, Note = front + (intervals ? "Means over seeds with 95 % intervals." : "One seed: no intervals."),
        };
    }

    /// <summary>Places of the points that no other is at least as good as in both, and better in one, by rising price.</summary>
    /// <param name="points">Price, less is better, and value, more is better.</param>
    internal static int[] Front(IReadOnlyList<(double Price, double Value)> points) =>
    [
        .. Enumerable.Range(0, points.Count)
            .Where(i => !points.Any(o => o.Price <= points[i].Price && o.Value >= points[i].Value && (o.Price < points[i].Price || o.Value > points[i].Value)))
            .OrderBy(i => points[i].Price),
    ];
}
