using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Folders as users have them: other names, other files beside, things left out or damaged. Each draws the picture of the folder as saved, or says what is wrong.</summary>
public sealed class ModelFolderTests : IDisposable
{
    private readonly IDisposable _guard = no_grad();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TemporaryFolder _folder = new();
    private readonly Tensor _expected;

    public ModelFolderTests()
    {
        TextTokenizer tokenizer = WordTokenizer.FromCaptions(["a red circle"]);
        using NextStepModel model = TinyModels.Model(tokenizer);
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        ReleasedFolder.Save(_folder.Path, model, autoencoder, tokenizer, 8, new SamplingConfig { Steps = 2 });
        _expected = new ImageGenerator(model, autoencoder, tokenizer).Drawn(Request);
    }

    private static GenerationRequest Request => new() { Prompts = ["a red circle"], Height = 8, Width = 8, Sampling = new SamplingConfig { Steps = 2 } };

    private string Weights => _folder.File("model.safetensors");

    private string Config => _folder.File("config.json");

    public void Dispose()
    {
        _folder.Dispose();
        _scope.Dispose();
        _guard.Dispose();
    }

    [Theory]
    [InlineData("module.")]
    [InlineData("_orig_mod.")]
    [InlineData("module._orig_mod.model.")]
    [InlineData("model._fsdp_wrapped_module.")]
    public void Prefixes_of_training_are_not_part_of_a_name(string prefix)
    {
        Rewrite(Weights, (name, value) => [(prefix + name, value)]);
        TensorAssert.Same(_expected, Drawn());
    }

    [Fact]
    public void Stored_frequencies_of_the_rotary_embedding_are_ignored()
    {
        Rewrite(Weights, (name, value) => name == "norm.weight" ? [(name, value), ("model.layers.0.self_attn.rotary_emb.inv_freq", zeros(4))] : [(name, value)]);
        TensorAssert.Same(_expected, Drawn());
    }

