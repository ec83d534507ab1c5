namespace NextStep.Research.Experiments.Tests;

/// <summary>What an experiment file says of the paper, of sceptics and of its small form.</summary>
public sealed class ClaimKeyTests : IDisposable
{
    private const string Whole = """
        paper: { says: More noise, where: §6.2 }
        sceptic: It is small.
        axes: { model.inputNoise: [0, 0.4] }
        seeds: [0, 1, 2]
        training.model: { images: 500 }
        claims: [{ say: it helps, test: 'alignment[0.4] > alignment[0]' }]
        smoke:
          seeds: [0]
          axes.model.inputNoise: [0, 0.2, 0.4]
          training: { model.images: 20 }
          evaluation.samples: 4
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string File(string yaml) => _folder.Write("e.yaml", yaml);

    [Fact]
    public void They_read_as_written_and_change_no_key()
    {
        Experiment with = ExperimentFile.Load(File(Whole));
        Assert.Equal(new PaperStatement("More noise", "§6.2"), with.Paper);
        Assert.Equal("It is small.", with.Sceptic);
        Assert.Equal((2, 3, 500), (with.Arms.Count, with.Seeds.Count, with.Arms[0].Config.Training.Model.Images));
        Experiment without = ExperimentFile.Load(File("axes: { model.inputNoise: [0, 0.4] }\nseeds: [0, 1, 2]\ntraining.model: { images: 500 }"));
        Assert.Equal((null, "", false), (without.Paper, without.Sceptic, without.HasSmoke));
        Assert.Equal(Keys(without), Keys(with));

        static string[] Keys(Experiment e) => [.. Plan.Make(e, StandardStages.All).Cells.SelectMany(c => c.Stages).Select(s => s.Key)];
    }

    [Fact]
    public void The_small_form_takes_the_settings_of_smoke()
    {
        Experiment small = ExperimentFile.LoadSmoke(File(Whole), ["training.model.images=9", "data.images=50"]);
        Assert.Equal((3, 1), (small.Arms.Count, small.Seeds.Count));
        Assert.All(small.Arms, a => Assert.Equal((20, 4, 50), (a.Config.Training.Model.Images, a.Config.Evaluation.Samples, a.Config.Data.Images)));
        Assert.Contains("smoke: is not there", Assert.Throws<ConfigException>(() => ExperimentFile.LoadSmoke(File("seeds: [0]"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("paper: More noise", 1, "paper: needs two keys: says (what the paper states) and where")]
    [InlineData("paper: { says: x }", 1, "paper: needs two keys")]
    [InlineData("paper:\n  says: x\n  wheer: y", 3, "paper.wheer: unknown key; did you mean 'where'?")]
    [InlineData("paper:\n  says: [x]\n  where: y", 2, "paper.says: expected a text")]
    [InlineData("sceptic: [x]", 1, "sceptic: expected a text")]
    [InlineData("scpetic: x", 1, "did you mean 'sceptic'?")]
    [InlineData("smoke: fast", 1, "smoke: expected settings that make it small")]
    [InlineData("smoke:\n  training.model.imgaes: 3", 2, "did you mean 'training.model.images'?")]
    [InlineData("smoke:\n  seed: 0\n  training.model.images: some", 3, "training.model.images")]
    [InlineData("smoke:\n  seeds: []", 2, "seeds: the list is empty")]
    [InlineData("axes: { model.inputNoise: [0, 1] }\nsmoke:\n  model.inputNoise: 0", 3, "is an axis of this experiment")]
    [InlineData("smoke:\n  data.heldOut.share: 0.99", 2, "data.heldOut.share")]
    public void What_is_wrong_is_told_with_its_line(string yaml, int line, string message)
    {
        ConfigError error = Assert.Single(Assert.Throws<ConfigException>(() => ExperimentFile.Load(File(yaml))).Errors);
        Assert.Equal(line, error.Line);
        Assert.Contains(message, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_claim_of_the_kit_is_planned_whole_and_small()
    {
        string[] files = Directory.GetFiles(Path.Combine(Sources.Root, "experiments", "claims"), "*.yaml");
        Assert.NotEmpty(files);
        Assert.All(files, file =>
        {
            Experiment experiment = ExperimentFile.Load(file), small = ExperimentFile.LoadSmoke(file);
            Assert.Equal(Path.GetFileNameWithoutExtension(file), experiment.Name);
            Assert.True(experiment is { Question.Length: > 0, Paper: not null, Sceptic.Length: > 0 }, $"{file} has no question, paper or sceptic");
            Assert.InRange(experiment.Seeds.Count, 5, 100);
            Assert.NotEmpty(experiment.Claims);
            Assert.Equal(1, experiment.Arms[0].Config.Threads);
            Assert.Equal(experiment.Arms.Count * experiment.Seeds.Count, Plan.Make(experiment, StandardStages.All).Cells.Count);
            Assert.Equal(small.Arms.Count * 2, Plan.Make(small, StandardStages.All).Cells.Count);
        });
    }
}
