using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Series;

namespace NextStep.Research.Reports;

/// <summary>The series of a figure as OxyPlot draws them.</summary>
internal static class StaticSeries
{
    private const int ShownMarkers = 12;

    public static readonly OxyColor Ink = OxyColor.FromRgb(0x1d, 0x21, 0x27);
    public static readonly OxyColor Grid = OxyColor.FromRgb(0xdf, 0xe3, 0xe8);
    private static readonly OxyColor Whisker = OxyColor.FromRgb(0x5b, 0x64, 0x70);

    public static void Add(PlotModel model, Figure figure)
    {
        if (figure.Kind == FigureKind.HeatMap)
        {
            AddHeatMap(model, figure.Grid ?? throw new ArgumentException($"The heat map '{figure.Title}' has no grid.", nameof(figure)));
        }

        for (int place = 0; place < figure.Series.Count; place++)
        {
            FigureSeries series = figure.Series[place];
            switch (figure.Kind)
            {
                case FigureKind.Bars or FigureKind.Intervals:
                    AddLying(model, series, place, figure.Kind);
                    break;
                case FigureKind.Scatter:
                    AddWhiskers(model, series, upright: true);
                    model.Series.Add(Markers(series, place, [.. series.X.Zip(series.Y)]));
                    break;
                default:
                    AddLine(model, series, place, figure.Kind);
                    break;
            }
        }
    }

    private static void AddLine(PlotModel model, FigureSeries series, int place, FigureKind kind)
    {
        int style = FigureStyle.Index(series, place);
        OxyColor colour = OxyColor.Parse(FigureStyle.Colour(style));
        if (series is { Low: { } low, High: { } high })
        {
            (double[] x, double[] below, double[] above) = kind == FigureKind.Histogram ? Stairs(series.X, low, high) : ([.. series.X], [.. low], [.. high]);
            AddBand(model, x, below, above, colour);
        }

        (double X, double Y)[] points = [.. series.X.Zip(series.Y)];
        if (kind == FigureKind.Density)
        {
            AddBand(model, [.. series.X], new double[series.Y.Count], [.. series.Y], colour);
        }

        var line = new LineSeries
        {
            Title = StaticChart.Plain(series.Legend ?? series.Name), Color = colour, StrokeThickness = 1.8,
            LineStyle = Line(FigureStyle.Dash(series.Dash ?? style)), RenderInLegend = series.Legend is not "",
        };
        line.Points.AddRange((kind == FigureKind.Histogram ? Stairs(points) : points).Select(Point));
        if (kind == FigureKind.Lines)
        {
            // On the line itself, so that the legend shows both; only some points carry one.
            line.MarkerType = Marker(FigureStyle.Marker(style));
            line.MarkerSize = 3.5;
            line.MarkerFill = line.MarkerStroke = colour;
            if (points.Length > ShownMarkers)
            {
                line.MarkerType = MarkerType.None;
                int every = (points.Length + ShownMarkers - 1) / ShownMarkers;
                ScatterSeries some = Markers(series, place, [.. points.Where((_, i) => i % every == 0)]);
                some.Title = null;
                some.MarkerSize = 3.5;
                model.Series.Add(some);
            }
        }

        model.Series.Add(line);
    }

    // A polygon per stretch without gaps.
    private static void AddBand(PlotModel model, double[] x, double[] low, double[] high, OxyColor colour)
    {
        var area = new AreaSeries { Color = OxyColors.Transparent, Color2 = OxyColors.Transparent, Fill = OxyColor.FromAColor(40, colour), StrokeThickness = 0, RenderInLegend = false };
        for (int i = 0; i < x.Length; i++)
        {
            bool gap = !double.IsFinite(low[i]) || !double.IsFinite(high[i]);
            area.Points.Add(gap ? DataPoint.Undefined : new DataPoint(x[i], low[i]));
            area.Points2.Add(gap ? DataPoint.Undefined : new DataPoint(x[i], high[i]));
        }

        model.Series.Add(area);
    }

    private static ScatterSeries Markers(FigureSeries series, int place, (double X, double Y)[] points)
    {
        int style = FigureStyle.Index(series, place);
        OxyColor colour = OxyColor.Parse(FigureStyle.Colour(style));
        var markers = new ScatterSeries
        {
            Title = StaticChart.Plain(series.Name), MarkerType = Marker(FigureStyle.Marker(style)), MarkerSize = 5, MarkerFill = colour, MarkerStroke = colour, MarkerStrokeThickness = 1.5,
        };
        markers.Points.AddRange(points.Where(p => double.IsFinite(p.X) && double.IsFinite(p.Y)).Select(p => new ScatterPoint(p.X, p.Y)));
        return markers;
    }

