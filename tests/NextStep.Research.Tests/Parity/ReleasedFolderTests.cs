using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>A random-weight folder in the released layout: written, loaded, run end to end.</summary>
public sealed class ReleasedFolderTests : IDisposable
{
    private readonly IDisposable _guard = no_grad();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _guard.Dispose();
    }

    [Theory]
    [InlineData("ode", 1, EditLayout.SourceFirst)]
    [InlineData("reference", 2, EditLayout.InstructionFirst)]
    public void Generation_and_editing_are_the_same_before_saving_and_after_loading(string solverName, int each, EditLayout edits)
    {
        SamplingSolver solver = (SamplingSolver)ComponentCatalog.Make(typeof(SamplingSolver), solverName);
        using TemporaryFolder folder = new();
        TextTokenizer tokenizer = Tokenizer(folder);
        using NextStepModel model = TinyModels.Model(tokenizer, edits: edits);
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        SamplingConfig sampling = new() { Solver = solver, Steps = 4, Guidance = 3, ImageGuidance = 1.5, TimestepShift = 1.5 };
        string saved = folder.File("saved");
        ReleasedFolder.Save(saved, model, autoencoder, tokenizer, 16, sampling);
        Assert.Equal(
            ["added_tokens.json", "config.json", "merges.txt", "model.safetensors", "vocab.json"],
            Directory.GetFiles(saved).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        using LoadedModel loaded = ReleasedFolder.Load(saved);
        Assert.Equal(16, loaded.ImageSize);
        Assert.Equal(sampling.Steps, loaded.Sampling.Steps);
        Assert.Equal((edits, edits), (loaded.Model.Config.EditLayout, ReleasedFolder.Settings(saved).EditLayout));

        GenerationRequest plain = new()
        {
            Prompts = ["a red circle", "über 3*3 squares"],
            ImagesPerPrompt = each,
            Height = 16,
            Width = 24,
            NegativePrompt = "blurry",
            Sampling = sampling,
        };
        GenerationRequest edit = plain with
        {
            Prompts = ["<image>make it blue", "turn <image> round"],
            Images = [TinyModels.Normal("a", 3, 8, 12).clamp(-1, 1), TinyModels.Normal("b", 3, 16, 8).clamp(-1, 1)],
        };
        foreach (GenerationRequest request in (GenerationRequest[])[plain, edit])
        {
            Tensor before = Draw(new ImageGenerator(model, autoencoder, tokenizer), request, each), after = Draw(loaded.Generator(), request, each);
            Assert.Equal([2L * each, 3, 16, 24], before.shape);
            Assert.True(before.isfinite().all().item<bool>());
            Assert.True(before.std().item<float>() > 0.01);
            TensorAssert.Same(before, after);
        }
    }

    [Fact]
    public void A_model_converted_to_bfloat16_and_back_draws_its_picture_again_and_a_copy_in_float32_draws_the_very_same()
    {
        using TemporaryFolder folder = new();
        TextTokenizer tokenizer = Tokenizer(folder);
        using NextStepModel model = TinyModels.Model(tokenizer);
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        ReleasedFolder.Save(folder.File("saved"), model, autoencoder, tokenizer, 16, new SamplingConfig { Steps = 4 });
        CheckpointConverter.Convert(folder.File("saved"), folder.File("copy"), new ConversionOptions { Dtype = ScalarType.Float32, MaximumShard = 20_000 });
        CheckpointConverter.Convert(folder.File("saved"), folder.File("half"), new ConversionOptions { Dtype = ScalarType.BFloat16 });
        CheckpointConverter.Convert(folder.File("half"), folder.File("back"), new ConversionOptions { Dtype = ScalarType.Float32 });
        GenerationRequest request = new() { Prompts = ["a red circle"], Height = 16, Width = 8, Sampling = new SamplingConfig { Steps = 4 } };
        Tensor before = Draw(new ImageGenerator(model, autoencoder, tokenizer), request, 1, 8);
        Tensor[] after = [.. ((string[])["copy", "half", "back"]).Select(name =>
        {
            using LoadedModel loaded = ReleasedFolder.Load(folder.File(name));
            return Draw(loaded.Generator(), request, 1, 8);
        })];
        TensorAssert.Same(before, after[0]);
        TensorAssert.Same(after[1], after[2]);
        Assert.InRange(TinyModels.Distance(before, after[2]), 1e-6, 0.2); // 8 bits of mantissa are left
        Assert.True(Directory.GetFiles(folder.File("copy"), "*.safetensors").Length > 1);
    }

    [Fact]
    public void Folders_whose_parts_do_not_fit_and_models_that_are_not_supported_are_refused()
    {
        using TemporaryFolder folder = new();
        TextTokenizer tokenizer = Tokenizer(folder);
        using NextStepModel model = TinyModels.Model(tokenizer);
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        string saved = folder.File("saved"), config = Path.Combine(saved, "config.json"), pictures = Path.Combine(saved, "vae", "config.json");
        ReleasedFolder.Save(saved, model, autoencoder, tokenizer, 16, new SamplingConfig());
        string sound = File.ReadAllText(config), vae = File.ReadAllText(pictures);
        Refused(config, sound.Replace("\"silu\"", "\"gelu\"", StringComparison.Ordinal), "hidden_act is \"gelu\"");
        Refused(config, sound.Replace("\"latent_channels\": 4", "\"latent_channels\": 5", StringComparison.Ordinal), "image tokens have 20 numbers, those of vae/config.json 16");
        Refused(config, sound.Replace("\"vocab_size\": 264", "\"vocab_size\": 263", StringComparison.Ordinal), "vocab_size is 263");
        Refused(config, sound.Replace("{", "{ \"attention_use_qk_norm\": true, \"num_hidden_layers\": 3,", StringComparison.Ordinal), "not valid JSON");
        Refused(config, "{ \"attention_use_qk_norm\": true }", "attention_use_qk_norm is true");
        File.WriteAllText(config, sound);
        Refused(pictures, "{ \"in_channels\": 1 }", "in_channels is 1");
        Refused(pictures, vae.Replace("\"width\": 8", "\"width\": 1000000", StringComparison.Ordinal), "is damaged");

        void Refused(string file, string content, string reason)
        {
            Assert.NotEqual(content, File.ReadAllText(file));
            File.WriteAllText(file, content);
            Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => ReleasedFolder.Load(saved)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_picture_does_not_depend_on_the_batch_it_is_drawn_in()
    {
        TextTokenizer tokenizer = WordTokenizer.FromCaptions(["a red circle"]);
        using NextStepModel model = TinyModels.Model(tokenizer);
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        GenerationRequest request = new() { Prompts = ["a red circle"], ImagesPerPrompt = 3, Height = 8, Width = 12, Seed = 5, Sampling = new SamplingConfig { Steps = 3 } };
        ImageGenerator generator = new(model, autoencoder, tokenizer);
        Tensor together = generator.Drawn(request), single = generator.Drawn(request with { BatchSize = 1 });
        Assert.InRange(TinyModels.Distance(together, single), 0, 1e-4);
        Assert.InRange(TinyModels.Distance(together.narrow(0, 2, 1), generator.Drawn(request with { ImagesPerPrompt = 1, FirstImage = 2 })), 0, 1e-4);
        Assert.True(TinyModels.Distance(together[0], together[1]) > 1e-2);
    }

    [Fact]
    public void Requests_that_do_not_fit_are_refused_with_a_reason()
    {
        TextTokenizer tokenizer = WordTokenizer.FromCaptions(["a red circle"]);
        using NextStepModel model = TinyModels.Model(tokenizer);
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        ImageGenerator generator = new(model, autoencoder, tokenizer);
        GenerationRequest request = new() { Prompts = ["a red circle"], Height = 8, Width = 8 };
        Assert.Contains("multiples of 4", Assert.Throws<ArgumentException>(() => generator.Drawn(request with { Width = 10 })).Message, StringComparison.Ordinal);
        Assert.Contains("<image>", Assert.Throws<ArgumentException>(() => generator.Drawn(request with { Prompts = ["<image>a"] })).Message, StringComparison.Ordinal);
        Assert.Contains("1 input", Assert.Throws<ArgumentException>(() => generator.Drawn(request with { Images = [zeros(3, 8, 8)] })).Message, StringComparison.Ordinal);
    }

    // The draws a run asks for, in order: the pictures' noise for every token and stochastic step.
    private static Tensor Draw(ImageGenerator generator, GenerationRequest request, int each, int tokens = 24)
    {
        bool reference = request.Sampling.Solver == SamplingSolver.Reference;
        int rows = reference ? each : request.Prompts.Count * each, count = tokens * (reference ? request.Sampling.Steps : 1);
        using RecordedNoise noise = new(Enumerable.Range(0, count).Select(i => TinyModels.Normal($"draw {i}", rows, 16)));
        Tensor pictures = generator.Drawn(request with { Noise = noise });
        Assert.Equal(0, noise.Remaining);
        return pictures;
    }

    private static QwenTokenizer Tokenizer(TemporaryFolder folder)
    {
        QwenStyle.Write(folder.File("tokenizer"));
        return QwenTokenizer.Load(folder.File("tokenizer"));
    }
}
