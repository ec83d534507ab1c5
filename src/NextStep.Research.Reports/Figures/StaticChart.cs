using System.IO.Hashing;
using System.Text;
using System.Text.RegularExpressions;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using SkiaSharp;

namespace NextStep.Research.Reports;

/// <summary>A <see cref="Figure"/> as a still picture, for papers and for places that run no scripts. With <see cref="StaticSeries"/> the only file that knows OxyPlot.</summary>
internal static partial class StaticChart
{
    /// <summary>What SVG files ask for; the reader's machine picks the first that it has.</summary>
    private const string SvgFonts = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";

    private const int LongestName = 40;

    private const int LongestTitleLine = 66;

    // Along the bottom of a figure of the usual width; longer names are slanted.
    private const int MostLetters = 72;

    private static readonly string[] PngFonts = ["Helvetica", "Arial", "Liberation Sans", "Noto Sans", "DejaVu Sans"];

    /// <summary>The chart as an SVG element with title and description inside; the same text for the same figure on every machine.</summary>
    /// <param name="figure">What to draw.</param>
    /// <param name="width">Units (pixels at 100 %).</param>
    /// <param name="height">Units; 0: as the kind of figure needs.</param>
    public static string Svg(Figure figure, int width = 640, int height = 0)
    {
        ArgumentNullException.ThrowIfNull(figure);
        var exporter = new SvgExporter { Width = width, Height = HeightOf(figure, height), IsDocument = false, TextMeasurer = new WideMeasurer() };
        string svg = exporter.ExportToString(Model(figure, SvgFonts));
        int inside = svg.IndexOf('>', svg.IndexOf("<svg", StringComparison.Ordinal)) + 1;
        string words = Html.Of($"<title>{Plain(figure.Title)}</title><desc>{Plain(FigureText.Alternative(figure))}</desc>").Markup;
        string opening = svg[svg.IndexOf("<svg", StringComparison.Ordinal)..(inside - 1)];
        string drawing = svg[inside..].ReplaceLineEndings("\n").TrimEnd();
        // Several figures may stand in one page, where ids are shared.
        string id = $"clip{XxHash64.HashToUInt64(Encoding.UTF8.GetBytes(words + drawing)):x16}-";
        return $"{opening} viewBox=\"0 0 {width} {exporter.Height:0}\" role=\"img\">{words}{ClipNames().Replace(drawing, id + "$1")}\n";
    }

    /// <summary>The chart as a PNG file; its letters are those of this machine's fonts.</summary>
    /// <param name="figure">What to draw.</param>
    /// <param name="width">Units (pixels at 100 %).</param>
    /// <param name="height">Units; 0: as the kind of figure needs.</param>
    /// <param name="pixelsPerUnit">Sharpness; the file says it, so that the chart is shown and printed at its size.</param>
    /// <exception cref="InvalidOperationException">The machine has no font at all; SVG needs none.</exception>
    public static byte[] Png(Figure figure, int width = 640, int height = 0, double pixelsPerUnit = 2)
    {
        ArgumentNullException.ThrowIfNull(figure);
        string[] families = [.. SKFontManager.Default.FontFamilies];
        if (families.Length == 0)
        {
            throw new InvalidOperationException("This machine has no fonts, so a PNG of a figure would have no letters; use SVG, or install fonts (Debian: fonts-dejavu-core).");
        }

        string family = PngFonts.FirstOrDefault(f => families.Contains(f, StringComparer.OrdinalIgnoreCase)) ?? families.Order(StringComparer.Ordinal).First();
        // Without text shaping no second native library is needed; Latin, Greek and Cyrillic are the same.
        var exporter = new OxyPlot.SkiaSharp.PngExporter
        {
            Width = (int)(width * pixelsPerUnit), Height = (int)(HeightOf(figure, height) * pixelsPerUnit), Dpi = (float)(PngResolution.Screen * pixelsPerUnit), UseTextShaping = false,
        };
        using var stream = new MemoryStream();
        exporter.Export(Model(figure, family), stream);
        return PngResolution.With(Packed(stream.ToArray()), (int)(PngResolution.Screen * pixelsPerUnit));
    }

    // Even areas pack best without filters, and without an alpha that is 1 everywhere.
    private static byte[] Packed(byte[] png)
    {
        using SKBitmap drawn = SKBitmap.Decode(png);
        using SKPixmap pixels = drawn.PeekPixels(), opaque = pixels.WithAlphaType(SKAlphaType.Opaque);
        using SKData packed = opaque.Encode(new SKPngEncoderOptions(SKPngEncoderFilterFlags.NoFilters, 9));
        return packed.ToArray();
    }

    /// <summary>Whether <see cref="Png"/> works here: the machine has a font.</summary>
    public static bool DrawsPng { get; } = SKFontManager.Default.FontFamilies.Any();

