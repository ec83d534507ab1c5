using Microsoft.Data.Analysis;
using Microsoft.DotNet.Interactive.Formatting;
using NextStep.Research.Experiments;
using NextStep.Research.Reports;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Notebooks.Tests;

/// <summary>What a host makes of our types, by the formatters it brings itself.</summary>
[Collection(nameof(DisplayTests))]
public sealed class DisplayTests
{
    private static Dictionary<string, string> Show(object value) => FormattedValue.CreateManyFromObject(value).ToDictionary(v => v.MimeType, v => v.Value);

    private static Figure Loss(string name = "loss") => new("Loss", "images seen", "loss", [new FigureSeries(name, [1, 2, 3], [3, double.NaN, 1])]);

    [Fact]
    public void A_tensor_becomes_a_png_with_its_pixels_and_leaves_no_tensor()
    {
        using Tensor pixels = arange(2 * 3 * 4 * 5, dtype: ScalarType.Float32).div_(60).sub_(1).reshape(2, 3, 4, 5);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount; // of this thread: finalizers of other tests do not disturb
        using DisposeScope scope = NewDisposeScope();
        Picture picture = pixels.narrow(0, 1, 1).AsPicture(enlarge: 2);
        Assert.Equal((10, 8), (picture.Width, picture.Height));
        Dictionary<string, string> shown = Show(picture);
        Assert.Equal(["image/png"], shown.Keys);
        Assert.Contains(shown["image/png"], picture.ToHtml(), StringComparison.Ordinal);
        _ = pixels.AsGrid(captions: ["a", "b"]);
        _ = pixels[0][0].AsHeatMap();
        Assert.Equal(before + 3, DisposeScopeManager.Statistics.ThreadTotalLiveCount); // the three slices made above

        using Tensor read = ImageFile.Decode(Convert.FromBase64String(shown["image/png"]), "shown");
        using Tensor expected = ImageFile.ToBytes(pixels[1].repeat_interleave(2, 1).repeat_interleave(2, 2));
        using Tensor bytes = ImageFile.ToBytes(read);
        Assert.True(bytes.eq(expected).all().item<bool>());
    }

    [Fact]
    public void A_token_map_colours_each_token_of_the_picture()
    {
        using Tensor black = full(3, 4, 4, -1f);
        using Tensor values = tensor(new[] { 0.0, 1, 2, double.NaN }, [2, 2]);
        using Tensor map = ImageFile.Decode([.. black.WithTokenMap(values, strength: 1, enlarge: 1).Bytes], "map");
        using Tensor bytes = ImageFile.ToBytes(map);
        byte[] At(int row, int column) => [.. Enumerable.Range(0, 3).Select(c => bytes[c, row, column].item<byte>())];
        Assert.Equal([68, 1, 84], At(0, 0)); // the scale's ends and middle
        Assert.Equal([33, 145, 140], At(1, 3));
        Assert.Equal([253, 231, 37], At(2, 0));
        Assert.Equal([128, 128, 128], At(3, 3));
        Assert.Throws<ArgumentException>(() => black.WithTokenMap(zeros(3, 3)));
        Assert.Throws<ArgumentException>(() => zeros(2, 4).unsqueeze(0).unsqueeze(0).unsqueeze(0).AsPicture());
    }

    [Fact]
    public void A_figure_shows_as_a_drawing_and_as_a_chart_and_loads_plotly_only_in_its_own_context()
    {
        Dictionary<string, string> shown = Show(Loss("<script>alert(1)</script>"));
        Assert.Equal(["image/svg+xml", "text/html"], shown.Keys.Order());
        Assert.StartsWith("<svg", shown["image/svg+xml"], StringComparison.Ordinal);
        Assert.DoesNotContain("<script>alert", shown["text/html"], StringComparison.Ordinal);
        Assert.DoesNotContain("http://cdn", shown["text/html"], StringComparison.Ordinal);
        Assert.DoesNotContain("https://", shown["text/html"], StringComparison.Ordinal);
        string again = Show(Loss())["text/html"];
        Assert.InRange(again.Length, 1000, 100_000); // plotly.js came with the first
        string[] contexts = [.. AppDomain.CurrentDomain.GetAssemblies().Where(a => a.GetName().Name == "Plotly.NET")
            .Select(a => System.Runtime.Loader.AssemblyLoadContext.GetLoadContext(a)!.Name!)];
        Assert.Equal(["Plotly.NET"], contexts);
    }

