namespace NextStep.Research.Reports;

/// <summary>Found by the notebook host by its shape; see <see cref="TypeFormatterSourceAttribute"/>.</summary>
internal sealed class FigureFormatterSource : IFormatterSource
{
    public IEnumerable<object> CreateTypeFormatters() =>
    [
        new ValueFormatter("text/html", v => (v as Figure)?.ToHtml()),
        new ValueFormatter("image/svg+xml", v => v is Figure figure ? StaticChart.Svg(figure) : null),
    ];
}

/// <summary>A figure as a piece of a notebook's page.</summary>
internal static class FigureFrame
{
    public static string Html(Figure figure) => StaticChart.Svg(figure);
}
