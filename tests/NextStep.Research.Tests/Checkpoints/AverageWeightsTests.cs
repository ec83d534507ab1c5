using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Weights of the last step are 1, their average is 2.</summary>
public sealed class AverageWeightsTests
{
    [Theory]
    [InlineData("ema.layers.0.weight")]
    [InlineData("model_ema.layers.0.weight")]
    [InlineData("model_ema.layers0weight")]
    [InlineData("ema_model.module.layers.0.weight")]
    [InlineData("module.ema.layers.0.weight")]
    public void An_average_under_a_prefix_is_taken_unless_the_weights_are_asked_for(string name)
    {
        using TemporaryFolder folder = new();
        string file = folder.File("a.safetensors");
        Write(file, ("model.layers.0.weight", 1), ("layers.1.weight", 1), (name, 2), (name[..(name.IndexOf('.') + 1)] + "num_updates", 7));
        Assert.Equal((2, 1), Read(file, null, out string note));
        Assert.Contains("1 tensors; 1 that have none", note, StringComparison.Ordinal);
        Assert.Contains("--weights model", note, StringComparison.Ordinal);
        Assert.Equal((2, 1), Read(file, WeightChoice.Ema, out _));
        Assert.Equal((1, 1), Read(file, WeightChoice.Model, out note));
        Assert.Contains("--weights ema", note, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model.safetensors", "ema.safetensors")]
    [InlineData("model.safetensors", "model_ema.safetensors")]
    [InlineData("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.ema.safetensors")]
    [InlineData("diffusion_pytorch_model.non_ema.safetensors", "diffusion_pytorch_model.safetensors")]
    public void An_average_in_a_file_of_its_own_is_found(string raw, string average)
    {
        using TemporaryFolder folder = new();
        Write(folder.File(raw), ("layers.0.weight", 1), ("layers.1.weight", 1));
        Write(folder.File(average), ("layers.0.weight", 2));
        Assert.Equal((2, 1), Read(folder.Path, null, out string note));
        Assert.Contains(average, note, StringComparison.Ordinal);
        Assert.Equal((1, 1), Read(folder.Path, WeightChoice.Model, out _));
    }

    [Fact]
    public void Without_an_average_nothing_is_said_and_asking_for_one_is_an_error()
    {
        using TemporaryFolder folder = new();
        Write(folder.File("model.safetensors"), ("layers.0.weight", 1), ("layers.1.weight", 1), ("schema.layers.weight", 3));
        Assert.Equal((1, 1), Read(folder.Path, null, out string note));
        Assert.Equal("", note);
        Assert.Contains("no running average", Assert.Throws<InvalidDataException>(() => Read(folder.Path, WeightChoice.Ema, out _)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Hidden_files_and_other_precisions_are_not_the_weights()
    {
        using TemporaryFolder folder = new();
        Write(folder.File("diffusion_pytorch_model.safetensors"), ("layers.0.weight", 1), ("layers.1.weight", 1));
        Write(folder.File("diffusion_pytorch_model.fp16.safetensors"), ("layers.0.weight", 5), ("layers.1.weight", 5));
        File.WriteAllBytes(folder.File("._diffusion_pytorch_model.safetensors"), [0, 5, 22, 7]);
        Assert.Equal((1, 1), Read(folder.Path, null, out string note));
        Assert.Contains("not its other precision (diffusion_pytorch_model.fp16.safetensors)", note, StringComparison.Ordinal);
        Write(folder.File("b.safetensors"), ("x", 1));
        File.Move(folder.File("diffusion_pytorch_model.safetensors"), folder.File("a.safetensors"));
        Assert.Contains("keep one of them", Assert.Throws<FileNotFoundException>(() => Read(folder.Path, null, out _)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_index_whose_shards_are_gone_yields_to_the_whole_file()
    {
        using TemporaryFolder folder = new();
        Write(folder.File("model.safetensors"), ("layers.0.weight", 1), ("layers.1.weight", 1));
        File.WriteAllText(folder.File("model.safetensors.index.json"), """{"weight_map":{"layers.0.weight":"model-00001-of-00002.safetensors"}}""");
        Assert.Equal((1, 1), Read(folder.Path, null, out string note));
        Assert.Contains("names shards that are not there", note, StringComparison.Ordinal);
    }

    private static (float First, float Second) Read(string path, WeightChoice? choice, out string note)
    {
        List<string> notes = [];
        using TensorSource source = AverageWeights.Open(path, choice, notes);
        note = string.Join(' ', notes);
        float Value(string name)
        {
            using Tensor value = source.Read(source.Entries.Keys.Single(stored => WeightNames.OfModel(stored) == name));
            return value.item<float>();
        }
        Assert.DoesNotContain(source.Entries.Keys, name => name.Contains("num_updates", StringComparison.Ordinal));
        return (Value("layers.0.weight"), Value("layers.1.weight"));
    }

    private static void Write(string file, params (string Name, float Value)[] tensors)
    {
        using DisposeScope scope = NewDisposeScope();
        SafetensorsFile.Write(file, tensors.ToDictionary(t => t.Name, t => tensor(t.Value)));
    }
}
