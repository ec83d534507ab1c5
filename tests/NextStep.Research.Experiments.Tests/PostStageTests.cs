namespace NextStep.Research.Experiments.Tests;

/// <summary>Post-training as a stage: where it stands, what its key holds, what it refuses, and that it starts from any folder.</summary>
public sealed class PostStageTests : IDisposable
{
    private static readonly AutoencoderConfig Tokens = new() { Width = 8, Multipliers = [1, 2], LatentChannels = 2 };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_stands_behind_the_model_where_it_is_wanted_and_a_cell_that_starts_from_a_folder_begins_with_it()
    {
        Assert.Equal(["verifier", "autoencoder", "latents", "model", "samples", "metrics"], Kinds("seeds: [0]"));
        Assert.Equal(["verifier", "autoencoder", "latents", "model", "post", "samples", "metrics"], Kinds("training.post.method: dpo"));
        Assert.Equal(["verifier", "post", "samples", "metrics"], Kinds($"training.post.start: {Save(1)}"));

        string[] Kinds(string lines) => [.. Keys(lines).Keys];
    }

    [Fact]
    public void Its_options_are_in_its_own_key_and_leave_the_training_shared()
    {
        Dictionary<string, string> none = Keys("seeds: [0]"), one = Keys("training.post.method: reject"), other = Keys("training.post: { method: reject, draws: 3 }");
        Assert.All((string[])["verifier", "autoencoder", "latents", "model"], k => Assert.True(none[k] == one[k] && one[k] == other[k], k));
        Assert.All((string[])["post", "samples", "metrics"], k => Assert.NotEqual(one[k], other[k]));
        Assert.NotEqual(none["samples"], one["samples"]);
    }

    [Fact]
    public void The_start_is_in_its_key_by_content()
    {
        string here = Keys($"training.post.start: {Save(1)}")["post"];
        Assert.Equal(here, Keys($"training.post.start: {Save(1)}")["post"]);
        Assert.NotEqual(here, Keys($"training.post.start: {Save(2)}")["post"]);
    }

