using CsCheck;

namespace NextStep.Research.Experiments.Tests;

public sealed class ConfigTests
{
    private static ConfigError Single(string yaml) =>
        Assert.Single(Assert.Throws<ConfigException>(() => ConfigYaml.Parse(yaml, "a.yaml")).Errors);

    [Fact]
    public void Values_of_every_kind_are_read()
    {
        ResearchConfig config = ConfigYaml.Parse("""
            data: { source: emoji, skills: [single, two], paraphrase: true }
            autoencoder:
              noiseStrength: 1
              multipliers: [1, 2]
            model.size: 3b
            training.model.images: 2e4
            sampling: { guidanceSchedule: linearDecreasing, normalizeTokens: ~, solver: cps }
            precision: bf16
            seed: 1_000
            """, "a.yaml");
        Assert.Equal(DataSource.Emoji, config.Data.Source);
        Assert.Equal(["single", "two"], config.Data.Skills);
        Assert.True(config.Data.Paraphrase);
        Assert.Equal(1.0, config.Autoencoder.NoiseStrength);
        Assert.Equal([1, 2], config.Autoencoder.Multipliers);
        Assert.Equal(ModelSize.B3, config.Model.Size);
        Assert.Equal(20_000, config.Training.Model.Images);
        Assert.Equal(64, config.Training.Model.BatchSize); // beside a set key the default stays
        Assert.Equal(GuidanceSchedule.LinearDecreasing, config.Sampling.GuidanceSchedule);
        Assert.Equal(Precision.BFloat16, config.Precision);
        Assert.Equal(1000, config.Seed);
    }

    [Theory]
    [InlineData("autoencoder:\n  noiseStrenght: 1", 2, "autoencoder.noiseStrenght", "did you mean 'autoencoder.noiseStrength'?")]
    [InlineData("autoencodr: {}", 1, "autoencodr", "did you mean 'autoencoder'?")]
    [InlineData("seed: 0\nmodel: { size: big }", 2, "model.size", "expected one of nano, micro, tiny, small, 3b, 14b, found 'big'")]
    [InlineData("data:\n  imageSize: many", 2, "data.imageSize", "expected a whole number, found 'many'")]
    [InlineData("data:\n  imageSize: 32.5", 2, "data.imageSize", "expected a whole number, found '32.5'")]
    [InlineData("data:\n  imageSize: \"32\"", 2, "data.imageSize", "found the text \"32\"")]
    [InlineData("data:\n  imageSize: 3", 2, "data.imageSize", "3 is out of range: 8 to 2048")]
    [InlineData("autoencoder.noiseStrength: -0.1", 1, "autoencoder.noiseStrength", "-0.1 is out of range: 0 to 10")]
    [InlineData("autoencoder.noiseStrength: .nan", 1, "autoencoder.noiseStrength", "expected a number")]
    [InlineData("autoencoder.multipliers: 3", 1, "autoencoder.multipliers", "expected a list")]
    [InlineData("autoencoder.multipliers: [1, x]", 1, "autoencoder.multipliers", "item 2")]
    [InlineData("data.paraphrase: yes", 1, "data.paraphrase", "expected true or false")]
    [InlineData("device:", 1, "device", "expected a text, found nothing")]
    [InlineData("data: 5", 1, "data", "expected a group of keys")]
    [InlineData("seed: 1\ndata:\n  imageSize: 32\ndata.imageSize: 64", 4, "data.imageSize", "stands twice; first in line 3")]
    [InlineData("seed.deeper: 1", 1, "seed.deeper", "'seed' holds a value")]
    public void Errors_name_line_key_and_remedy(string yaml, int line, string path, string message)
    {
        ConfigError error = Single(yaml);
        Assert.Equal(("a.yaml", line, path), (error.File, error.Line, error.Path));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_errors_come_at_once() =>
        Assert.Equal(3, Assert.Throws<ConfigException>(() => ConfigYaml.Parse("sed: 1\ndata:\n  imageSize: x\n  pth: y", "a.yaml")).Errors.Count);

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("# nothing\n", "is empty")]
    [InlineData("- 1\n", "expected keys and values")]
    [InlineData("just text", "expected keys and values")]
    [InlineData("seed: 1\nseed: 2", "twice")]
    [InlineData("a: &x [1]\nb: [*x, *x]", "anchors")]
    [InlineData("data:\n\timageSize: 32", "a tab")]
    [InlineData("data: [1, 2", "a.yaml")]
    [InlineData("seed: 1\n---\nseed: 2", "more than one document")]
    public void Hostile_yaml_gives_one_clear_error(string yaml, string message) =>
        Assert.Contains(message, Single(yaml).ToString(), StringComparison.Ordinal);

