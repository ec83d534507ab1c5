using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class WeightNamesTests
{
    private static IEnumerable<(string Name, long[] Shape)> FullList(string model)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Fixtures.File("state_dict_full.json")));
        return [.. json.RootElement.GetProperty(model).GetProperty("tensors").EnumerateArray()
            .Select(tensor => (tensor.GetProperty("name").GetString()!, tensor.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64()).ToArray()))];
    }

    [Fact]
    public void All_244_names_go_to_diffusers_and_back()
    {
        var names = FullList("vae").Select(tensor => tensor.Name).ToArray();
        Assert.Equal(244, names.Length);
        var there = names.Select(name => WeightNames.ToDiffusers(name, 4)).ToArray();
        Assert.Equal(244, there.Distinct().Count());
        Assert.Equal(names, there.Select(name => WeightNames.ToFlux(name, 4)));
        Assert.Equal(there, there.Select(name => WeightNames.ToDiffusers(name, 4))); // already there
        Assert.Equal(names, names.Select(name => WeightNames.ToFlux(name, 4)));
        Assert.Equal(4, WeightNames.Levels(names));
        Assert.Equal(4, WeightNames.Levels(there));
        Assert.Equal(AutoencoderLayout.Flux, WeightNames.DetectAutoencoder(names));
        Assert.Equal(AutoencoderLayout.Diffusers, WeightNames.DetectAutoencoder(there));
        Assert.DoesNotContain(there, name => name.Contains("block_1", StringComparison.Ordinal) || name.Contains(".attn_", StringComparison.Ordinal) || name.Contains("nin_", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("encoder.down.1.block.0.nin_shortcut.weight", "encoder.down_blocks.1.resnets.0.conv_shortcut.weight")]
    [InlineData("encoder.down.2.downsample.conv.bias", "encoder.down_blocks.2.downsamplers.0.conv.bias")]
    [InlineData("encoder.mid.block_1.norm1.weight", "encoder.mid_block.resnets.0.norm1.weight")]
    [InlineData("decoder.mid.block_2.conv2.bias", "decoder.mid_block.resnets.1.conv2.bias")]
    [InlineData("decoder.mid.attn_1.norm.weight", "decoder.mid_block.attentions.0.group_norm.weight")]
    [InlineData("decoder.mid.attn_1.q.weight", "decoder.mid_block.attentions.0.to_q.weight")]
    [InlineData("decoder.mid.attn_1.proj_out.bias", "decoder.mid_block.attentions.0.to_out.0.bias")]
    [InlineData("decoder.up.3.block.2.conv1.weight", "decoder.up_blocks.0.resnets.2.conv1.weight")]
    [InlineData("decoder.up.1.upsample.conv.weight", "decoder.up_blocks.2.upsamplers.0.conv.weight")]
    [InlineData("decoder.norm_out.weight", "decoder.conv_norm_out.weight")]
    [InlineData("encoder.conv_in.weight", "encoder.conv_in.weight")]
    [InlineData("layers.0.mlp.up_proj.weight", "layers.0.mlp.up_proj.weight")]
    public void Names_follow_the_table_of_the_specification(string flux, string diffusers)
    {
        Assert.Equal(diffusers, WeightNames.ToDiffusers(flux, 4));
        Assert.Equal(flux, WeightNames.ToFlux(diffusers, 4));
    }

    [Fact]
    public void Old_attention_names_are_understood() =>
        Assert.Equal("encoder.mid.attn_1.proj_out.weight", WeightNames.ToFlux("encoder.mid_block.attentions.0.proj_attn.weight", 4));

    [Fact]
    public void The_backbone_loses_only_a_leading_model()
    {
        Assert.Equal("layers.0.input_layernorm.weight", WeightNames.OfModel("model.layers.0.input_layernorm.weight"));
        Assert.All(FullList("model"), tensor => Assert.Equal(tensor.Name, WeightNames.OfModel("model." + tensor.Name)));
        Assert.All(FullList("model"), tensor => Assert.Equal(tensor.Name, WeightNames.OfModel(tensor.Name)));
        Assert.Null(WeightNames.DetectAutoencoder(FullList("model").Select(tensor => tensor.Name)));
    }

    [Fact]
    public void Attention_weights_change_between_convolution_and_linear_shape_and_values_stay()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var weights = FullList("vae").ToDictionary(tensor => tensor.Name, tensor => rand([.. tensor.Shape.Select(size => size is 1 or 3 ? size : 2)]));
        SafetensorsFile.Write(folder.File("flux.safetensors"), weights);
        CheckpointConverter.Convert(folder.File("flux.safetensors"), folder.File("diffusers.safetensors"), new ConversionOptions { Layout = AutoencoderLayout.Diffusers });
        CheckpointConverter.Convert(folder.File("diffusers.safetensors"), folder.File("back.pt"), new ConversionOptions { Layout = AutoencoderLayout.Flux });
        using var diffusers = TensorSource.OpenAny(folder.File("diffusers.safetensors"));
        Assert.Equal([2L, 2L], diffusers.Entries["encoder.mid_block.attentions.0.to_q.weight"].Shape);
        Assert.Equal([2L, 2L, 1L, 1L], diffusers.Entries["decoder.up_blocks.3.resnets.0.conv_shortcut.weight"].Shape);
        using var back = TensorSource.OpenAny(folder.File("back.pt"));
        Assert.Equal(weights.Keys.Order(StringComparer.Ordinal), back.Entries.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, tensor) in weights)
        {
            TensorAssert.Same(tensor, back.Read(name), name);
        }
    }
}
