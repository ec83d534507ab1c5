using System.Reflection;
using Microsoft.FSharp.Collections;
using Plotly.NET;

namespace NextStep.Research.Reports;

/// <summary>Makes a <see cref="Figure"/> into a Plotly.NET chart. With <see cref="PlotlyTraces"/> the only file that knows Plotly.</summary>
internal static class PlotlyChart
{
    private const int LineHeight = 340;
    private const int CategoryHeight = 34;
    private const int LongestLabelLine = 36;
    private const int MostUnitTicks = 8;

    /// <summary>The text of plotly.js as Plotly.NET carries it (3.6 MB), for inlining.</summary>
    /// <exception cref="InvalidOperationException">This version of Plotly.NET carries none.</exception>
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

    /// <summary>The chart as a Plotly.NET object.</summary>
    public static GenericChart Chart(Figure figure)
    {
        ArgumentNullException.ThrowIfNull(figure);
        var config = new Config();
        config.SetProperty("responsive", true);
        // Dragging zooms and a double click resets; the bar of buttons would cover the lines of small charts.
        config.SetProperty("displayModeBar", false);

        GenericChart chart = GenericChart.ofTraceObjects(false, ListModule.OfSeq(PlotlyTraces.Of(figure)));
        return GenericChart.setConfig(config, GenericChart.setLayout(LayoutOf(figure), chart));
    }

    private static Layout LayoutOf(Figure figure)
    {
        var layout = new Layout();
        layout.SetProperty("height", Height(figure));
        layout.SetProperty("margin", PlotlyTraces.Object(("l", 56), ("r", 14), ("t", figure.IsLying ? 22 : 8), ("b", 44)));
        layout.SetProperty("paper_bgcolor", "rgba(0,0,0,0)");
        layout.SetProperty("plot_bgcolor", "rgba(0,0,0,0)");
        layout.SetProperty("showlegend", figure.HasLegend);
        layout.SetProperty("legend", PlotlyTraces.Object(("orientation", "h"), ("y", 1.02), ("yanchor", "bottom"), ("x", 0)));
        layout.SetProperty("hovermode", figure.Kind is FigureKind.Lines or FigureKind.Histogram or FigureKind.Density ? "x unified" : "closest");
        layout.SetProperty("bargap", 0.3);
        DynamicObj.DynamicObj x = Axis(figure.XLabel), y = Axis(figure.YLabel);
        if (figure.LogY)
        {
            y.SetProperty("type", "log");
            y.SetProperty("dtick", 1);
        }

        // Channels and short raster orders: no half ones.
        if (!figure.IsLying && figure.Series.Count > 0 && figure.Series.All(s => s.X.Count is > 1 and <= MostUnitTicks && s.X.All(double.IsInteger) && s.X[^1] - s.X[0] <= MostUnitTicks))
        {
            x.SetProperty("dtick", 1);
        }

        if (figure.IsLying)
        {
            (x, y) = (y, x);
        }

        if (figure.IsLying || figure.Kind == FigureKind.HeatMap)
        {
            y.SetProperty("type", "category");
            y.SetProperty("autorange", "reversed");
            y.SetProperty("showgrid", false);
        }

        if (figure.Kind == FigureKind.HeatMap)
        {
            x.SetProperty("type", "category");
            x.SetProperty("showgrid", false);
        }

        layout.SetProperty("xaxis", x);
        layout.SetProperty("yaxis", y);
        return layout;
    }

    private static int Height(Figure figure) => figure switch
    {
        { IsLying: true } => 78 + (CategoryHeight * figure.Categories.Count),
        { Grid: { } grid } => Math.Clamp(110 + (CategoryHeight * grid.Rows.Count), 180, 900),
        _ => LineHeight,
    };

    private static DynamicObj.DynamicObj Axis(string label) =>
        PlotlyTraces.Object(("title", PlotlyTraces.Object(("text", PlotlyTraces.Folded(label, LongestLabelLine)))), ("automargin", true), ("zeroline", false));
}
