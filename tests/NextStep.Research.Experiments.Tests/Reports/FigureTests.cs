using System.Text.Json;
using CsCheck;

namespace NextStep.Research.Reports.Tests;

public sealed class FigureTests
{
    [Fact]
    public void Lines_differ_by_dash_and_marker_and_not_by_colour_alone()
    {
        var figure = new Figure("loss", "images", "loss", [.. Enumerable.Range(0, 6).Select(i => new FigureSeries($"arm {i}", [1, 2], [3, 4]))]);
        JsonElement[] traces = Traces(figure);
        Assert.Equal(6, traces.Select(t => t.GetProperty("line").GetProperty("dash").GetString()).Distinct().Count());
        Assert.Equal(6, traces.Select(t => t.GetProperty("marker").GetProperty("symbol").GetString()).Distinct().Count());
    }

    [Fact]
    public void A_band_is_two_silent_edges_and_a_line()
    {
        var series = new FigureSeries("a", [1, 2], [3, double.NaN]) { Low = [2, 3], High = [4, 5] };
        JsonElement[] traces = Traces(new Figure("t", "x", "y", [series]));
        Assert.Equal(3, traces.Length);
        Assert.False(traces[0].GetProperty("showlegend").GetBoolean());
        Assert.Equal("tonexty", traces[1].GetProperty("fill").GetString());
        Assert.Equal([2.0, 3.0], traces[0].GetProperty("y").EnumerateArray().Select(v => v.GetDouble()));
        Assert.Equal([4.0, 5.0], traces[1].GetProperty("y").EnumerateArray().Select(v => v.GetDouble()));
        Assert.Equal(JsonValueKind.Null, traces[2].GetProperty("y")[1].ValueKind);
    }

    [Fact]
    public void Bars_lie_and_carry_their_intervals()
    {
        var series = new FigureSeries("psnr", [0, 1], [30, 28]) { Low = [29, 27.5], High = [32, 28.5] };
        JsonElement bars = Assert.Single(Traces(new Figure("psnr", "", "dB", [series]) { Kind = FigureKind.Bars, Categories = ["baseline", "a<b>"] }));
        Assert.Equal("h", bars.GetProperty("orientation").GetString());
        Assert.Equal("a&lt;b>", bars.GetProperty("y")[1].GetString());
        Assert.Equal(2, bars.GetProperty("error_x").GetProperty("array")[0].GetDouble());
        Assert.Equal(0.5, bars.GetProperty("error_x").GetProperty("arrayminus")[1].GetDouble());
    }

    [Fact]
    public void Json_is_the_same_each_time()
    {
        Gen.Select(Gen.String, Gen.Double.Array[1, 20]).Sample((name, values) =>
        {
            var figure = new Figure(name, name, name, [new FigureSeries(name, [.. values.Select((_, i) => (double)i)], values)]);
            return PlotlyChart.Json(figure) == PlotlyChart.Json(figure);
        }, iter: 100);
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.43214, "0.4321")]
    [InlineData(-2.5, "−2.500")]
    [InlineData(29.876, "29.88")]
    [InlineData(25600, "25,600")]
    [InlineData(0.00012, "1.2e−4")]
    [InlineData(1234567, "1.23e6")]
    [InlineData(double.NaN, "not a number")]
    [InlineData(double.NegativeInfinity, "−∞")]
    public void Numbers_have_four_digits(double value, string expected) => Assert.Equal(expected, Numbers.Format(value));

    [Theory]
    [InlineData(0.011, "+0.0110")]
    [InlineData(-0.003, "−0.0030")]
    [InlineData(2e-11, "+2e−11")]
    [InlineData(0.1 + 0.2 - 0.3, "0")]
    [InlineData(-2.2e-17, "0")]
    public void Differences_have_their_sign_and_no_rounding_error(double value, string expected) => Assert.Equal(expected, Numbers.Signed(value));

    [Theory]
    [InlineData(3.25, "3.3 s")]
    [InlineData(61.25, "1 min 01 s")]
    [InlineData(7500, "2 h 05 min")]
    [InlineData(double.NaN, "unknown")]
    [InlineData(1e300, "unknown")]
    public void Durations_read_aloud(double seconds, string expected) => Assert.Equal(expected, Numbers.Duration(seconds));

    private static JsonElement[] Traces(Figure figure) =>
        [.. JsonDocument.Parse(PlotlyChart.Json(figure)).RootElement.GetProperty("data").EnumerateArray()];
}
