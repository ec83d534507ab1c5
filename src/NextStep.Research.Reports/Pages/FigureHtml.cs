namespace NextStep.Research.Reports;

/// <summary>A figure on the page: the chart for eyes, its numbers as a table for everything else.</summary>
internal static class FigureHtml
{
    /// <summary>Markup of one figure; <paramref name="id"/> is unique on the page and the same in every run.</summary>
    public static Html Of(Figure figure, string id)
    {
        // "<" as an escape keeps a script element closed to whatever a name in the data says.
        var json = new Html(PlotlyChart.Json(figure).Replace("<", "\\u003c", StringComparison.Ordinal));
        string alternative = $"{FigureText.Alternative(figure)} The numbers follow in a table.";
        return Html.Of($"""
            <figure class="chart">
            <figcaption>{figure.Title}{(figure.LogY ? " (logarithmic)" : "")}</figcaption>
            <div class="{(figure.IsLying ? "plot bars" : "plot")}" id="{id}" role="img" aria-label="{alternative}"></div>
            <script type="application/json" id="{id}-data">{json}</script>
            <details><summary>Numbers</summary><div class="scroll">{(figure.IsLying ? Bars(figure) : Lines(figure))}</div></details>
            </figure>

            """);
    }

    private static Html Lines(Figure figure) => Html.Of($"""
        <table><caption class="hidden">{figure.Title}</caption>
        <thead><tr><th scope="col">Arm</th><th scope="col">First</th><th scope="col">Lowest</th><th scope="col">Highest</th><th scope="col">Last</th><th scope="col">At ({figure.XLabel})</th></tr></thead>
        <tbody>{figure.Series.Select(s => Html.Of($"""
            <tr><th scope="row">{s.Name}</th><td>{Numbers.Format(s.Y[0])}</td><td>{Numbers.Format(Finite(s).Min())}</td><td>{Numbers.Format(Finite(s).Max())}</td><td>{Numbers.Format(Last(s))}</td><td>{Numbers.Format(s.X[^1])}</td></tr>
            """))}</tbody></table>
        """);

    private static Html Bars(Figure figure)
    {
        FigureSeries bars = figure.Series[0];
        return Html.Of($"""
            <table><caption class="hidden">{figure.Title}</caption>
            <thead><tr><th scope="col">Arm</th><th scope="col">Mean {(figure.YLabel.Length > 0 ? $"({figure.YLabel})" : "")}</th><th scope="col">95 % interval</th></tr></thead>
            <tbody>{figure.Categories.Select((category, i) => Html.Of($"""
                <tr><th scope="row">{category}</th><td>{Numbers.Format(bars.Y[i])}</td><td>{Interval(bars, i)}</td></tr>
                """))}</tbody></table>
            """);
    }

    private static string Interval(FigureSeries bars, int i) => bars is { Low: { } low, High: { } high } && high[i] > low[i]
        ? $"{Numbers.Format(low[i])} to {Numbers.Format(high[i])}" : "one seed";

    private static double Last(FigureSeries series) => series.Y.LastOrDefault(double.IsFinite, double.NaN);

    private static IEnumerable<double> Finite(FigureSeries series) => series.Y.Where(double.IsFinite).DefaultIfEmpty(double.NaN);
}