    [Fact]
    public void A_tied_head_is_the_embedding_table_whether_it_is_stored_or_not()
    {
        Rewrite(Weights, (name, value) => name == "lm_head.weight" ? [] : [(name, value)]);
        Assert.Contains("lm_head.weight", Assert.Throws<InvalidDataException>(() => Drawn()).Message, StringComparison.Ordinal);
        Replace("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true");
        using (LoadedModel loaded = ReleasedFolder.Load(_folder.Path))
        {
            TensorAssert.Same(loaded.Model.state_dict()["embed_tokens.weight"], loaded.Model.state_dict()["lm_head.weight"]);
            Assert.Empty(loaded.Notes);
        }
        Rewrite(Weights, (name, value) => name == "embed_tokens.weight" ? [(name, value), ("lm_head.weight", value.Plus(1))] : [(name, value)]);
        using LoadedModel other = ReleasedFolder.Load(_folder.Path);
        TensorAssert.Same(other.Model.state_dict()["embed_tokens.weight"], other.Model.state_dict()["lm_head.weight"]);
        Assert.Contains("lm_head.weight", Assert.Single(other.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void An_average_of_the_weights_is_used_and_said_unless_the_others_are_asked_for()
    {
        Rewrite(Weights, (name, value) => [("ema." + name, value), (name, zeros_like(value))]);
        using LoadedModel averaged = ReleasedFolder.Load(_folder.Path);
        TensorAssert.Same(_expected, averaged.Generator().Drawn(Request));
        Assert.Contains("running average", Assert.Single(averaged.Notes), StringComparison.Ordinal);
        using LoadedModel last = ReleasedFolder.Load(_folder.Path, new LoadOptions { Devices = [CPU], Weights = WeightChoice.Model });
        Assert.True(last.Model.parameters().All(p => p.abs().sum().item<float>() == 0));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Weights_that_are_no_numbers_are_named(float broken)
    {
        Rewrite(Weights, (name, value) => [(name, name == "norm.weight" ? value.index_fill(0, tensor(3L), Scalars.Of(broken)) : value)]);
        string message = Assert.Throws<InvalidDataException>(() => Drawn()).Message;
        Assert.Contains("1 tensor holds values that are NaN or infinite: norm.weight;", message, StringComparison.Ordinal);
        Assert.Contains(Weights, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_picture_that_is_no_number_is_an_error_and_no_black_file()
    {
        using LoadedModel loaded = ReleasedFolder.Load(_folder.Path);
        loaded.Autoencoder.parameters().First(p => p.dim() == 1).fill_(Scalars.Of(0));
        loaded.Model.Head.parameters().First().fill_(Scalars.Of(float.MaxValue));
        Assert.Contains("no numbers", Assert.Throws<InvalidDataException>(() => loaded.Generator().Drawn(Request)).Message, StringComparison.Ordinal);
        Assert.Contains("no number", Assert.Throws<InvalidDataException>(() => ImageFile.Save(_folder.File("a.png"), full(3, 2, 2, Scalars.Of(float.NaN)))).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.File("a.png")));
    }

    [Fact]
    public void Convolutions_around_the_latent_are_applied()
    {
        string vae = Path.Combine(_folder.Path, "vae"), file = Path.Combine(vae, "checkpoint.pt");
        Tensor after = randn(4, 4, 1, 1), before = randn(8, 8, 1, 1), bias = randn(4), ones = torch.ones(8);
        Dictionary<string, Tensor> tensors = TorchCheckpoint.ReadAll(file).ToDictionary(p => p.Key, p => p.Value.clone());
        tensors["post_quant_conv.weight"] = after;
        tensors["post_quant_conv.bias"] = bias;
        tensors["quant_conv.weight"] = before;
        tensors["quant_conv.bias"] = ones;
        using ImageAutoencoder plain = ReleasedFolder.LoadAutoencoder(vae, 2);
        TorchCheckpoint.Write(file, tensors);
        using ImageAutoencoder full = ReleasedFolder.LoadAutoencoder(vae, 2);
        Tensor latents = TinyModels.Normal("latents", 1, 4, 4, 4), pixels = TinyModels.Normal("pixels", 1, 3, 8, 8);
        Tensor Mixed(Tensor x, Tensor weight, Tensor add) => einsum("oi,nihw->nohw", weight.flatten(1), x).Plus(add.view(1, -1, 1, 1));
        Assert.InRange(TinyModels.Distance(plain.Decode(Mixed(latents, after, bias)), full.Decode(latents)), 0, 1e-4);
        Assert.InRange(TinyModels.Distance(Mixed(plain.Moments(pixels), before, ones), full.Moments(pixels)), 0, 1e-4);
        Assert.True(TinyModels.Distance(plain.Decode(latents), full.Decode(latents)) > 0.01);
        Assert.InRange(TinyModels.Distance(full.Decode(latents), full.Decode(latents, 2)), 0, 1e-4);
        ReleasedFolder.SaveAutoencoder(vae, full);
        using ImageAutoencoder again = ReleasedFolder.LoadAutoencoder(vae, 2);
        TensorAssert.Same(full.Decode(latents), again.Decode(latents));
    }

    [Fact]
    public void An_autoencoder_with_a_patch_stem_is_kept_and_no_other_program_takes_it_for_one_without()
    {
        string vae = _folder.File("stem"), config = Path.Combine(vae, "config.json");
        using ImageAutoencoder stem = new(new AutoencoderConfig { Width = 8, Multipliers = [1, 2], LatentChannels = 4, StemPatch = 2 });
        Initialization.Apply(stem, 5);
        ReleasedFolder.SaveAutoencoder(vae, stem);
        using (ImageAutoencoder again = ReleasedFolder.LoadAutoencoder(vae, 2))
        {
            Tensor latents = TinyModels.Normal("latents", 1, 4, 4, 4);
            Assert.Equal([1, 3, 16, 16], stem.Decode(latents).shape);
            TensorAssert.Same(stem.Decode(latents), again.Decode(latents));
        }
        JsonNode released = JsonNode.Parse(File.ReadAllText(config))!;
        released.AsObject().Remove("nextstep_research");
        File.WriteAllText(config, released.ToJsonString());
        Assert.Contains("in_channels", Assert.Throws<InvalidDataException>(() => ReleasedFolder.LoadAutoencoder(vae, 2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_configuration_of_diffusers_is_read_and_variants_without_support_are_refused()
    {
        const string Sound = """
            {"_class_name":"AutoencoderKL","act_fn":"silu","block_out_channels":[8,16],"down_block_types":["DownEncoderBlock2D","DownEncoderBlock2D"],"in_channels":3,"latent_channels":4,
             "layers_per_block":1,"norm_num_groups":4,"out_channels":3,"scaling_factor":0.5,"shift_factor":0.25,"up_block_types":["UpDecoderBlock2D","UpDecoderBlock2D"],"mid_block_add_attention":true,
             "use_quant_conv":false,"sample_cap":Infinity}
            """;
        string vae = Path.Combine(_folder.Path, "vae"), config = Path.Combine(vae, "config.json");
        CheckpointConverter.Convert(_folder.Path, _folder.File("d"), new ConversionOptions { Layout = AutoencoderLayout.Diffusers });
        string other = Path.Combine(_folder.File("d"), "vae"), there = Path.Combine(other, "config.json");
        File.WriteAllText(there, Sound);
        AutoencoderConfig read = ReleasedConfig.ReadAutoencoder(there, 2);
        Assert.Equal((8, 1, 4, 4, LatentNormalization.None, 0.5, 0.25), (read.Width, read.BlocksPerLevel, read.LatentChannels, read.NormGroups, read.Normalization, read.Scale, read.Shift));
        Assert.Equal([1, 2], read.Multipliers);
        using ImageAutoencoder ours = ReleasedFolder.LoadAutoencoder(vae, 2), theirs = ReleasedFolder.LoadAutoencoder(other, 2);
        Tensor latents = TinyModels.Normal("latents", 1, 4, 4, 4);
        TensorAssert.Same(ours.Decode(latents), theirs.Decode(latents));
        foreach ((string from, string to, string fault) in ((string, string, string)[])[
            ("[8,16]", "[8,12]", "block_out_channels are 8, 12"), ("\"act_fn\":\"silu\"", "\"act_fn\":\"relu\"", "act_fn is \"relu\""), ("AutoencoderKL", "VQModel", "_class_name is \"VQModel\""),
            ("\"use_quant_conv\":false", "\"use_quant_conv\":true", "no quant_conv.weight"), ("0.25", "Infinity", "shift_factor is \"Infinity\"")])
        {
            File.WriteAllText(there, Sound.Replace(from, to, StringComparison.Ordinal));
            Assert.Contains(fault, Assert.Throws<InvalidDataException>(() => ReleasedFolder.LoadAutoencoder(other, 2)).Message, StringComparison.Ordinal);
        }
        Assert.True(File.Exists(config));
    }

    [Fact]
    public void Numbers_that_only_python_writes_cost_nothing_where_nobody_reads_them()
    {
        Replace("\"latent_size\": 64", "\"latent_size\": 64, \"cap\": Infinity, \"floor\": [-Infinity, NaN], \"say\": \"a NaN \\\" NaN\"");
        TensorAssert.Same(_expected, Drawn());
        Replace("\"rope_theta\": 1000000", "\"rope_theta\": Infinity");
        Assert.Contains("rope_theta is \"Infinity\"", Assert.Throws<InvalidDataException>(() => Drawn()).Message, StringComparison.Ordinal);
    }

    private Tensor Drawn()
    {
        using LoadedModel loaded = ReleasedFolder.Load(_folder.Path);
        return loaded.Generator().Drawn(Request);
    }

    private void Replace(string from, string to)
    {
        string text = File.ReadAllText(Config);
        Assert.Contains(from, text, StringComparison.Ordinal);
        File.WriteAllText(Config, text.Replace(from, to, StringComparison.Ordinal));
    }

    private static void Rewrite(string file, Func<string, Tensor, IEnumerable<(string Name, Tensor Value)>> change)
    {
        Dictionary<string, Tensor> tensors;
        using (SafetensorsFile source = SafetensorsFile.Open(file))
        {
            tensors = source.Entries.Keys.SelectMany(name => change(name, source.Read(name))).ToDictionary(t => t.Name, t => t.Value.clone());
        }
        SafetensorsFile.Write(file, tensors);
    }
}
