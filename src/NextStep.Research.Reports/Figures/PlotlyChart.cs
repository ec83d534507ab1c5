using System.Reflection;
using DynamicObj;
using Microsoft.FSharp.Collections;
using Plotly.NET;

namespace NextStep.Research.Reports;

/// <summary>Makes a <see cref="Figure"/> into a Plotly.NET chart. The only file that knows Plotly.</summary>
internal static class PlotlyChart
{
    // Okabe & Ito (2008): distinguishable with every common colour vision, on white and on near-black.
    private static readonly string[] Colours = ["#3b82c4", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8b7bd8", "#8a8f98"];
    private static readonly string[] Dashes = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
    private static readonly string[] Markers = ["circle", "square", "diamond", "triangle-up", "x", "cross", "star", "triangle-down"];

    /// <summary>The text of plotly.js as Plotly.NET carries it (3.6 MB), for inlining.</summary>
    public static string Script()
    {
        Assembly assembly = typeof(Trace).Assembly;
        string name = assembly.GetManifestResourceNames().SingleOrDefault(n => n.EndsWith(".min.js", StringComparison.Ordinal))
            ?? throw new InvalidOperationException("This version of Plotly.NET carries no plotly.min.js; the report cannot be drawn offline.");
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    /// <summary>The chart's data, layout and config as one JSON object, the same bytes for the same figure.</summary>
    public static string Json(Figure figure) => GenericChart.toJson(Chart(figure));

    /// <summary>The chart as a Plotly.NET object, for notebooks and exports.</summary>
    public static GenericChart Chart(Figure figure)
    {
        IEnumerable<Trace> traces = figure.Categories is null
            ? figure.Series.SelectMany((series, index) => Line(series, index))
            : figure.Series.Select((series, index) => Bars(series, index, figure.Categories));

        var config = new Config();
        config.SetProperty("responsive", true);
        // Dragging zooms and a double click resets; the bar of buttons would cover the lines of small charts.
        config.SetProperty("displayModeBar", false);

        GenericChart chart = GenericChart.ofTraceObjects(false, ListModule.OfSeq(traces));
        return GenericChart.setConfig(config, GenericChart.setLayout(LayoutOf(figure), chart));
    }

    private static IEnumerable<Trace> Line(FigureSeries series, int index)
    {
        string colour = Colours[index % Colours.Length];
        if (series is { Low: { } low, High: { } high })
        {
            yield return BandEdge(series, low, index, fill: null);
            yield return BandEdge(series, high, index, fill: Transparent(colour));
        }

        var line = new Trace("scatter");
        line.SetProperty("mode", "lines+markers");
        line.SetProperty("name", Text(series.Name));
        line.SetProperty("x", series.X);
        line.SetProperty("y", Gaps(series.Y));
        line.SetProperty("legendgroup", Group(index));
        line.SetProperty("line", Object(("color", colour), ("dash", Dashes[index % Dashes.Length]), ("width", 2)));
        // A dozen markers tell the lines apart without colour; one per point would hide the line.
        line.SetProperty("marker", Object(("symbol", Markers[index % Markers.Length]), ("size", 7), ("maxdisplayed", 12)));
        yield return line;
    }

    private static Trace BandEdge(FigureSeries series, IReadOnlyList<double> edge, int index, string? fill)
    {
        var trace = new Trace("scatter");
        trace.SetProperty("mode", "lines");
        trace.SetProperty("x", series.X);
        trace.SetProperty("y", Gaps(edge));
        trace.SetProperty("line", Object(("width", 0)));
        trace.SetProperty("legendgroup", Group(index));
        trace.SetProperty("showlegend", false);
        trace.SetProperty("hoverinfo", "skip");
        if (fill is not null)
        {
            trace.SetProperty("fill", "tonexty");
            trace.SetProperty("fillcolor", fill);
        }

        return trace;
    }

    // Lying bars: names of arms are long, and stay readable on a phone.
    private static Trace Bars(FigureSeries series, int index, IReadOnlyList<string> categories)
    {
        var bars = new Trace("bar");
        bars.SetProperty("orientation", "h");
        bars.SetProperty("name", Text(series.Name));
        bars.SetProperty("y", series.X.Select(x => Text(categories[(int)x])).ToArray());
        bars.SetProperty("x", Gaps(series.Y));
        bars.SetProperty("text", series.Y.Select(Numbers.Format).ToArray());
        bars.SetProperty("textposition", "auto");
        bars.SetProperty("insidetextanchor", "start");
        bars.SetProperty("textangle", 0);
        bars.SetProperty("hoverinfo", "x+y");
        bars.SetProperty("marker", Object(("color", Colours[index % Colours.Length])));
        if (series is { Low: { } low, High: { } high })
        {
            bars.SetProperty("error_x", Object(
                ("type", "data"), ("symmetric", false), ("thickness", 1.5), ("color", "#8a8f98"),
                ("array", Gaps([.. high.Zip(series.Y, (h, y) => h - y)])),
                ("arrayminus", Gaps([.. low.Zip(series.Y, (l, y) => y - l)]))));
        }

        return bars;
    }

    private static Layout LayoutOf(Figure figure)
    {
        bool bars = figure.Categories is not null;
        var layout = new Layout();
        layout.SetProperty("height", bars ? 64 + (30 * figure.Categories!.Count) : 340);
        layout.SetProperty("margin", Object(("l", 56), ("r", 12), ("t", 8), ("b", 44)));
        layout.SetProperty("paper_bgcolor", "rgba(0,0,0,0)");
        layout.SetProperty("plot_bgcolor", "rgba(0,0,0,0)");
        layout.SetProperty("showlegend", !bars);
        layout.SetProperty("legend", Object(("orientation", "h"), ("y", 1.02), ("yanchor", "bottom"), ("x", 0)));
        layout.SetProperty("hovermode", bars ? "closest" : "x unified");
        layout.SetProperty("bargap", 0.25);
        DynamicObj.DynamicObj x = Axis(figure.XLabel), y = Axis(figure.YLabel);
        if (figure.LogY)
        {
            y.SetProperty("type", "log");
        }

        if (bars)
        {
            (x, y) = (y, x);
            y.SetProperty("type", "category");
            y.SetProperty("autorange", "reversed");
        }

        layout.SetProperty("xaxis", x);
        layout.SetProperty("yaxis", y);
        return layout;
    }

    private static DynamicObj.DynamicObj Axis(string label) =>
        Object(("title", Object(("text", Text(label)))), ("automargin", true), ("zeroline", false));

    private static DynamicObj.DynamicObj Object(params (string Name, object Value)[] properties)
    {
        var result = new DynamicObj.DynamicObj();
        foreach ((string name, object value) in properties)
        {
            result.SetProperty(name, value);
        }

        return result;
    }

    private static double?[] Gaps(IReadOnlyList<double> values) => [.. values.Select(v => double.IsFinite(v) ? v : (double?)null)];

    private static string Group(int index) => $"arm{index}";

    private static string Transparent(string colour)
    {
        int rgb = Convert.ToInt32(colour[1..], 16);
        return $"rgba({rgb >> 16},{(rgb >> 8) & 255},{rgb & 255},0.16)";
    }

    // Plotly reads a few tags and entities in its texts; arm names come from files.
    private static string Text(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
}
