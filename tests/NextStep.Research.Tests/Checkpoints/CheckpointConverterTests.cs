using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class CheckpointConverterTests
{
    [Fact]
    public void A_released_folder_is_converted_with_everything_beside_the_weights()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var model = new Dictionary<string, Tensor> { ["embed_tokens.weight"] = rand(8, 8), ["norm.weight"] = rand(8), ["ids"] = arange(3) };
        var vae = new Dictionary<string, Tensor> { ["encoder.down.0.block.0.conv1.weight"] = rand(2, 2, 3, 3), ["encoder.mid.attn_1.q.weight"] = rand(2, 2, 1, 1) };
        Directory.CreateDirectory(folder.File("in/vae"));
        SafetensorsFile.Write(folder.File("in/model.safetensors"), model);
        TorchCheckpoint.Write(folder.File("in/vae/checkpoint.pt"), vae);
        File.WriteAllText(folder.File("in/config.json"), """{"torch_dtype":"float32","hidden_size":8}""");
        File.WriteAllText(folder.File("in/vae/config.json"), """{"ch":2}""");
        File.WriteAllText(folder.File("in/merges.txt"), "#version: 0.2\n");
        CheckpointConverter.Convert(folder.File("in"), folder.File("half"), new ConversionOptions { Dtype = ScalarType.BFloat16, MaximumShard = 150 });
        Assert.Equal(["config.json", "merges.txt", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"],
            Directory.GetFiles(folder.File("half")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Contains("bfloat16", File.ReadAllText(folder.File("half/config.json")), StringComparison.Ordinal);
        Assert.Contains("\"ch\"", File.ReadAllText(folder.File("half/vae/config.json")), StringComparison.Ordinal);
        CheckpointConverter.Convert(folder.File("half"), folder.File("full"), new ConversionOptions { Dtype = ScalarType.Float32, Layout = AutoencoderLayout.Diffusers });
        using var weights = TensorSource.OpenAny(folder.File("full"));
        TensorAssert.Same(model["norm.weight"].to(ScalarType.BFloat16).to(ScalarType.Float32), weights.Read("norm.weight"));
        TensorAssert.Same(model["ids"], weights.Read("ids"));
        using var encoder = TensorSource.OpenAny(folder.File("full/vae"));
        TensorAssert.Same(vae["encoder.mid.attn_1.q.weight"].view(2, 2).to(ScalarType.BFloat16).to(ScalarType.Float32), encoder.Read("encoder.mid_block.attentions.0.to_q.weight"));
        Assert.Equal(2, CheckpointFiles.Find(folder.File("full")).Count);
        Assert.Equal(2, CheckpointFiles.Find(folder.File("half")).Count);
    }

    [Fact]
    public void A_layout_needs_an_autoencoder_and_output_another_path_than_input()
    {
        using var folder = new TemporaryFolder();
        using var value = ones(1);
        var path = folder.File("a.safetensors");
        SafetensorsFile.Write(path, new Dictionary<string, Tensor> { ["x"] = value });
        Assert.Throws<InvalidDataException>(() => CheckpointConverter.Convert(path, folder.File("b.pt"), new ConversionOptions { Layout = AutoencoderLayout.Flux }));
        Assert.Throws<InvalidDataException>(() => CheckpointConverter.Convert(folder.Path, folder.File("out"), new ConversionOptions { Layout = AutoencoderLayout.Flux }));
        Assert.Throws<ArgumentException>(() => CheckpointConverter.Convert(path, path, new ConversionOptions()));
    }
}
