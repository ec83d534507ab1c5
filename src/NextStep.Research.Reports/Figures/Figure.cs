namespace NextStep.Research.Reports;

/// <summary>How a figure is drawn.</summary>
public enum FigureKind
{
    /// <summary>Lines over X, with bands where a series has <see cref="FigureSeries.Low"/> and <see cref="FigureSeries.High"/>.</summary>
    Lines,

    /// <summary>Points that are not joined.</summary>
    Scatter,

    /// <summary>Lying bars from zero, one per <see cref="Figure.Categories"/>; X holds positions in that list.</summary>
    Bars,

    /// <summary>A point with its interval per category, lying; the axis need not contain zero. X holds positions in the categories.</summary>
    Intervals,

    /// <summary>Counts or shares over bins of equal width as stairs; X holds the bin centres.</summary>
    Histogram,

    /// <summary>A density: a line with the area below it filled.</summary>
    Density,

    /// <summary>A table of numbers in colours: <see cref="Figure.Grid"/>.</summary>
    HeatMap,
}

/// <summary>A chart, said without any chart library: what is drawn, against what, and which lines.</summary>
/// <param name="Title">A short title; also the start of the alternative text.</param>
/// <param name="XLabel">Label of the horizontal axis, with its unit.</param>
/// <param name="YLabel">Label of the vertical axis, with its unit; for lying bars and intervals of the values' axis.</param>
/// <param name="Series">Lines, points or bars in drawing order; the first one is the baseline. Empty for a heat map.</param>
/// <example><code>
/// var loss = new Figure("Flow loss", "images seen", "flow loss", [new FigureSeries("baseline", images, losses)]);
/// File.WriteAllText("loss.svg", StaticChart.Svg(loss));
/// </code></example>
[TypeFormatterSource(typeof(FigureFormatterSource), PreferredMimeTypes = ["text/html", "image/svg+xml"])]
public sealed record Figure(string Title, string XLabel, string YLabel, IReadOnlyList<FigureSeries> Series)
{
    /// <summary>How it is drawn.</summary>
    public FigureKind Kind { get; init; } = FigureKind.Lines;

    /// <summary>Names along the vertical axis of bars and intervals, from top to bottom.</summary>
    public IReadOnlyList<string> Categories { get; init; } = [];

    /// <summary>The numbers of a heat map.</summary>
    public FigureGrid? Grid { get; init; }

    /// <summary>True: the axis of the values is logarithmic. Only for values above zero.</summary>
    public bool LogY { get; init; }

    /// <summary>One or two sentences below the chart; may be empty.</summary>
    public string Note { get; init; } = "";

    /// <summary>The chart for a notebook: interactive where scripts run, a drawing elsewhere. Needs no network.</summary>
    public string ToHtml() => FigureFrame.Html(this);

    /// <summary>A single line that is named in the title needs none.</summary>
    internal bool HasLegend => !IsLying && Kind != FigureKind.HeatMap && (Series.Count > 1 || Series.Any(s => !Title.Contains(s.Legend ?? s.Name, StringComparison.Ordinal)));

    /// <summary>Whether names stand along the vertical axis.</summary>
    internal bool IsLying => Kind is FigureKind.Bars or FigureKind.Intervals;
}

/// <summary>One line, one cloud of points or one set of bars.</summary>
/// <param name="Name">Shown in the legend.</param>
/// <param name="X">Horizontal positions, ascending except in scatter charts.</param>
/// <param name="Y">Values, as many as <paramref name="X"/>; a value that is not finite is a gap.</param>
public sealed record FigureSeries(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y)
{
    /// <summary>Lower edge of the band, or lower end of the interval; with <see cref="High"/> or not at all.</summary>
    public IReadOnlyList<double>? Low { get; init; }

    /// <summary>Upper edge of the band, or upper end of the interval.</summary>
    public IReadOnlyList<double>? High { get; init; }

    /// <summary>
    /// Indices of the arms that it stands for. The first decides colour, dash and marker, so that an arm looks the same in all
    /// figures of a run. Empty: the place in the figure decides.
    /// </summary>
    public IReadOnlyList<int> Arms { get; init; } = [];

    /// <summary>Which dash, where colour and marker say the arm and the dash says something else; null: as the colour.</summary>
    public int? Dash { get; init; }

    /// <summary>In the legend, where it is not the name; empty: not in the legend.</summary>
    public string? Legend { get; init; }

    /// <summary>What each point is, shown where the host can; as many as <see cref="X"/> or none.</summary>
    public IReadOnlyList<string> PointNames { get; init; } = [];
}

/// <summary>The numbers of a heat map.</summary>
/// <param name="Columns">Names along the horizontal axis.</param>
/// <param name="Rows">Names along the vertical axis, from top to bottom.</param>
/// <param name="Values">By row, then column; a value that is not finite is a gap.</param>
public sealed record FigureGrid(IReadOnlyList<string> Columns, IReadOnlyList<string> Rows, IReadOnlyList<IReadOnlyList<double>> Values);
