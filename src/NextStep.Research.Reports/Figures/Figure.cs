namespace NextStep.Research.Reports;

/// <summary>A chart, said without any chart library: what is drawn, against what, and which lines.</summary>
/// <param name="Title">A short title; also the start of the alternative text.</param>
/// <param name="XLabel">Label of the horizontal axis, with its unit.</param>
/// <param name="YLabel">Label of the vertical axis, with its unit.</param>
/// <param name="Series">Lines or bars in drawing order; the first one is the baseline.</param>
public sealed record Figure(string Title, string XLabel, string YLabel, IReadOnlyList<FigureSeries> Series)
{
    /// <summary>Null: lines. Otherwise lying bars, one per name: <see cref="FigureSeries.X"/> holds positions in this list.</summary>
    public IReadOnlyList<string>? Categories { get; init; }

    /// <summary>True: the vertical axis is logarithmic. Only for values above zero.</summary>
    public bool LogY { get; init; }
}

/// <summary>One line or one set of bars.</summary>
/// <param name="Name">Shown in the legend.</param>
/// <param name="X">Horizontal positions, ascending.</param>
/// <param name="Y">Values, as many as <paramref name="X"/>; a value that is not finite is a gap.</param>
public sealed record FigureSeries(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y)
{
    /// <summary>Lower edge of the band, or lower end of the error bars; with <see cref="High"/> or not at all.</summary>
    public IReadOnlyList<double>? Low { get; init; }

    /// <summary>Upper edge of the band, or upper end of the error bars.</summary>
    public IReadOnlyList<double>? High { get; init; }
}
