using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>The table of arms against the baseline, what they change, and the bar charts.</summary>
internal static class NumbersSection
{
    private const int MostBars = 6;

    public static Html Of(RunResults run)
    {
        IReadOnlyList<string> metrics = run.Statistics.Metrics;
        string[] constant = [.. metrics.Where(m => run.Statistics.IsConstant(m))];
        string[] columns = [.. metrics.Except(constant)];
        return Html.Of($"""
            <section id="numbers" aria-labelledby="numbers-title">
            <h2 id="numbers-title">Arms against the baseline</h2>
            {(metrics.Count == 0 ? Html.Of($"<p>No cell has finished yet.</p>") : Table(run, columns))}
            {(constant.Length == 0 ? Html.Empty : Html.Of($"<p class=\"small\">The same in every cell, so not in the table: {string.Join("; ", constant.Select(m => Same(run, m)))}.</p>"))}
            <div class="charts small-charts">{columns.Take(MostBars).Select((m, i) => FigureHtml.Of(RunFigures.Bars(run, m), $"bars-{i + 1}"))}</div>
            </section>
            {Differences(run)}
            """);
    }

    private static Html Table(RunResults run, string[] columns) => Html.Of($"""
        <div class="scroll" role="region" aria-labelledby="numbers-title" tabindex="0"><table class="arms">
        <caption class="hidden">Mean over seeds of each arm, and its difference to the baseline at the same seeds</caption>
        <thead><tr><th scope="col">Arm</th><th scope="col">Seeds</th>{columns.Select(Header)}</tr></thead>
        <tbody>{run.Arms.Select(arm => Row(run, arm, columns))}</tbody></table></div>
        """);

    private static Html Header(string metric)
    {
        MetricName name = MetricName.Of(metric);
        return Html.Of($"<th scope=\"col\">{name.LabelAndUnit}<span class=\"sub\">{name.Direction}</span></th>");
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
            return Html.Of($"<td class=\"missing\">not yet</td>");
        }

        MetricName name = MetricName.Of(metric);
        string interval = value.HalfWidth is { } half ? " ± " + name.Format(half) : "";
        Html difference = baseline ? Html.Empty : Difference(name, run.Statistics.Difference(metric, arm));
        return Html.Of($"<td>{name.Format(value.Mean)}{interval}{difference}</td>");
    }

    private static Html Difference(MetricName name, PairedComparison? difference) => difference switch
    {
        null => Html.Of($"<span class=\"sub\">no seed in common</span>"),
        { Difference: { Mean: 0, HalfWidth: null or 0 } } => Html.Of($"<span class=\"sub\">same</span>"),
        _ => Html.Of($"<span class=\"sub\">{name.FormatDifference(difference.Difference)}{Judgement(name, difference)}</span>"),
    };

    // Only where the p-value, corrected for the number of arms, says so: with one seed a difference is a number, not a finding.
    private static Html Judgement(MetricName name, PairedComparison difference)
    {
        if (!difference.IsSignificant || name.Better == Better.Unknown)
        {
            return Html.Empty;
        }

        bool better = difference.Difference.Mean > 0 == (name.Better == Better.Higher);
        return better ? Html.Of($" <b class=\"better\">▲ better</b>") : Html.Of($" <b class=\"worse\">▼ worse</b>");
    }

    private static string Same(RunResults run, string metric)
    {
        MetricName name = MetricName.Of(metric);
        return $"{name.Label} {name.Format(run.Statistics.Mean(metric, run.Baseline)!.Mean)}{(name.Unit.Length > 0 && name.Unit != "%" ? " " + name.Unit : "")}";
    }

    private static Html Differences(RunResults run)
    {
        string[] paths = [.. run.Arms.SelectMany(a => a.Settings.Keys).Distinct().Order(StringComparer.Ordinal)];
        if (paths.Length == 0 || run.Arms.Count < 2)
        {
            return Html.Empty;
        }

        IReadOnlyDictionary<string, string> baseline = run.Arms[0].Settings;
        return Html.Of($"""
            <section id="settings" aria-labelledby="settings-title">
            <h2 id="settings-title">What the arms change</h2>
            <div class="scroll" role="region" aria-labelledby="settings-title" tabindex="0"><table>
            <caption class="hidden">Settings in which the arms differ; bold where an arm leaves the baseline</caption>
            <thead><tr><th scope="col">Arm</th>{paths.Select(p => Html.Of($"<th scope=\"col\"><code>{p}</code></th>"))}</tr></thead>
            <tbody>{run.Arms.Select(arm => Html.Of($"<tr><th scope=\"row\"><bdi>{arm.Name}</bdi></th>{paths.Select(p => Setting(arm.Settings.GetValueOrDefault(p), baseline.GetValueOrDefault(p)))}</tr>"))}</tbody>
            </table></div>
            <p class="small">Bold: changed from the baseline. Everything else is the same in all arms.</p>
            </section>

            """);
    }

    private static Html Setting(string? value, string? baseline) => value == baseline
        ? Html.Of($"<td>{value ?? "default"}</td>") : Html.Of($"<td><strong>{value ?? "default"}</strong></td>");
}