    private static int HeightOf(Figure figure, int wanted) => wanted > 0 ? wanted : figure switch
    {
        { IsLying: true } => 96 + (34 * figure.Categories.Count),
        { Grid: { } grid } => Math.Clamp(110 + (36 * grid.Rows.Count), 180, 1200),
        _ => 380 + (18 * Math.Max(0, (figure.Series.Count - 1) / 2)),
    };

    private static PlotModel Model(Figure figure, string fonts)
    {
        string[] columns = [.. figure.Grid?.Columns ?? []], names = [.. figure.Grid?.Rows ?? figure.Categories];
        var model = new PlotModel
        {
            Title = Folded(figure.Title), TitleFontSize = 14, TitleFontWeight = 600, TitleHorizontalAlignment = TitleHorizontalAlignment.CenteredWithinView,
            DefaultFont = fonts, DefaultFontSize = 12, TextColor = StaticSeries.Ink, PlotAreaBorderThickness = new OxyThickness(1, 0, 0, 1),
            PlotAreaBorderColor = StaticSeries.Grid, Background = OxyColors.White,
            Padding = new OxyThickness(10, 10, 24, 10),
        };
        if (figure.HasLegend)
        {
            model.Legends.Add(new Legend
            {
                LegendPlacement = LegendPlacement.Outside, LegendPosition = LegendPosition.BottomLeft, LegendOrientation = LegendOrientation.Horizontal,
                LegendSymbolLength = 32, LegendMargin = 0, LegendItemSpacing = 18, LegendLineSpacing = 2,
            });
        }

        model.Axes.Add(columns.Length > 0 ? Names(AxisPosition.Bottom, columns, figure.XLabel)
            : Numeric(AxisPosition.Bottom, figure.IsLying ? figure.YLabel : figure.XLabel, figure.IsLying && figure.LogY));
        model.Axes.Add(names.Length > 0 ? Names(AxisPosition.Left, names, figure.IsLying ? figure.XLabel : figure.YLabel)
            : Numeric(AxisPosition.Left, figure.YLabel, figure.LogY));
        StaticSeries.Add(model, figure);
        return model;
    }

    private static Axis Numeric(AxisPosition position, string title, bool logarithmic)
    {
        Axis axis = logarithmic ? new LogarithmicAxis() : new LinearAxis { MinimumPadding = 0.03, MaximumPadding = 0.05 };
        axis.MajorGridlineStyle = LineStyle.Solid;
        axis.MajorGridlineColor = StaticSeries.Grid;
        axis.LabelFormatter = Numbers.Tick;
        return Dress(axis, position, title);
    }

    // From top to bottom and left to right, as one reads.
    private static Axis Names(AxisPosition position, string[] names, string title)
    {
        var axis = new CategoryAxis { GapWidth = 0.5, StartPosition = position == AxisPosition.Left ? 1 : 0, EndPosition = position == AxisPosition.Left ? 0 : 1 };
        axis.Angle = position == AxisPosition.Bottom && names.Sum(n => n.Length + 2) > MostLetters ? -25 : 0;
        axis.Labels.AddRange(names.Select(n => n.Length > LongestName ? Plain(n[..(LongestName - 1)]) + "…" : Plain(n)));
        return Dress(axis, position, title);
    }

    private static Axis Dress(Axis axis, AxisPosition position, string title)
    {
        axis.Position = position;
        axis.Title = title.Length > 0 ? Plain(title) : null;
        axis.AxisTitleDistance = position == AxisPosition.Left ? 14 : 8; // beside wide labels
        axis.TicklineColor = StaticSeries.Grid;
        axis.MinorTickSize = 0;
        return axis;
    }

    private static string Folded(string title)
    {
        var folded = new StringBuilder();
        int line = 0;
        foreach (string word in Plain(title).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            bool breaks = line > 0 && line + word.Length > LongestTitleLine;
            folded.Append(breaks ? "\n" : line > 0 ? " " : "").Append(word);
            line = (breaks ? 0 : line) + word.Length + 1;
        }

        return folded.ToString();
    }

    /// <summary>SVG is laid out by Helvetica's widths; the reader's machine may have only wider fonts, such as DejaVu.</summary>
    private sealed class WideMeasurer() : PdfRenderContext(1000, 1000, OxyColors.White)
    {
        private const double Wider = 1.35;

        public override OxySize MeasureText(string text, string fontFamily, double fontSize, double fontWeight)
        {
            OxySize size = base.MeasureText(text, fontFamily, fontSize, fontWeight);
            return new OxySize(size.Width * Wider, size.Height);
        }
    }

    [GeneratedRegex("(?<=id=\"|url\\(#)clipPath([0-9]+)")]
    private static partial Regex ClipNames();

    /// <summary>Without characters that XML cannot hold, and on one line.</summary>
    internal static string Plain(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            plain.Append(Rune.IsControl(rune) ? " " : rune.Value is 0xFFFE or 0xFFFF ? "\uFFFD" : rune.ToString());
        }

        return plain.ToString();
    }
}