    [Theory]
    [InlineData("method: reject", "data.source: emoji", "training.post.method: the reward is the verifier of the shapes world; the source is emoji")]
    [InlineData("method: dpo", "model.head: energy", "training.post.method: dpo compares flow losses, which the head energy does not have; use reject, or the head flow")]
    [InlineData("{ method: dpo, batchSize: 7 }", "", "training.post.draws must be at least 2 and batchSize even; they are 8 and 7")]
    [InlineData("{ method: dpo, draws: 1 }", "", "training.post.draws must be at least 2 and batchSize even; they are 1 and 64")]
    [InlineData("{ method: reject, images: 128, rounds: 3 }", "", "training.post.rounds: 3 rounds do not fit into the 2 steps of 128 images in batches of 64")]
    [InlineData("method: grpo", "model.head: energy", "training.post.method: grpo learns the steps of a flow, which the head energy does not have")]
    [InlineData("{ method: grpo, images: 128, rounds: 1 }", "", "set training.post.rounds to the 2 steps of 128 images in batches of 64; it is 1")]
    [InlineData("{ method: grpo, images: 64, draws: 1 }", "", "draws must be at least 2")]
    [InlineData("{ method: grpo, images: 64, prompts: 7 }", "", "prompts × draws at least batchSize; they are 8, 7 and 64")]
    [InlineData("{ method: grpo, images: 64, guidance: null }", "", "grpo learns the probabilities of unguided draws: set it to 1; it is 2")]
    [InlineData("{ method: grpo, images: 64, replay: 0.5 }", "", "grpo learns from drawn pictures alone")]
    [InlineData("{ method: grpo, images: 64 }", "sampling.steps: 1", "the last one is none; set it to 2 or more")]
    [InlineData("{ start: nowhere }", "", "There is no folder")]
    public void What_does_not_fit_is_found_before_the_first_step(string post, string other, string message)
    {
        string text = $"training.post{(post.StartsWith('{') ? ": " + post : "." + post)}\n{other}\n";
        Assert.Contains(message, string.Join('\n', Assert.Throws<ConfigException>(() => Load(text)).Errors.Select(e => e.ToString())), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_another_picture_size_is_refused_with_the_size_to_set() =>
        Assert.Contains("draws pictures of 16 pixels; set data.imageSize to 16", Assert.Throws<ConfigException>(() => Load($"training.post.start: {Save(1)}", side: 32)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_time_to_an_alignment_needs_a_training_of_ones_own() => Assert.Contains(
        "a start from a folder leaves out", Assert.Throws<ConfigException>(() => Load($"training.post.start: {Save(1)}\ntraining.model.snapshots: [64]\nevaluation.alignmentTarget: 0.5")).Message, StringComparison.Ordinal);

    [Fact]
    public void Without_a_method_it_hands_the_start_on_and_with_one_it_leaves_a_model_a_curve_and_numbers()
    {
        string start = Save(1);
        ResearchConfig config = new()
        {
            Data = new DataConfig { ImageSize = 16, Images = 16, Skills = ["colors"] },
            Training = new TrainingConfig { Post = new PostTrainerConfig { Start = start, Images = 4, BatchSize = 2, Prompts = 2, Draws = 2, Rounds = 2, Replay = 1, Warmup = 0, Ema = 0 } },
            Sampling = new SamplingConfig { Steps = 1 },
        };
        Run(config, "none");
        Assert.Equal(Weights(start), Weights(Path.Combine(_folder.Path, "none", "model")));

        Run(config with { Training = config.Training with { Post = config.Training.Post with { Method = PostMethod.Reject } } }, "reject");
        string trained = Path.Combine(_folder.Path, "reject");
        Assert.NotEqual(Weights(start), Weights(Path.Combine(trained, "model")));
        Dictionary<string, double> numbers = RunFolder.Read<Dictionary<string, double>>(Path.Combine(trained, "summary.json"))!;
        Curve curve = RunFolder.Read<Dictionary<string, Curve>>(Path.Combine(trained, Curve.FileName))!["post.reward"];
        Assert.Equal([numbers["post.reward.first"], numbers["post.reward.last"]], curve.Lines["drawn"]);
        Assert.Equal([0, 2], curve.X);
    }

    private void Run(ResearchConfig config, string name)
    {
        string folder = _folder.File(name);
        Directory.CreateDirectory(folder);
        PostStage.Run(new StageContext { Config = config, Directory = folder, Inputs = new Dictionary<string, string>(), Progress = _ => { }, Cancellation = TestContext.Current.CancellationToken });
    }

    private Dictionary<string, string> Keys(string lines) => Plan.Make(Load(lines), StandardStages.All).Cells[0].Stages.ToDictionary(s => s.Kind, s => s.Key);

    private Experiment Load(string lines, int side = 16) => ExperimentFile.Load(_folder.Write("x.yaml", $"data.imageSize: {side}\nmodel.size: nano\nautoencoder: {{ width: 8, multipliers: [1, 2], latentChannels: 2 }}\n{lines}\n"));

    private string Save(long seed)
    {
        ByteTokenizer tokenizer = new();
        using NextStepModel model = new(ModelSizes.Resolve(new ModelConfig { Size = ModelSize.Nano, Head = new FlowHead { BatchMultiplier = 1 } }, Tokens, tokenizer));
        using ImageAutoencoder autoencoder = new(Tokens);
        Initialization.Apply(model, seed);
        Initialization.Apply(autoencoder, 0);
        string folder = _folder.File($"start-{seed}-{Guid.NewGuid():N}");
        ReleasedFolder.Save(folder, model, autoencoder, tokenizer, 16, new SamplingConfig());
        return folder;
    }

    private static Dictionary<string, float[]> Weights(string folder)
    {
        using LoadedModel loaded = ReleasedFolder.Load(folder);
        return loaded.Model.named_parameters().ToDictionary(p => p.name, p => p.parameter.data<float>().ToArray());
    }
}