    [Fact]
    public void Configurations_modules_and_frames_show_as_tables_and_escape_their_text()
    {
        Assert.NotNull(Formatter.DefaultMimeType); // a host has loaded its formatters before the first cell
        Notebook.Start();
        ResearchConfig config = new() { Seed = 7 };
        Assert.Contains("<td style=\"text-align:left\">seed</td><td style=\"text-align:left\">7</td><td style=\"text-align:left\">0</td>", Show(config)["text/html"], StringComparison.Ordinal);
        Assert.Equal(["seed"], config.DifferenceFrom(new ResearchConfig()).Rows.Select(r => r[0]));

        using nn.Module module = nn.Sequential(("first", nn.Linear(4, 5)), ("second", nn.Linear(5, 2)));
        Assert.Equal(["first", "Linear", 25L, "67.6 %"], module.Summary().Rows[0]);
        Assert.Equal(37L, module.Summary().Rows[^1][2]);

        DataFrame frame = new(new StringDataFrameColumn("arm", ["<b>"]), new DoubleDataFrameColumn("value", [1.5]));
        Assert.Contains("&lt;b&gt;", Show(frame)["text/html"], StringComparison.Ordinal);
        Assert.Contains("… 1 more rows", frame.AsTable(rows: 0).ToHtml(), StringComparison.Ordinal);
        Assert.Equal("arm  value\n<b>  1.5", frame.AsTable().ToString());
        Assert.Equal(["value", "arm"], frame.AsTable(["value", "arm"]).Columns);
        Assert.Contains("columns: arm, value", Assert.Throws<ArgumentException>(() => frame.AsTable(["values"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sweep_that_is_stopped_shows_where_it_stands_and_can_be_continued()
    {
        using NotebookFolder folder = new();
        Experiment experiment = ExperimentFile.Load(folder.Write("sweep.yaml", "name: sweep\nseeds: [0, 1]\naxes:\n  autoencoder.noiseStrength: [0.5, 1]\n"));
        List<string> pages = [];
        using (Formatter.SubscribeToDisplayedValues(v => pages.Add(v.FormattedValues.Single().Value)))
        {
            Assert.Throws<OperationCanceledException>(() => LiveSweep.Run(experiment, folder.File("run"), new CancellationToken(true)));
        }
        Assert.Equal(4, pages.Single().Split("not done").Length - 1);
        Assert.Equal(4, new RunFolder(folder.File("run")).RequirePlan().Cells.Count);

        PlannedCell cell = new RunFolder(folder.File("run")).RequirePlan().Cells[0];
        SweepWatch watch = new(new RunFolder(folder.File("run")).RequirePlan());
        pages.Clear();
        using (Formatter.SubscribeToDisplayedValues(v => pages.Add(v.FormattedValues.Single().Value)))
        {
            watch.See(new SweepEvent.StageProgressed(cell, cell.Stages[0], new StageProgress(3, 9, "images", new Dictionary<string, double>()), 1));
        }
        Assert.Contains($"{cell.Stages[0].Kind}: 3 of 9 images", pages.Single(), StringComparison.Ordinal);
    }

    [Fact]
    public void Progress_stays_in_one_place_and_ends_without_times()
    {
        List<string> ids = [], pages = [];
        using (Formatter.SubscribeToDisplayedValues(v =>
        {
            ids.Add(v.DisplayId);
            pages.Add(v.FormattedValues.Single(f => f.MimeType == "text/html").Value);
        }))
        {
            TrainingProgress live = new("flow head", 30);
            live.Report(10, new Dictionary<string, double> { ["loss"] = 2 });
            Assert.Contains("images/s", pages[^1], StringComparison.Ordinal);
            live.Report(20, new Dictionary<string, double> { ["loss"] = 1.5 });
            live.Report(30, new Dictionary<string, double> { ["loss"] = 1 });
            Assert.Equal([10, 20, 30], live.Series.X);
        }
        Assert.InRange(ids.Count, 2, 3);
        Assert.Single(ids.Distinct());
        Assert.Contains("30 of 30 images</div>", pages[^1], StringComparison.Ordinal);
        Assert.Contains("<svg", pages[^1], StringComparison.Ordinal);
    }
}
