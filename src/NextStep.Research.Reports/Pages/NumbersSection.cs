using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>The table of arms against the baseline, the charts of its numbers, and what the arms change.</summary>
internal static class NumbersSection
{
    private const int MostColumns = 6;
    private const int OpenCharts = 6;
    private const int ManyArms = 16;

    public static Html Of(RunResults run, IReadOnlyList<RunFigure> figures)
    {
        IReadOnlyList<string> metrics = run.Statistics.Metrics;
        string[] constant = [.. metrics.Where(run.IsTheSame)];
        string[] columns = [.. metrics.Except(constant).OrderBy(m => !MetricName.IsResult(RunStatistics.NameOf(m)))];
        RunFigure[] charts = [.. figures.Where(f => f.Topic == FigureTopic.Numbers)];
        // With many arms a chart is a screen high; the table says the same in less room.
        int open = run.Arms.Count <= ManyArms ? OpenCharts : 0;
        return Html.Of($"""
            <section id="numbers" aria-labelledby="numbers-title">
            <h2 id="numbers-title">Arms against the baseline</h2>
            {(metrics.Count == 0 ? Html.Of($"<p>No cell has finished yet.</p>") : Table(run, [.. columns.Take(MostColumns)], "Numbers of the arms"))}
            {Rest(run, [.. columns.Skip(MostColumns)])}
            {Constant(run, constant)}
            {Identities(run, columns)}
            <div class="charts small-charts">{charts.Take(open).Select(FigureHtml.Of)}</div>
            {(charts.Length > open ? Html.Of($"<details><summary>{charts.Length - open} {(open > 0 ? "more " : "")}charts of these numbers</summary><div class=\"charts small-charts\">{charts.Skip(open).Select(FigureHtml.Of)}</div></details>") : Html.Empty)}
            </section>
            {SettingsTable.Of(run)}
            """);
    }

    private static Html Table(RunResults run, string[] columns, string label) => Html.Of($"""
        <div class="scroll" role="region" aria-label="{label}" tabindex="0"><table class="arms">
        <caption class="hidden">{label}: mean over seeds with its 95 % interval, and below it the difference to the baseline at the same seeds with its 95 % interval and adjusted p-value</caption>
        <thead><tr><th scope="col">Arm</th><th scope="col">Seeds</th>{columns.Select(Header)}</tr></thead>
        <tbody>{run.Arms.Select(arm => Row(run, arm, columns))}</tbody></table></div>
        """);

    private static Html Rest(RunResults run, string[] columns) => columns.Length == 0 ? Html.Empty : Html.Of($"""
        <details><summary>{columns.Length} more numbers</summary>
        {columns.GroupBy(c => c.Split('.')[0]).SelectMany(family => family.Chunk(MostColumns)).Select(part => Table(run, part, $"Numbers of the arms: {MetricName.Of(part[0]).Label} and others"))}</details>
        """);

    private static Html Header(string metric)
    {
        MetricName name = MetricName.Of(metric);
        return Html.Of($"<th scope=\"col\">{(name.Unit == "%" ? name.Label : name.LabelAndUnit)}<span class=\"sub\">{name.Direction}</span></th>");
    }

    private static Html Row(RunResults run, PlannedArm arm, string[] columns)
    {
        bool baseline = arm.Name == run.Baseline;
        CellRun[] cells = [.. run.Of(arm.Name)];
        int finished = cells.Count(c => c.State == CellState.Done);
        string seeds = finished == cells.Length ? $"{finished}" : $"{finished} of {cells.Length}";
        return Html.Of($"""
            <tr{(baseline ? Html.Of($" class=\"baseline\"") : Html.Empty)}><th scope="row"><bdi>{arm.Name}</bdi>{(baseline && arm.Name != "baseline" ? Html.Of($"<span class=\"sub\">baseline</span>") : Html.Empty)}</th><td>{seeds}</td>{columns.Select(m => Cell(run, arm.Name, m, baseline))}</tr>

            """);
    }

