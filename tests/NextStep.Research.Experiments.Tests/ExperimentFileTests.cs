namespace NextStep.Research.Experiments.Tests;

public sealed class ExperimentFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Experiment Load(string yaml, params string[] set) => ExperimentFile.Load(_folder.Write("e.yaml", yaml), set);

    private IReadOnlyList<ConfigError> Errors(string yaml, params string[] set) => Assert.Throws<ConfigException>(() => Load(yaml, set)).Errors;

    [Fact]
    public void The_example_of_the_design_reads_as_meant()
    {
        _folder.Write("base/shapes.yaml", "data.imageSize: 16\nautoencoder: { width: 8, noiseStrength: 0.1 }\n");
        Experiment e = Load("""
            name: noise-strength
            question: Does noise help?
            extends: base/shapes.yaml
            baseline: { autoencoder.noiseStrength: 0.5 }
            axes:
              autoencoder.noiseStrength: [0, 0.25, 0.5, 1.0]
            seeds: [0, 1, 2]
            measure: [autoencoder.psnr, artifacts.*]
            claims:
              - say: loss rises
                test: trend(flow.loss) > 0
              - say: better up to a half
                test: frechet[0.5] < frechet[0]
            """);
        Assert.Equal(["baseline", "noiseStrength=0", "noiseStrength=0.25", "noiseStrength=1"], e.Arms.Select(a => a.Name));
        Assert.Equal([0.5, 0, 0.25, 1], e.Arms.Select(a => a.Config.Autoencoder.NoiseStrength));
        Assert.All(e.Arms, a => Assert.Equal((16, 8), (a.Config.Data.ImageSize, a.Config.Autoencoder.Width)));
        Assert.Equal([0, 1, 2], e.Seeds);
        Assert.Equal(2, e.Claims.Count);
    }

    [Fact]
    public void Grid_zip_and_arms_combine()
    {
        Experiment e = Load("""
            axes:
              autoencoder.width: [32, 8]
            zip:
              training.autoencoder.images: [20000, 5]
              training.model.images: [60000, 6]
            arms:
              flat: { autoencoder.normalization: none }
            """);
        Assert.Equal(
            ["baseline", "autoencoder.images=5,model.images=6", "width=8", "width=8,autoencoder.images=5,model.images=6", "flat"],
            e.Arms.Select(a => a.Name));
        Assert.Equal("e", e.Name);
    }

    [Fact]
    public void A_baseline_outside_of_the_grid_is_an_arm_of_its_own()
    {
        Experiment e = Load("axes: { autoencoder.width: [8, 16] }");
        Assert.Equal(["baseline", "width=8", "width=16"], e.Arms.Select(a => a.Name));
        Assert.Empty(e.Arms[0].Coordinates);
    }

    [Fact]
    public void Every_error_of_a_file_is_told_at_once_with_its_line()
    {
        IReadOnlyList<ConfigError> errors = Errors("""
            name: a/b
            nmae: x
            axes:
              autoencoder.noiseStrength: []
              autoencoder.wdth: [1]
              data.imageSize: [16, big, 3, 16]
            arms:
              one: { model.size: huge }
            seeds: [0, -1, 0]
            claims:
              - say: it is
                test: frechet[0 < 1
            """);
        Assert.Equal([1, 2, 4, 5, 6, 6, 6, 8, 9, 9, 11], errors.Select(e => e.Line).Order());
        Assert.Contains(errors, e => e.Path == "nmae" && e.Message.Contains("did you mean 'name'", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.Path == "axes.autoencoder.noiseStrength" && e.Message.Contains("empty", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.Path == "axes.autoencoder.wdth" && e.Message.Contains("autoencoder.width", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.Message.Contains("closing ']'", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("arms: { baseline: { data.imageSize: 16 } }", "is no name for an arm")]
    [InlineData("arms: { a: { autoencoder.width: 8 }, b: { autoencoder.width: 8 } }", "same configuration as the arm 'a'")]
    [InlineData("arms: { a: { autoencoder.width: 32 } }", "same configuration as the arm 'baseline'")]
    [InlineData("arms: { a: {} }", "expected what differs")]
    [InlineData("axes: { seed: [1] }", "belong under seeds")]
    [InlineData("axes: { model: [1] }", "is a group of keys")]
    [InlineData("zip: { autoencoder.width: [8, 16], data.imageSize: [16] }", "equal lengths")]
    [InlineData("seeds: []", "the list is empty")]
    [InlineData("extends: none.yaml", "there is no file")]
    [InlineData("extends: e.yaml", "extends this file")]
    [InlineData("claims: [{ say: x, test: 'a[nobody] < 1' }]", "names the arm 'nobody'")]
    [InlineData("claims: [{ say: x, test: 'trend(a) < 1' }]", "exactly one axis")]
    [InlineData("claims: [{ say: x }]", "exactly two keys")]
    public void Mistakes_are_told(string yaml, string message) =>
        Assert.Contains(message, Assert.Single(Errors(yaml)).ToString(), StringComparison.Ordinal);

    [Fact]
    public void Set_overrides_every_arm_but_not_an_axis()
    {
        const string yaml = "axes: { autoencoder.width: [8, 16] }";
        Assert.All(Load(yaml, "data.imageSize=64").Arms, a => Assert.Equal(64, a.Config.Data.ImageSize));
        Assert.Contains("is an axis", Assert.Single(Errors(yaml, "autoencoder.width=4")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Circles_of_extends_are_found()
    {
        _folder.Write("b.yaml", "extends: e.yaml");
        Assert.Contains("extends this file", Assert.Single(Errors("extends: b.yaml")).Message, StringComparison.Ordinal);
    }
}
