using System.Net;

namespace NextStep.Research.Reports;

/// <summary>Found by the notebook host by its shape; see <see cref="TypeFormatterSourceAttribute"/>.</summary>
internal sealed class FigureFormatterSource : IFormatterSource
{
    private const double Sharpness = 1.5; // notebooks with twice the pixels would be too large to commit

    public IEnumerable<object> CreateTypeFormatters() =>
    [
        new ValueFormatter("text/html", v => (v as Figure)?.ToHtml()),
        new ValueFormatter("image/svg+xml", v => v is Figure figure ? StaticChart.Svg(figure) : null),
        new ValueFormatter("image/png", v => v is Figure figure ? Convert.ToBase64String(StaticChart.Png(figure, pixelsPerUnit: Sharpness)) : null),
    ];
}

/// <summary>
/// A figure as a piece of a notebook's page: its drawing, which an interactive chart in a frame of its own replaces where scripts run.
/// The first figure of a process brings plotly.js for all of them; a page that is opened without it keeps the drawings.
/// </summary>
internal static class FigureFrame
{
    private static readonly Lazy<string> Frame = new(() => Asset("figure-frame.html"));
    private static readonly Lazy<string> Opener = new(() => Asset("figure-open.js"));
    private static int _brought;

    public static string Html(Figure figure)
    {
        // "<" as an escape keeps a script element closed to whatever a name in the data says.
        string json = IsolatedPlotly.Json(figure).Replace("<", "\\u003c", StringComparison.Ordinal);
        string page = WebUtility.HtmlEncode(Frame.Value
            .Replace("{{title}}", WebUtility.HtmlEncode(figure.Title), StringComparison.Ordinal)
            .Replace("{{chart}}", json, StringComparison.Ordinal));
        string script = Interlocked.Exchange(ref _brought, 1) == 0 ? $"<script>window.nextstepPlotly = \"{IsolatedPlotly.PackedScript()}\";</script>\n" : "";
        return $"""
            <div class="nextstep-figure">
            {StaticChart.Svg(figure)}
            <iframe title="{WebUtility.HtmlEncode(figure.Title)}" style="display:none;width:100%;max-width:760px;height:420px;border:0" srcdoc="{page}"></iframe>
            </div>
            {script}<script>
            {Opener.Value}</script>
            """;
    }

    private static string Asset(string name)
    {
        using StreamReader reader = new(typeof(FigureFrame).Assembly.GetManifestResourceStream("Assets/" + name)!);
        return reader.ReadToEnd();
    }
}