    private static Html Cell(RunResults run, string arm, string metric, bool baseline)
    {
        if (run.Statistics.Mean(metric, arm) is not { } value)
        {
            bool open = run.Of(arm).Any(c => c.State != CellState.Done);
            return Html.Of($"<td class=\"missing\">{(open ? "not yet" : "not measured")}</td>");
        }

        MetricName name = MetricName.Of(metric);
        string[] parts = name.FormatMean(value).Split(" ± ", 2);
        Html difference = baseline ? Html.Empty : Difference(name, run.Statistics.Difference(metric, arm));
        string own = run.Statistics.WithinModel(metric, arm) is { } model ? $"{name.Format(model.Low)} to {name.Format(model.High)} over its pictures" : "";
        return Html.Of($"<td><span class=\"mean\">{parts[0]}</span>{(parts.Length > 1 ? " ± " + parts[1] : "")}{(own.Length > 0 ? Html.Of($"<span class=\"sub\">{own}</span>") : Html.Empty)}{difference}</td>");
    }

    private static Html Difference(MetricName name, PairedComparison? difference) => difference switch
    {
        null => Html.Of($"<span class=\"sub\">no seed in common</span>"),
        { Difference: { Mean: 0, HalfWidth: null or 0 } } => Html.Of($"<span class=\"sub\">same</span>"),
        _ => Html.Of($"<span class=\"sub\">{name.FormatDifference(difference.Difference.Mean)} <span>{name.FormatInterval(difference.Difference)}</span></span>{Test(name, difference)}"),
    };

    // Only where the metric was announced and the corrected p-value says so: with one seed a difference is a number, not a finding.
    private static Html Test(MetricName name, PairedComparison difference)
    {
        if (difference.AdjustedPValue is not { } p)
        {
            return Html.Empty;
        }

        bool better = difference.Difference.Mean > 0 == (name.Better == Better.Higher);
        Html judgement = !difference.IsSignificant || name.Better == Better.Unknown ? Html.Empty
            : better ? Html.Of($" <b class=\"better\">▲ better</b>") : Html.Of($" <b class=\"worse\">▼ worse</b>");
        return Html.Of($"<span class=\"sub\">{Numbers.PValue(p)}{judgement}{(difference.StandsOut ? Html.Of($" <b>exploratory</b>") : Html.Empty)}</span>");
    }

    private static Html Constant(RunResults run, string[] metrics)
    {
        string same = string.Join("; ", metrics.Select(m => Same(run, m)));
        return metrics.Length switch
        {
            0 => Html.Empty,
            <= MostColumns => Html.Of($"<p class=\"small\">The same in every arm, so not in the table: {same}.</p>"),
            _ => Html.Of($"<details><summary>{metrics.Length} numbers are the same in every arm</summary><p class=\"small\">{same}.</p></details>"),
        };
    }

    private static string Same(RunResults run, string metric)
    {
        MetricName name = MetricName.Of(metric);
        return $"{name.Label} {name.FormatMean(run.Statistics.Mean(metric, run.Baseline)!)}{(name.Unit.Length > 0 && name.Unit != "%" ? " " + name.Unit : "")}";
    }

    private static Html Identities(RunResults run, string[] columns)
    {
        (string Metric, string Identity)[] known = [.. columns.Select(c => (c, run.Statistics.Identity(c))).Where(c => c.Item2.Length > 0)];
        return known.Length == 0 ? Html.Empty : Html.Of($"""
            <details><summary>What {known.Length} of these numbers depend on</summary>
            <dl class="identities">{known.GroupBy(k => k.Identity).Select(g => Html.Of($"<dt>{string.Join(", ", g.Select(k => MetricName.Of(k.Metric).Label))}</dt><dd>{g.Key}</dd>"))}</dl></details>
            """);
    }
}
