namespace NextStep.Research.Experiments.Tests;

/// <summary>Starting weights and frozen names: found by the plan, in the key by content, and not moved by a bit.</summary>
public sealed class StartTests : IDisposable
{
    private static readonly ResearchConfig Small = new()
    {
        Autoencoder = new AutoencoderConfig { Width = 8, Multipliers = [1, 2], LatentChannels = 2 },
        Data = new DataConfig { ImageSize = 16, Images = 16, Skills = ["colors"] },
        Model = new ModelConfig { Size = ModelSize.Nano, Head = new FlowHead { BatchMultiplier = 1 } },
        Training = new TrainingConfig { Model = new ModelTrainerConfig { Images = 24, BatchSize = 8, Warmup = 0 } },
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Frozen_weights_keep_the_bits_that_they_started_with_and_another_head_learns()
    {
        string start = Save("start", seed: 7, "a red circle");
        using LatentSet latents = Latents();
        ResearchConfig config = Small with
        {
            Model = Small.Model with { Head = new FlowHead { BatchMultiplier = 1, Layers = 1, Width = 16 } },
            Training = Small.Training with { Model = Small.Training.Model with { Start = start, Frozen = ["embed_tokens", "layers.*", "norm", "lm_head"] } },
        };
        List<string> notes = [];
        using NextStepModel trained = ModelTrainer.Train(config, latents, new ByteTokenizer(), new TrainingRun(_folder.Path, "model") { Note = notes.Add });
        using LoadedModel before = ReleasedFolder.Load(start);
        Dictionary<string, float[]> old = Weights(before.Model), now = Weights(trained);
        string[] frozen = [.. now.Keys.Where(n => !n.StartsWith("image_", StringComparison.Ordinal))];
        Assert.NotEmpty(frozen);
        Assert.All(frozen, n => Assert.Equal(old[n], now[n]));
        Assert.NotEqual(old["image_in_projector.weight"], now["image_in_projector.weight"]);
        Assert.Contains("first weights: image_head", Assert.Single(notes));
    }

    [Fact]
    public void Fresh_weights_are_not_taken_from_the_start()
    {
        string start = Save("start", seed: 7, "a red circle");
        using LatentSet latents = Latents();
        ResearchConfig config = Small with { Training = Small.Training with { Model = Small.Training.Model with { Start = start, Images = 0, Fresh = ["image_head", "norm.*"] } } };
        List<string> notes = [];
        using NextStepModel model = ModelTrainer.Train(config, latents, new ByteTokenizer(), new TrainingRun(_folder.Path, "model") { Note = notes.Add });
        using LoadedModel before = ReleasedFolder.Load(start);
        Dictionary<string, float[]> old = Weights(before.Model), now = Weights(model);
        string[] other = [.. now.Keys.Where(n => !old[n].SequenceEqual(now[n]))];
        Assert.NotEmpty(other);
        Assert.All(other, n => Assert.StartsWith("image_head.", n, StringComparison.Ordinal));
        Assert.Contains("first weights: norm, image_head", Assert.Single(notes));
    }

    [Fact]
    public void The_plan_names_what_does_not_fit()
    {
        string start = Save("start", 1, "a red circle");
        Assert.Contains("did you mean 'layers'", Problem("training.model.frozen: [layer]"), StringComparison.Ordinal);
        Assert.Contains("all weights are frozen", Problem("training.model.frozen: ['*']"), StringComparison.Ordinal);
        Assert.Contains("no weight is called 'image_heat'; did you mean 'image_head'", Problem($"training.model: {{ start: {start}, fresh: [image_heat] }}"), StringComparison.Ordinal);
        Assert.Contains("without training.model.start all weights are fresh", Problem("training.model.fresh: [image_head]"), StringComparison.Ordinal);
        Assert.Contains("nothing is left that the start could give", Problem($"training.model: {{ start: {start}, fresh: ['*'] }}"), StringComparison.Ordinal);
        Assert.Contains("no folder", Problem("training.model.start: nowhere"), StringComparison.Ordinal);
        Assert.Contains("layers.0.", Problem($"training.model.start: {start}\nmodel.transformer.width: 64"), StringComparison.Ordinal);
        Assert.Contains("the same size", Problem($"training.model.start: {start}\nmodel.transformer.width: 64"), StringComparison.Ordinal);

        string Problem(string lines) => Assert.Single(Assert.Throws<ConfigException>(() => Load(lines)).Errors).ToString();
    }

    [Fact]
    public void The_start_is_in_the_models_key_by_its_content_and_not_by_its_name()
    {
        string one = Save("one", 1, "a red circle"), other = Save("other", 1, "a red circle"), else_ = Save("else", 2, "a red circle");
        Dictionary<string, string> keys = Keys(one);
        Assert.Equal(keys, Keys(other));
        string[] changed = [.. Keys(else_).Where(k => keys[k.Key] != k.Value).Select(k => k.Key)];
        Assert.Equal(["model", "samples", "metrics"], changed);

        Dictionary<string, string> Keys(string start) => Plan.Make(Load($"training.model.start: {start}"), StandardStages.All).Cells[0].Stages.ToDictionary(s => s.Kind, s => s.Key);
    }

    [Fact]
    public void The_model_that_comes_with_the_kit_has_a_name_that_workers_elsewhere_understand()
    {
        Experiment experiment = ExperimentFile.Load(_folder.Write("x.yaml", $"extends: {Sources.Root}/experiments/base/shapes-32.yaml\ntraining.autoencoder: {{ start: shipped, images: 0 }}\n"));
        Assert.Equal(ShippedModel.Name, Content.WithFullPaths(experiment.Arms[0].Config).Training.Autoencoder.Start);
        string byName = Autoencoder(experiment), byPath = Autoencoder(ExperimentFile.Load(_folder.Write("y.yaml",
            $"extends: {Sources.Root}/experiments/base/shapes-32.yaml\ntraining.autoencoder: {{ start: {ShippedModel.Folder}, images: 0 }}\n")));
        Assert.Equal(byPath, byName);

        static string Autoencoder(Experiment experiment) => Plan.Make(experiment, StandardStages.All).Cells[0].Stages.Single(s => s.Kind == "autoencoder").Key;
    }

    [Fact]
    public void Words_that_mean_others_are_refused()
    {
        string start = Save("start", 1, "a red circle", new WordVocabulary());
        using LatentSet latents = Latents();
        ResearchConfig config = Small with { Training = Small.Training with { Model = Small.Training.Model with { Start = start } } };
        Assert.Contains("are not those of this training's captions", Assert.Throws<InvalidDataException>(
            () => ModelTrainer.Train(config, latents, new WordVocabulary().Build(["a blue circle"]), new TrainingRun(_folder.Path, "model"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    public void An_autoencoder_starts_from_a_folders_and_keeps_its_bits_where_no_image_trains_it(int images)
    {
        AutoencoderConfig channel = Small.Autoencoder with { Normalization = LatentNormalization.Channel };
        string start = Save("start", 3, "a red circle", autoencoder: channel);
        using ImageAutoencoder before = ReleasedFolder.LoadAutoencoder(Path.Combine(start, "vae"), channel.PatchSize);
        ResearchConfig config = Small with
        {
            Autoencoder = channel,
            Training = Small.Training with { Autoencoder = new AutoencoderTrainerConfig { Start = start, Images = images, BatchSize = 8, Warmup = 0 } },
        };
        using IImageSource source = ImageSources.Open(config.Data, DataSplit.Train, 0);
        using ImageAutoencoder after = AutoencoderTrainer.Train(config, source, new TrainingRun(_folder.Path, "autoencoder"));
        Dictionary<string, float[]> old = State(before), now = State(after);
        Assert.Equal(old.Keys, now.Keys);
        Assert.Contains(old.Keys, n => n.StartsWith("normalization.", StringComparison.Ordinal));
        Assert.Equal(images == 0, old.All(o => o.Value.SequenceEqual(now[o.Key])));
        Assert.False(after.training);

        static Dictionary<string, float[]> State(ImageAutoencoder autoencoder) => autoencoder.state_dict().ToDictionary(s => s.Key, s => s.Value.to_type(TorchSharp.torch.ScalarType.Float32).data<float>().ToArray());
    }

    [Fact]
    public void The_plan_names_an_autoencoder_that_does_not_fit_and_a_training_of_nothing()
    {
        string start = Save("start", 1, "a red circle");
        Assert.Contains("no autoencoder", Problem("training.autoencoder.start: nowhere"), StringComparison.Ordinal);
        Assert.Contains("give autoencoder.width", Problem($"training.autoencoder.start: {start}\nautoencoder.blocksPerLevel: 3"), StringComparison.Ordinal);
        Assert.Contains("0 images train nothing", Problem("training.autoencoder.images: 0"), StringComparison.Ordinal);
        Assert.Contains("0 images train nothing", Problem("training.model.images: 0"), StringComparison.Ordinal);
        Assert.Equal(0, Load($"training.autoencoder: {{ start: {start}/vae, images: 0 }}").Arms[0].Config.Training.Autoencoder.Images);

        string Problem(string lines) => Assert.Single(Assert.Throws<ConfigException>(() => Load(lines)).Errors).ToString();
    }

    [Fact]
    public void The_autoencoder_that_training_starts_from_is_in_all_keys_by_its_content()
    {
        string one = Save("one", 1, "a red circle"), other = Save("other", 2, "a red circle"), else_ = Save("else", 1, "a red circle", autoencoderSeed: 1);
        Assert.Equal(Keys(one), Keys(other)); // another model beside the same autoencoder
        Assert.Empty(Keys(one).Values.Intersect(Keys(else_).Values));

        Dictionary<string, string> Keys(string start) => Plan.Make(Load($"training.autoencoder.start: {start}"), StandardStages.All).Cells[0].Stages.Where(s => s.Kind != "verifier").ToDictionary(s => s.Kind, s => s.Key);
    }

    private Experiment Load(string lines) => ExperimentFile.Load(_folder.Write("x.yaml", $"model.size: nano\nautoencoder: {{ width: 8, multipliers: [1, 2], latentChannels: 2 }}\n{lines}\n"));

    private string Save(string name, long seed, string caption, TokenizerConfig? vocabulary = null, AutoencoderConfig? autoencoder = null, long autoencoderSeed = 0)
    {
        TextTokenizer tokenizer = (vocabulary ?? new ByteVocabulary()).Build([caption]);
        using NextStepModel model = new(ModelSizes.Resolve(Small.Model with { Tokenizer = vocabulary ?? new ByteVocabulary() }, Small.Autoencoder, tokenizer));
        using ImageAutoencoder pictures = new(autoencoder ?? Small.Autoencoder);
        Initialization.Apply(model, seed);
        Initialization.Apply(pictures, autoencoderSeed);
        string folder = Path.Combine(_folder.Path, name);
        ReleasedFolder.Save(folder, model, pictures, tokenizer, 16, new SamplingConfig());
        return folder;
    }

    private static LatentSet Latents()
    {
        using IImageSource source = ImageSources.Open(Small.Data, DataSplit.Train, 0);
        using ImageAutoencoder autoencoder = new(Small.Autoencoder);
        Initialization.Apply(autoencoder, 0);
        autoencoder.eval();
        return LatentSet.Encode(autoencoder, source, 16, null, TestContext.Current.CancellationToken);
    }

    private static Dictionary<string, float[]> Weights(NextStepModel model) => model.named_parameters().ToDictionary(p => p.name, p => p.parameter.data<float>().ToArray());
}
