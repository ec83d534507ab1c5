namespace NextStep.Research.Reports;

/// <summary>Colours, dashes and markers of series, the same in every rendering.</summary>
internal static class FigureStyle
{
    // After Okabe & Ito (2008): distinguishable with every common colour vision, on white and on near-black.
    private static readonly string[] Colours = ["#3b82c4", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8b7bd8", "#8a8f98"];
    private static readonly string[] Dashes = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
    private static readonly string[] Markers = ["circle", "square", "diamond", "triangle-up", "cross", "x", "star"];

    // A scale whose lightness rises evenly, readable in grey: points of viridis (van der Walt & Smith, 2015).
    private static readonly (byte R, byte G, byte B)[] Scale = [(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)];

    public static int Index(FigureSeries series, int place) => series.Arms.Count > 0 ? series.Arms[0] : place;

    public static string Colour(int index) => Colours[index % Colours.Length];

    public static string Dash(int index) => Dashes[index % Dashes.Length];

    public static string Marker(int index) => Markers[index % Markers.Length];

    /// <summary>The scale of heat maps at <paramref name="share"/> in [0, 1].</summary>
    public static (byte R, byte G, byte B) Heat(double share)
    {
        double at = Math.Clamp(share, 0, 1) * (Scale.Length - 1);
        int below = Math.Min((int)at, Scale.Length - 2);
        double part = at - below;
        (byte r, byte g, byte b) = Scale[below];
        (byte r1, byte g1, byte b1) = Scale[below + 1];
        return (Between(r, r1, part), Between(g, g1, part), Between(b, b1, part));
    }

    /// <summary>Positions and colours of the scale as Plotly wants them.</summary>
    public static object[][] PlotlyScale { get; } =
        [.. Scale.Select((c, i) => new object[] { i / (Scale.Length - 1.0), $"rgb({c.R},{c.G},{c.B})" })];

    private static byte Between(byte low, byte high, double part) => (byte)Math.Round(low + ((high - low) * part));
}
