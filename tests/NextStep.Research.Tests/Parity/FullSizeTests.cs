using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>The released sizes, built without memory.</summary>
public sealed class FullSizeTests
{
    private static readonly JsonObject Recorded = JsonNode.Parse(File.ReadAllText(Fixtures.File("state_dict_full.json")))!.AsObject();
    private static readonly AutoencoderConfig Pictures = ModelSizes.ReleasedAutoencoder;
    private static readonly SpecialTokens Special = ModelSizes.Released.Special;

    [Fact]
    public void The_14B_model_has_the_recorded_names_shapes_and_parameters()
    {
        using NextStepModel model = new(ModelSizes.Released, META, ScalarType.BFloat16);
        Assert.Equal(Expected("model"), Shapes(model));
        Assert.Equal(14_953_814_080, model.parameters().Sum(p => p.numel()));
        Assert.Equal(692, Recorded["model"]!["tensors"]!.AsArray().Count);
        Assert.Equal(691, model.state_dict().Count);
    }

    [Fact]
    public void Its_configuration_file_describes_the_same_model()
    {
        NextStepConfig read = ReleasedConfig.Read(JsonKeys.Of(Recorded["model"]!["config"]!.AsObject(), "state_dict_full.json"), Special);
        NextStepConfig resolved = ModelSizes.Resolve(new ModelConfig { Size = ModelSize.B14, Transformer = new TransformerOptions { RopeTheta = 1_000_000 } }, Pictures, 152064, Special);
        Assert.Null(read.Tokenizer); // the released folder's files say which
        Assert.Equal(read, resolved with { Tokenizer = null });
    }

    [Theory]
    [InlineData(HeadSize.Small, 40_288_320)]
    [InlineData(HeadSize.Base, 157_228_096)]
    [InlineData(HeadSize.Large, 527_528_000)]
    public void Heads_have_the_parameters_of_Table_6(HeadSize size, long parameters)
    {
        NextStepConfig config = ModelSizes.Resolve(new ModelConfig { Size = ModelSize.B14, Head = new FlowHead { Size = size } }, Pictures, 152064, Special);
        using FlowMatchingHead head = new(config.Head, META);
        Assert.Equal(parameters, head.parameters().Sum(p => p.numel()));
    }

    [Fact]
    public void The_autoencoder_has_the_recorded_names_shapes_and_parameters()
    {
        using ImageAutoencoder autoencoder = new(Pictures, META);
        Assert.Equal(Expected("vae"), Shapes(autoencoder));
        Assert.Equal(34_274_208, Count(autoencoder, "encoder."));
        Assert.Equal(49_545_475, Count(autoencoder, "decoder."));
    }

    private static long Count(nn.Module module, string prefix) =>
        module.named_parameters().Where(p => p.name.StartsWith(prefix, StringComparison.Ordinal)).Sum(p => p.parameter.numel());

    private static string[] Expected(string part) =>
        [.. Recorded[part]!["tensors"]!.AsArray()
            .Where(t => t!["name"]!.GetValue<string>() != "gen_pos_embed")
            .Select(t => $"{t!["name"]} [{string.Join(", ", t["shape"]!.AsArray())}]").Order(StringComparer.Ordinal)];

    private static string[] Shapes(nn.Module module) =>
        [.. module.state_dict().Select(p => $"{p.Key} [{string.Join(", ", p.Value.shape)}]").Order(StringComparer.Ordinal)];
}
