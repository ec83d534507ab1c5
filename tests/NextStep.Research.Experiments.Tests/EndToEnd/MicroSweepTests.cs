namespace NextStep.Research.Experiments.Tests.EndToEnd;

public sealed class MicroSweepTests
{
    [Fact]
    public async Task A_sweep_trains_draws_and_reports_and_the_same_command_again_trains_nothing()
    {
        using TemporaryFolder folder = new();
        string file = MicroExperiment.Write(folder.Path), run = Path.Combine(folder.Path, "run"), head = folder.Write("own-head.cs", Written.Head.Replace("NAME", "Own", StringComparison.Ordinal));
        string text = (await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)).ReplaceLineEndings("\n")
            .Replace("axes:\n  model.head.size: [small, base]\n", "uses: [own-head.cs]\narms:\n  own: { model.head: own }\n", StringComparison.Ordinal)
            .Replace("flow.loss[base] < flow.loss[small]", "text.loss[own] > 0", StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, text, TestContext.Current.CancellationToken);
        (int code, string output) = await MicroExperiment.Run("sweep", file, "--out", run);
        Assert.True(code == 0, output);
        string report = await File.ReadAllTextAsync(Path.Combine(run, "report.html"), TestContext.Current.CancellationToken);
        Assert.Contains("Does it run?", report, StringComparison.Ordinal);
        Assert.Contains("data:image/png;base64", report, StringComparison.Ordinal);
        Assert.Single(Directory.GetDirectories(Path.Combine(run, "stages"), "autoencoder-*"));
        Assert.Equal(2, Directory.GetDirectories(Path.Combine(run, "stages"), "model-*").Length);
        PlannedCell planned = new RunFolder(run).RequirePlan().Cells[^1];
        Assert.Equal("own", planned.Arm);
        Assert.All(new RunFolder(run).ReadResults(new RunFolder(run).RequirePlan()), r => Assert.Equal(MatrixProducts.Path, r.Provenance["products"]));
        string cell = new RunFolder(run).Cell(planned);
        DateTime before = File.GetLastWriteTimeUtc(Path.Combine(cell, "result.json"));

        (code, output) = await MicroExperiment.Run("sweep", file, "--out", run);
        Assert.True(code == 0, output);
        Assert.Contains("0 cells run, 2 done before", output, StringComparison.Ordinal);
        Assert.Equal(before, File.GetLastWriteTimeUtc(Path.Combine(cell, "result.json")));

        string picture = Path.Combine(folder.Path, "out.png");
        string[] draw = ["generate", "--model", cell, "--prompt", "a red circle", "-n", "4", "-o", picture];
        (code, output) = await MicroExperiment.Run(draw);
        Assert.Equal(1, code);
        Assert.Contains("own-head.cs. Their code is run only with --trust", output, StringComparison.Ordinal);
        (code, output) = await MicroExperiment.Run([.. draw, "--uses", head]);
        Assert.True(code == 0, output);
        (code, output) = await MicroExperiment.Run("evaluate", cell, "--trust");
        Assert.True(code == 0, output);
        Assert.Contains("alignment.ceiling.reconstructions", output, StringComparison.Ordinal);
        using TorchSharp.torch.Tensor drawn = ImageFile.Load(picture);
        Assert.Equal(3, drawn.size(0));
        Assert.True(drawn.size(1) >= 64);
    }

    [Fact]
    public async Task A_missing_data_folder_is_named_before_anything_is_run()
    {
        using TemporaryFolder folder = new();
        string file = MicroExperiment.Write(folder.Path);
        (int code, string output) = await MicroExperiment.Run("sweep", file, "--out", Path.Combine(folder.Path, "run"), "--set", "data.source=folder", "--set", "data.path=nowhere");
        Assert.Equal(2, code);
        Assert.Contains("data.path: the data folder 'nowhere' does not exist", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "run")));
    }
}
