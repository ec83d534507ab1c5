using System.Globalization;
using System.Text;
using Plotly.NET;

namespace NextStep.Research.Reports;

/// <summary>The series of a figure as Plotly traces.</summary>
internal static class PlotlyTraces
{
    private const int LongestCategoryLine = 22;

    public static IEnumerable<Trace> Of(Figure figure) => figure.Kind switch
    {
        FigureKind.HeatMap => [HeatMap(figure)],
        FigureKind.Bars => figure.Series.Select((s, i) => Bars(s, i, figure.Categories)),
        FigureKind.Intervals => figure.Series.Select((s, i) => Intervals(s, i, figure.Categories)),
        FigureKind.Scatter => figure.Series.Select(Points),
        _ => figure.Series.SelectMany((s, i) => Line(s, i, figure.Kind)),
    };

    public static DynamicObj.DynamicObj Object(params (string Name, object Value)[] properties)
    {
        var result = new DynamicObj.DynamicObj();
        foreach ((string name, object value) in properties)
        {
            result.SetProperty(name, value);
        }

        return result;
    }

    // Plotly reads a few tags and entities in its texts; names come from files.
    public static string Text(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);

    private static IEnumerable<Trace> Line(FigureSeries series, int place, FigureKind kind)
    {
        int style = FigureStyle.Index(series, place);
        if (series is { Low: { } low, High: { } high })
        {
            yield return BandEdge(series, low, place, kind, fill: null);
            yield return BandEdge(series, high, place, kind, fill: Transparent(FigureStyle.Colour(style)));
        }

        Trace line = Named(series, place, "scatter");
        line.SetProperty("mode", kind == FigureKind.Lines ? "lines+markers" : "lines");
        line.SetProperty("x", Gaps(series.X));
        line.SetProperty("y", Gaps(series.Y));
        line.SetProperty("line", Object(
            ("color", FigureStyle.Colour(style)), ("dash", FigureStyle.Dash(series.Dash ?? style)), ("width", 2), ("shape", Shape(kind))));
        if (kind == FigureKind.Density)
        {
            line.SetProperty("fill", "tozeroy");
            line.SetProperty("fillcolor", Transparent(FigureStyle.Colour(style)));
        }
        else if (kind == FigureKind.Lines)
        {
            // A dozen markers tell the lines apart without colour; one per point would hide the line.
            line.SetProperty("marker", Object(("symbol", FigureStyle.Marker(style)), ("size", 7), ("maxdisplayed", 12)));
        }

        yield return line;
    }

    private static string Shape(FigureKind kind) => kind == FigureKind.Histogram ? "hvh" : "linear";

    private static Trace BandEdge(FigureSeries series, IReadOnlyList<double> edge, int place, FigureKind kind, string? fill)
    {
        Trace trace = Named(series, place, "scatter");
        trace.SetProperty("mode", "lines");
        trace.SetProperty("x", Gaps(series.X));
        trace.SetProperty("y", Gaps(edge));
        trace.SetProperty("line", Object(("width", 0), ("shape", Shape(kind))));
        trace.SetProperty("showlegend", false);
        trace.SetProperty("hoverinfo", "skip");
        if (fill is not null)
        {
            trace.SetProperty("fill", "tonexty");
            trace.SetProperty("fillcolor", fill);
        }

        return trace;
    }

    private static Trace Points(FigureSeries series, int place)
    {
        int style = FigureStyle.Index(series, place);
        Trace points = Named(series, place, "scatter");
        points.SetProperty("mode", "markers");
        points.SetProperty("x", Gaps(series.X));
        points.SetProperty("y", Gaps(series.Y));
        points.SetProperty("marker", Object(("color", FigureStyle.Colour(style)), ("symbol", FigureStyle.Marker(style)), ("size", 10)));
        if (series.PointNames.Count > 0)
        {
            points.SetProperty("text", series.PointNames.Select(Text).ToArray());
        }

        if (series is { Low: { } low, High: { } high })
        {
            points.SetProperty("error_y", Whiskers(series.Y, low, high));
        }

        return points;
    }

    // Lying bars: names of arms are long, and stay readable on a phone.
    private static Trace Bars(FigureSeries series, int place, IReadOnlyList<string> categories)
    {
        Trace bars = Lying(series, place, "bar", categories);
        bars.SetProperty("orientation", "h");
        bars.SetProperty("textposition", "auto");
        bars.SetProperty("insidetextanchor", "start");
        bars.SetProperty("textangle", 0);
        bars.SetProperty("marker", Object(("color", FigureStyle.Colour(FigureStyle.Index(series, place)))));
        return bars;
    }

