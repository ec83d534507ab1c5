using System.Text;
using System.Xml.Linq;

namespace NextStep.Research.Reports.Tests;

public sealed class StaticChartTests
{
    public static TheoryData<FigureKind> Kinds => [.. Enum.GetValues<FigureKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_kind_of_figure_is_drawn_the_same_each_time_with_its_words(FigureKind kind)
    {
        Figure figure = Example(kind);
        string svg = StaticChart.Svg(figure);
        Assert.Equal(svg, StaticChart.Svg(figure));
        XElement root = XDocument.Parse(svg).Root!;
        Assert.Contains("loss <of> γ", root.Elements().First(e => e.Name.LocalName == "title").Value, StringComparison.Ordinal);
        Assert.NotEmpty(root.Elements().First(e => e.Name.LocalName == "desc").Value);
        string texts = string.Concat(root.Descendants().Where(e => e.Name.LocalName is "text" or "tspan").Select(e => e.Value));
        Assert.Contains("loss <of> γ", texts, StringComparison.Ordinal);
        Assert.Contains("x axis", texts, StringComparison.Ordinal);
        // The default text of a failed drawing.
        Assert.DoesNotContain("Exception", texts, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Png_is_a_picture_of_twice_the_size_that_differs_from_a_blank_one(FigureKind kind)
    {
        byte[] png = StaticChart.Png(Example(kind), 320, 200);
        using TorchSharp.torch.Tensor pixels = ImageFile.Decode(png, "figure");
        Assert.Equal([3, 400, 640], pixels.shape);
        Assert.True(pixels.std().item<float>() > 0.05);
        Assert.Equal((320, 200), PngResolution.ScreenSize(png));
        Assert.Null(PngResolution.ScreenSize(png.AsSpan(0, 40)));
        Assert.Null(PngResolution.ScreenSize(new byte[100]));
    }

    [Fact]
    public void Ids_differ_between_figures_since_they_may_stand_in_one_page()
    {
        string[] ids = [.. new[] { FigureKind.Lines, FigureKind.Scatter, FigureKind.Bars }
            .SelectMany(k => XDocument.Parse(StaticChart.Svg(Example(k))).Descendants().Attributes("id").Select(a => a.Value))];
        Assert.NotEmpty(ids);
        Assert.Equal(ids.Length, ids.Distinct().Count());
    }

    [Fact]
    public void A_line_differs_from_another_by_dash_as_well_as_by_colour()
    {
        string svg = StaticChart.Svg(Example(FigureKind.Lines));
        Assert.Contains("stroke-dasharray", svg, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_stands_above_its_point()
    {
        FigureSeries points = new("a", [0, 1], [2, 3]) { PointNames = ["two", "three"] };
        string svg = StaticChart.Svg(new Figure("t", "", "y", [points]) { Kind = FigureKind.Intervals, Categories = ["first", "second"] });
        XElement[] texts = [.. XDocument.Parse(svg).Descendants().Where(e => e.Name.LocalName == "text")];
        double Y(string word) => double.Parse(texts.Single(t => t.Value == word).Attribute("transform")!.Value.Split(',', ')')[1], System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(Y("two") < Y("first") - 5, "the label lies on its point");
        Assert.True(Y("first") < Y("second"), "names run from top to bottom");
    }

    [Fact]
    public void Controls_and_lone_surrogates_in_names_do_not_break_the_file()
    {
        Figure figure = Example(FigureKind.Bars) with { Title = "a\0b\u0001\uD800\uFFFF", Categories = ["\0", "]]>&<"] };
        XDocument.Parse(StaticChart.Svg(figure));
        Assert.NotEmpty(StaticChart.Png(figure));
    }

    [Fact]
    public void A_histogram_holds_every_value_once()
    {
        FigureSeries bins = Distributions.Histogram("x", [-9, 0.1, 0.1, 0.9, 1, 5, double.NaN], 0, 1, 10);
        Assert.Equal(1.0, bins.Y.Sum(), 12);
        Assert.Equal(0.05, bins.X[0], 12);
        Assert.Equal(1 / 6.0, bins.Y[0], 12);
        Assert.Equal(2 / 6.0, bins.Y[1], 12);
        Assert.Equal(3 / 6.0, bins.Y[9], 12);
    }

    [Fact]
    public void A_density_integrates_to_one_and_peaks_where_the_values_are()
    {
        FigureSeries density = Distributions.Density("x", [.. Enumerable.Range(0, 200).Select(i => 3 + Math.Sin(i))]);
        double step = density.X[1] - density.X[0];
        Assert.InRange(density.Y.Sum() * step, 0.93, 1.0);
        Assert.Throws<ArgumentException>(() => Distributions.Density("x", [1, 1, 1]));
    }

    [Fact]
    public void Figures_of_a_run_become_files()
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        string folder = Path.Combine(run.Folder, "figures");
        IReadOnlyList<string> files = FigureFiles.Write(run.Folder, folder, FigureFormat.Svg);
        Assert.Equal(files.Order(StringComparer.Ordinal), Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal));
        Assert.Contains(files, f => Path.GetFileName(f) == "flow.loss.svg");
        Assert.All(files, f => XDocument.Parse(File.ReadAllText(f, Encoding.UTF8)));
    }

    private static Figure Example(FigureKind kind)
    {
        double[] x = [.. Enumerable.Range(0, 20).Select(i => (double)i)];
        FigureSeries first = new("a & b", x, [.. x.Select(v => 2 + Math.Sin(v))]) { Low = [.. x.Select(v => 1 + Math.Sin(v))], High = [.. x.Select(v => 3 + Math.Sin(v))] };
        FigureSeries second = new("second", x, [.. x.Select(v => v == 7 ? double.NaN : 2 + Math.Cos(v))]);
        bool lying = kind is FigureKind.Bars or FigureKind.Intervals, map = kind == FigureKind.HeatMap;
        return new Figure("loss <of> γ", lying ? "y axis" : "x axis", lying ? "x axis" : "y axis", map ? [] : lying ? [first with { X = [0, 1], Y = [2, double.NaN], Low = [1, double.NaN], High = [3, double.NaN] }] : [first, second])
        {
            Kind = kind,
            Categories = lying ? ["baseline", "noise=0.5"] : [],
            Grid = map ? new FigureGrid(["0", "1"], ["low", "high"], [[1, 2], [double.NaN, 4]]) : null,
        };
    }
}