    private static void AddLying(PlotModel model, FigureSeries series, int place, FigureKind kind)
    {
        OxyColor colour = OxyColor.Parse(FigureStyle.Colour(FigureStyle.Index(series, place)));
        if (kind == FigureKind.Bars)
        {
            var bars = new RectangleBarSeries { FillColor = colour, StrokeThickness = 0 };
            foreach ((double at, double value) in series.X.Zip(series.Y).Where(p => double.IsFinite(p.Second)))
            {
                bars.Items.Add(new RectangleBarItem(0, at - 0.33, value, at + 0.33));
            }

            model.Series.Add(bars);
        }

        AddWhiskers(model, series, upright: false);
        if (kind == FigureKind.Intervals)
        {
            model.Series.Add(Markers(series, place, [.. series.Y.Zip(series.X)]));
        }

        foreach ((double at, double value, string label) in series.X.Zip(series.Y, Labels(series)).Where(p => double.IsFinite(p.Second)))
        {
            model.Annotations.Add(Label(label, value, at, kind == FigureKind.Bars ? HorizontalAlignment.Left : HorizontalAlignment.Center, kind == FigureKind.Bars ? VerticalAlignment.Middle : VerticalAlignment.Bottom, Ink));
        }
    }

    private static void AddWhiskers(PlotModel model, FigureSeries series, bool upright)
    {
        if (series is not { Low: { } low, High: { } high })
        {
            return;
        }

        var whiskers = new LineSeries { Color = Whisker, StrokeThickness = 1.5, RenderInLegend = false };
        for (int i = 0; i < series.X.Count; i++)
        {
            whiskers.Points.AddRange([At(low[i], series.X[i]), At(high[i], series.X[i]), DataPoint.Undefined]);
        }

        model.Series.Add(whiskers);

        DataPoint At(double value, double place) => Point(upright ? (place, value) : (value, place));
    }

    /// <summary>What stands beside the points: their names, else their values.</summary>
    public static IEnumerable<string> Labels(FigureSeries series) => series.PointNames.Count > 0 ? series.PointNames : series.Y.Select(Numbers.Format);

    private static void AddHeatMap(PlotModel model, FigureGrid grid)
    {
        double[] all = [.. grid.Values.SelectMany(r => r).Where(double.IsFinite)];
        double low = all.DefaultIfEmpty(0).Min(), span = all.DefaultIfEmpty(0).Max() - low;
        var cells = new RectangleBarSeries { StrokeThickness = 1, StrokeColor = OxyColors.White };
        for (int row = 0; row < grid.Rows.Count; row++)
        {
            for (int column = 0; column < grid.Columns.Count; column++)
            {
                double value = grid.Values[row][column];
                double share = span > 0 ? (value - low) / span : 0.5;
                (byte r, byte g, byte b) = FigureStyle.Heat(share);
                if (double.IsFinite(value))
                {
                    cells.Items.Add(new RectangleBarItem(column - 0.5, row - 0.5, column + 0.5, row + 0.5) { Color = OxyColor.FromRgb(r, g, b) });
                }

                OxyColor ink = double.IsFinite(value) && share < 0.6 ? OxyColors.White : Ink;
                model.Annotations.Add(Label(double.IsFinite(value) ? Numbers.Format(value) : "–", column, row, HorizontalAlignment.Center, VerticalAlignment.Middle, ink));
            }
        }

        model.Series.Add(cells);
    }

    // The axis of the names runs downwards, and OxyPlot turns the offset with it: plus is up.
    private static TextAnnotation Label(string text, double x, double y, HorizontalAlignment across, VerticalAlignment along, OxyColor colour) => new()
    {
        Text = text, TextPosition = new DataPoint(x, y), TextHorizontalAlignment = across, TextVerticalAlignment = along,
        TextColor = colour, StrokeThickness = 0, FontSize = 11, Offset = new ScreenVector(across == HorizontalAlignment.Left ? 4 : 0, along == VerticalAlignment.Bottom ? 8 : 0),
    };

    private static IEnumerable<(double X, double Y)> Stairs((double X, double Y)[] bins)
    {
        double half = bins.Length > 1 ? (bins[1].X - bins[0].X) / 2 : 0.5;
        return bins.SelectMany(b => new[] { (b.X - half, b.Y), (b.X + half, b.Y) });
    }

    private static (double[] X, double[] Low, double[] High) Stairs(IReadOnlyList<double> x, IReadOnlyList<double> low, IReadOnlyList<double> high)
    {
        (double X, double Y)[] below = [.. Stairs([.. x.Zip(low)])], above = [.. Stairs([.. x.Zip(high)])];
        return ([.. below.Select(p => p.X)], [.. below.Select(p => p.Y)], [.. above.Select(p => p.Y)]);
    }

    private static DataPoint Point((double X, double Y) p) => double.IsFinite(p.X) && double.IsFinite(p.Y) ? new DataPoint(p.X, p.Y) : DataPoint.Undefined;

    private static LineStyle Line(string dash) => dash switch
    {
        "dash" => LineStyle.Dash,
        "dot" => LineStyle.Dot,
        "dashdot" => LineStyle.DashDot,
        "longdash" => LineStyle.LongDash,
        "longdashdot" => LineStyle.LongDashDot,
        _ => LineStyle.Solid,
    };

    private static MarkerType Marker(string marker) => marker switch
    {
        "square" => MarkerType.Square,
        "diamond" => MarkerType.Diamond,
        "triangle-up" => MarkerType.Triangle,
        "cross" => MarkerType.Plus,
        "x" => MarkerType.Cross,
        "star" => MarkerType.Star,
        _ => MarkerType.Circle,
    };
}
