namespace NextStep.Research.Reports;

/// <summary>A figure in words, for those who do not see it.</summary>
internal static class FigureText
{
    private const int MostNamed = 12;

    /// <summary>What the figure shows, with the data's summary.</summary>
    public static string Alternative(Figure figure) => $"{KindOf(figure)}: {figure.Title}. {Summary(figure)}";

    private static string KindOf(Figure figure) => figure.Kind switch
    {
        FigureKind.Scatter => "Scatter chart",
        FigureKind.Bars => "Bar chart",
        FigureKind.Intervals => "Points with intervals",
        FigureKind.Histogram => "Histogram",
        FigureKind.Density => "Density",
        FigureKind.HeatMap => "Heat map",
        _ => "Line chart",
    };

    private static string Summary(Figure figure) => figure switch
    {
        { Grid: { } grid } => HeatMap(grid),
        { IsLying: true } => string.Join("; ", figure.Series.SelectMany(s => s.X.Zip(s.Y, (x, y) => $"{figure.Categories[(int)x]} {Numbers.Format(y)}"))) + ".",
        { Kind: FigureKind.Lines } => Limited("From the first to the last value: ", figure.Series, s => $"{s.Name} {Numbers.Format(First(s))} to {Numbers.Format(Last(s))}"),
        { Kind: FigureKind.Scatter } => Limited("", figure.Series, s => $"{s.Name} {s.Y.Count} points, means {Numbers.Format(Mean(s.X))} and {Numbers.Format(Mean(s.Y))}"),
        _ => Limited("Highest at: ", figure.Series, s => $"{s.Name} {Numbers.Format(Mode(s))}"),
    };

    private static string Limited(string start, IReadOnlyList<FigureSeries> series, Func<FigureSeries, string> words) =>
        start + string.Join("; ", series.Take(MostNamed).Select(words)) + (series.Count > MostNamed ? $"; and {series.Count - MostNamed} more." : ".");

    private static string HeatMap(FigureGrid grid)
    {
        (string Name, double Value)[] all =
        [
            .. grid.Rows.SelectMany((row, r) => grid.Columns.Select((column, c) => ($"{row}, {column}", grid.Values[r][c]))).Where(v => double.IsFinite(v.Item2)),
        ];
        return all.Length == 0 ? "No number is known." : $"Lowest {Numbers.Format(all.MinBy(v => v.Value).Value)} at {all.MinBy(v => v.Value).Name}; highest {Numbers.Format(all.MaxBy(v => v.Value).Value)} at {all.MaxBy(v => v.Value).Name}.";
    }

    private static double First(FigureSeries series) => series.Y.FirstOrDefault(double.IsFinite, double.NaN);

    private static double Last(FigureSeries series) => series.Y.LastOrDefault(double.IsFinite, double.NaN);

    private static double Mean(IReadOnlyList<double> values) => values.Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average();

    private static double Mode(FigureSeries series) => series.X.Zip(series.Y).Where(p => double.IsFinite(p.Second)).OrderByDescending(p => p.Second).Select(p => p.First).FirstOrDefault(double.NaN);
}
