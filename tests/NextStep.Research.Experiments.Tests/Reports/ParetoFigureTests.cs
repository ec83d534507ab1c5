using NextStep.Research.Reports;

namespace NextStep.Research.Experiments.Tests;

/// <summary>What a metric costs: <c>pareto</c> in an experiment file, and its figures.</summary>
public sealed class ParetoFigureTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void On_the_front_is_what_no_other_beats()
    {
        (double, double)[] points = [(3, 9), (1, 5), (2, 5), (1, 5), (4, 8), (0.5, 1), (3, 7)];
        // By rising price; equal points are both on it, one as good for more is not.
        Assert.Equal([5, 1, 3, 0], ParetoFigure.Front(points));
    }

    [Fact]
    public void Every_measured_metric_is_drawn_for_its_price_with_its_interval()
    {
        RunFolder folder = new(_folder.File("run"));
        GeneratedRun.Write(folder, Load("pareto: flow.loss"));
        RunFigure[] figures = [.. RunFigures.All(RunReader.Read(folder.Path)).Where(f => f.Name.Contains("-for-", StringComparison.Ordinal))];
        Assert.Equal(["alignment-for-flow.loss"], figures.Select(f => f.Name)); // the Fréchet distance is the same in all arms, and nothing is drawn for itself
        Figure figure = figures[0].Figure;
        Assert.Equal(4, figure.Series.Count);
        Assert.All(figure.Series, s =>
        {
            Assert.Equal(s.Name, Assert.Single(s.PointNames));
            Assert.True(s.Low![0] < s.Y[0] && s.Y[0] < s.High![0]);
        });
        // Width raises the alignment, noise the loss and not the alignment: the two arms without noise remain at most, and the cheapest is one of them.
        Assert.StartsWith("No other is both cheaper and higher than ", figure.Note, StringComparison.Ordinal);
        string json = PlotlyChart.Json(figure), svg = StaticChart.Svg(figure);
        Assert.Equal(4, json.Split("\"error_y\"").Length - 1);
        Assert.Contains("width=16", svg, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pareto: [x]", "pareto: expected a text")]
    [InlineData("pareto: flow.*", "'flow.*' is a pattern; the price is one metric")]
    [InlineData("pareto: flow.los", "did you mean 'flow.loss'?")]
    public void A_price_that_is_none_is_an_error_with_its_line(string line, string expected)
    {
        ConfigException refused = Assert.Throws<ConfigException>(() => Load(line));
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    private Experiment Load(string line)
    {
        _folder.Write("grid.yaml", GeneratedRun.Grid + "\n" + line);
        return ExperimentFile.Load(_folder.File("grid.yaml"));
    }
}
