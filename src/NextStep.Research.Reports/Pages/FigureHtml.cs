namespace NextStep.Research.Reports;

/// <summary>A figure on the page: the chart for eyes, its numbers as a table for everything else.</summary>
internal static class FigureHtml
{
    private const int MostRows = 60;

    /// <summary>Markup of one figure.</summary>
    public static Html Of(RunFigure named)
    {
        Figure figure = named.Figure;
        // "<" as an escape keeps a script element closed to whatever a name in the data says.
        var json = new Html(IsolatedPlotly.Json(figure).Replace("<", "\\u003c", StringComparison.Ordinal));
        string id = "figure-" + named.Name;
        Html only = named.OnlyArms.Count > 0 ? Html.Of($" data-arms=\"{string.Join(' ', named.OnlyArms)}\"") : Html.Empty;
        return Html.Of($"""
            <figure class="chart"{only}>
            <figcaption>{figure.Title}{(figure.LogY ? " (logarithmic)" : "")}</figcaption>
            <div class="{(figure.IsLying || figure.Kind == FigureKind.HeatMap ? "plot flat" : "plot")}" id="{id}" role="img" aria-label="{FigureText.Alternative(figure)} The numbers follow in a table."></div>
            <script type="application/json" id="{id}-data">{json}</script>
            {(figure.Note.Length > 0 ? Html.Of($"<p class=\"small\">{figure.Note}</p>") : Html.Empty)}
            <details><summary>Numbers<span class="hidden"> of {figure.Title}</span></summary><div class="scroll">{Table(figure)}</div></details>
            </figure>

            """);
    }

    private static Html Table(Figure figure) => figure switch
    {
        { Grid: { } grid } => Cells(figure, grid),
        { IsLying: true } => Categories(figure),
        _ => Lines(figure),
    };

    private static Html Lines(Figure figure) => Html.Of($"""
        <table><caption class="hidden">{figure.Title}</caption>
        <thead><tr><th scope="col">Line</th><th scope="col">Points</th><th scope="col">First</th><th scope="col">Lowest</th><th scope="col">Highest</th><th scope="col">Last</th><th scope="col">{(figure.XLabel.Length > 0 ? figure.XLabel : "X")}, from</th><th scope="col">to</th></tr></thead>
        <tbody>{figure.Series.Take(MostRows).Select(s => Html.Of($"""
            <tr><th scope="row"><bdi>{s.Name}</bdi></th><td>{s.X.Count}</td><td>{Numbers.Format(s.Y.FirstOrDefault(double.IsFinite, double.NaN))}</td><td>{Numbers.Format(Finite(s.Y).Min())}</td><td>{Numbers.Format(Finite(s.Y).Max())}</td><td>{Numbers.Format(s.Y.LastOrDefault(double.IsFinite, double.NaN))}</td><td>{Numbers.Format(Finite(s.X).Min())}</td><td>{Numbers.Format(Finite(s.X).Max())}</td></tr>
            """))}</tbody></table>
        {(figure.Series.Count > MostRows ? Html.Of($"<p class=\"small\">The first {MostRows} of {figure.Series.Count} lines.</p>") : Html.Empty)}
        """);

    private static Html Categories(Figure figure) => Html.Of($"""
        <table><caption class="hidden">{figure.Title}</caption>
        <thead><tr><th scope="col">Name</th><th scope="col">{(figure.YLabel.Length > 0 ? figure.YLabel : "Value")}</th><th scope="col">95 % interval</th></tr></thead>
        <tbody>{figure.Series.SelectMany(s => s.X.Select((x, i) => Html.Of($"""
            <tr><th scope="row"><bdi>{figure.Categories[(int)x]}</bdi></th><td>{Numbers.Format(s.Y[i])}</td><td>{Interval(s, i)}</td></tr>
            """)))}</tbody></table>
        """);

    private static Html Cells(Figure figure, FigureGrid grid) => Html.Of($"""
        <table><caption class="hidden">{figure.Title}</caption>
        <thead><tr><th scope="col">{figure.YLabel}, {figure.XLabel}</th>{grid.Columns.Select(c => Html.Of($"<th scope=\"col\">{c}</th>"))}</tr></thead>
        <tbody>{grid.Rows.Select((r, i) => Html.Of($"<tr><th scope=\"row\">{r}</th>{grid.Values[i].Select(v => Html.Of($"<td>{Numbers.Format(v)}</td>"))}</tr>"))}</tbody></table>
        """);

    private static string Interval(FigureSeries series, int i) => series is { Low: { } low, High: { } high } && high[i] > low[i]
        ? $"{Numbers.Format(low[i])} to {Numbers.Format(high[i])}" : "none";

    private static IEnumerable<double> Finite(IReadOnlyList<double> values) => values.Where(double.IsFinite).DefaultIfEmpty(double.NaN);
}