    [Fact]
    public void Deep_nesting_is_refused() => Assert.Contains("levels deep", Single("data: " + new string('[', 5000)).Message, StringComparison.Ordinal);

    [Fact]
    public void Huge_and_absent_files_are_refused()
    {
        using TemporaryFolder folder = new();
        string huge = folder.Write("huge.yaml", "seed: 1 #" + new string('x', 2 << 20));
        Assert.Contains("bytes long", Assert.Throws<ConfigException>(() => ConfigYaml.Load(huge)).Message, StringComparison.Ordinal);
        Assert.Contains("no such file", Assert.Throws<ConfigException>(() => ConfigYaml.Load(folder.File("none.yaml"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Writing_and_reading_gives_the_same_configuration() =>
        Gen.Select(Gen.Double[0, 10], Gen.Int[8, 2048], Gen.String, Gen.Enum<ModelSize>(), Gen.Enum<Precision>(), Gen.Int[1, 64].Array[1, 5], Gen.Bool.Nullable())
            .Where(t => t.Item3.All(c => !char.IsSurrogate(c)))
            .Sample((noise, size, text, model, precision, list, flag) =>
            {
                ResearchConfig config = new()
                {
                    Data = new DataConfig { ImageSize = size, Path = text, CaptionField = text, Skills = [text, "true", "1", ""] },
                    Autoencoder = new AutoencoderConfig { NoiseStrength = noise, Multipliers = list },
                    Model = new ModelConfig { Size = model },
                    Sampling = new SamplingConfig { NormalizeTokens = flag },
                    Precision = precision,
                };
                string yaml = ConfigYaml.Write(config);
                ResearchConfig read = ConfigYaml.Parse(yaml, "written");
                Assert.Equal(yaml, ConfigYaml.Write(read));
                Assert.Equal(noise, read.Autoencoder.NoiseStrength);
                Assert.Equal(text, read.Data.Path);
                Assert.Equal(config.Data.Skills, read.Data.Skills);
            }, iter: 200);

    [Fact]
    public void Every_path_can_be_read_and_set_to_itself()
    {
        ResearchConfig config = new();
        string before = ConfigYaml.Write(config);
        foreach (string path in ConfigPath.All)
        {
            config = ConfigPath.Set(config, path, ConfigPath.Get(config, path));
        }
        Assert.Equal(before, ConfigYaml.Write(config));
    }

    [Fact]
    public void Setting_changes_a_copy_only()
    {
        ResearchConfig config = new();
        ResearchConfig changed = ConfigPath.Set(config, "training.model.images", 5);
        Assert.Equal((60_000, 5), (config.Training.Model.Images, changed.Training.Model.Images));
        Assert.Same(config.Autoencoder, changed.Autoencoder);
        Assert.Throws<ConfigException>(() => ConfigPath.Set(config, "training.model.images", "many"));
        Assert.Throws<ConfigException>(() => ConfigPath.Set(config, "training.model.images", -1));
    }

    [Theory]
    [InlineData("autoencoder.noiseStrength=0.25", null)]
    [InlineData("model.transformer.layers=null", null)]
    [InlineData("data.skills=[single]", null)]
    [InlineData("data.path=a b", null)]
    [InlineData("noequals", "key=value")]
    [InlineData("modle.size=nano", "did you mean 'model.size'")]
    [InlineData("model=nano", "is a group of keys")]
    [InlineData("seed=x", "expected a whole number")]
    public void Set_options_are_typed_like_files(string assignment, string? problem)
    {
        if (problem is null)
        {
            Assert.Contains(assignment.Split('=')[1].Trim('[', ']'), ConfigYaml.Write(ConfigPath.Apply(new ResearchConfig(), assignment)), StringComparison.Ordinal);
        }
        else
        {
            Assert.Contains(problem, Assert.Throws<ConfigException>(() => ConfigPath.Apply(new ResearchConfig(), assignment)).Message, StringComparison.Ordinal);
        }
    }
}
