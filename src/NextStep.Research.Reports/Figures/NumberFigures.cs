using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>Final numbers of the arms: each metric with its intervals, and the two first metrics against each other, or each against its price.</summary>
internal static class NumberFigures
{
    private const int MostMetrics = 24;

    public static IEnumerable<RunFigure> Of(RunResults run)
    {
        string[] metrics = [.. run.Statistics.Metrics.Where(m => !run.IsTheSame(m)).OrderBy(m => !MetricName.IsResult(RunStatistics.NameOf(m)))];
        foreach (string metric in metrics.Take(MostMetrics))
        {
            yield return new RunFigure(FigureTopic.Numbers, metric, Intervals(run, metric));
        }

        if (run.Plan.Pareto is { Length: > 0 } price)
        {
            foreach (string metric in metrics.Where(m => RunStatistics.NameOf(m) != price && run.Plan.Measure.Contains(RunStatistics.NameOf(m))))
            {
                if (ParetoFigure.Of(run, metric, price) is { } priced)
                {
                    yield return new RunFigure(FigureTopic.Numbers, $"{metric}-for-{price}", priced);
                }
            }
            yield break;
        }

        string[] judged = [.. metrics.Where(m => MetricName.Of(m).Better != Better.Unknown).Take(2)];
        if (judged.Length == 2 && Scatter(run, judged[1], judged[0]) is { } scatter)
        {
            yield return new RunFigure(FigureTopic.Numbers, $"{judged[0]}-against-{judged[1]}", scatter);
        }
    }

    private static Figure Intervals(RunResults run, string metric)
    {
        MetricName name = MetricName.Of(metric);
        (int Arm, Estimate Value)[] arms = [.. run.Arms.Select((a, i) => (i, Value: run.Statistics.Mean(metric, a.Name))).Where(a => a.Value is not null).Select(a => (a.i, a.Value!))];
        bool seeds = arms.Any(a => a.Value.HalfWidth is not null), intervals = seeds || arms.Any(a => Own(a.Arm) is not null);
        // An arm a series, so that each keeps its colour and marker.
        return new Figure(name.Label, "", name.Unit,
        [
            .. arms.Select((a, place) => new FigureSeries(run.Arms[a.Arm].Name, [place], [a.Value.Mean * name.Scale])
            {
                Arms = [a.Arm],
                PointNames = [name.Format(a.Value.Mean)],
                Low = intervals ? [(a.Value.Low ?? Own(a.Arm)?.Low ?? a.Value.Mean) * name.Scale] : null,
                High = intervals ? [(a.Value.High ?? Own(a.Arm)?.High ?? a.Value.Mean) * name.Scale] : null,
            }),
        ])
        {
            Kind = FigureKind.Intervals, Categories = [.. arms.Select(a => run.Arms[a.Arm].Name)],
            Note = seeds ? "Means over seeds with 95 % intervals." : intervals ? "One seed: the intervals are over the pictures of each trained model, and say nothing of training." : "One seed: no intervals.",
        };

        (double Low, double High)? Own(int arm) => run.Statistics.WithinModel(metric, run.Arms[arm].Name);
    }

    private static Figure? Scatter(RunResults run, string across, string along)
    {
        MetricName x = MetricName.Of(across), y = MetricName.Of(along);
        var series = new List<FigureSeries>();
        for (int arm = 0; arm < run.Arms.Count; arm++)
        {
            IReadOnlyDictionary<long, double> xs = run.Statistics.Values(across, run.Arms[arm].Name), ys = run.Statistics.Values(along, run.Arms[arm].Name);
            long[] seeds = [.. xs.Keys.Where(s => ys.ContainsKey(s) && double.IsFinite(xs[s]) && double.IsFinite(ys[s])).Order()];
            if (seeds.Length > 0)
            {
                series.Add(new FigureSeries(run.Arms[arm].Name, [.. seeds.Select(s => xs[s] * x.Scale)], [.. seeds.Select(s => ys[s] * y.Scale)])
                {
                    Arms = [arm], PointNames = [.. seeds.Select(s => $"seed {s}")],
                });
            }
        }

        return series.Sum(s => s.X.Count) < 3 ? null : new Figure($"{y.Label} against {x.Label}", x.LabelAndUnit, y.LabelAndUnit, series)
        {
            Kind = FigureKind.Scatter, Note = "A point a finished cell.",
        };
    }
}