    private static Trace Intervals(FigureSeries series, int place, IReadOnlyList<string> categories)
    {
        int style = FigureStyle.Index(series, place);
        Trace points = Lying(series, place, "scatter", categories);
        points.SetProperty("mode", "markers+text");
        points.SetProperty("textposition", "top center");
        points.SetProperty("cliponaxis", false);
        points.SetProperty("marker", Object(("color", FigureStyle.Colour(style)), ("symbol", FigureStyle.Marker(style)), ("size", 9)));
        return points;
    }

    private static Trace Lying(FigureSeries series, int place, string type, IReadOnlyList<string> categories)
    {
        Trace trace = Named(series, place, type);
        trace.SetProperty("y", series.X.Select(x => Folded(categories[(int)x])).ToArray());
        trace.SetProperty("x", Gaps(series.Y));
        trace.SetProperty("text", StaticSeries.Labels(series).Select(Text).ToArray());
        trace.SetProperty("hoverinfo", "y+text");
        if (series is { Low: { } low, High: { } high })
        {
            trace.SetProperty("error_x", Whiskers(series.Y, low, high));
        }

        return trace;
    }

    private static DynamicObj.DynamicObj Whiskers(IReadOnlyList<double> values, IReadOnlyList<double> low, IReadOnlyList<double> high) => Object(
        ("type", "data"), ("symmetric", false), ("thickness", 1.5), ("color", "#8a8f98"),
        ("array", Gaps([.. high.Zip(values, (h, y) => h - y)])),
        ("arrayminus", Gaps([.. low.Zip(values, (l, y) => y - l)])));

    private static Trace HeatMap(Figure figure)
    {
        FigureGrid grid = figure.Grid ?? throw new ArgumentException($"The heat map '{figure.Title}' has no grid.", nameof(figure));
        var map = new Trace("heatmap");
        map.SetProperty("x", grid.Columns.Select(Text).ToArray());
        map.SetProperty("y", grid.Rows.Select(n => Folded(n)).ToArray());
        map.SetProperty("z", grid.Values.Select(Gaps).ToArray());
        map.SetProperty("text", grid.Values.Select(r => r.Select(Numbers.Format).ToArray()).ToArray());
        map.SetProperty("texttemplate", "%{text}");
        map.SetProperty("hoverinfo", "x+y+text");
        map.SetProperty("colorscale", FigureStyle.PlotlyScale);
        map.SetProperty("showscale", false);
        map.SetProperty("xgap", 2);
        map.SetProperty("ygap", 2);
        return map;
    }

    // "meta" names the arms, so that the page can show and hide them; the legend group joins a line and its band.
    private static Trace Named(FigureSeries series, int place, string type)
    {
        var trace = new Trace(type);
        trace.SetProperty("name", Text(series.Legend is { Length: > 0 } legend ? legend : series.Name));
        // A line that another one stands for in the legend goes on and off with it.
        trace.SetProperty("legendgroup", series.Legend is null ? $"series{place}" : $"arm{FigureStyle.Index(series, place)}");
        if (series.Legend is "")
        {
            trace.SetProperty("showlegend", false);
        }

        if (series.Arms.Count > 0)
        {
            trace.SetProperty("meta", series.Arms.ToArray());
        }

        return trace;
    }

    // Six digits are more than a screen shows, and a third of the bytes of all of them.
    private static double?[] Gaps(IReadOnlyList<double> values) =>
        [.. values.Select(v => double.IsFinite(v) ? double.Parse(v.ToString("G6", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) : (double?)null)];

    private static string Transparent(string colour)
    {
        int rgb = Convert.ToInt32(colour[1..], 16);
        return $"rgba({rgb >> 16},{(rgb >> 8) & 255},{rgb & 255},0.16)";
    }

    /// <summary>Broken into lines at commas and spaces, so that names leave room for the chart.</summary>
    public static string Folded(string name, int width = LongestCategoryLine)
    {
        var folded = new StringBuilder();
        int line = 0;
        foreach (string word in name.Replace(",", ", ", StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line > 0 && line + word.Length > width)
            {
                folded.Append("<br>");
                line = 0;
            }
            else if (line > 0)
            {
                folded.Append(' ');
            }

            folded.Append(Text(word));
            line += word.Length + 1;
        }

        return folded.ToString();
    }
}
