using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class ShardedCheckpointTests
{
    private static Dictionary<string, Tensor> Weights() => Enumerable.Range(0, 7).ToDictionary(i => $"layers.{i}.weight", i => rand(10, 10) + i);

    [Fact]
    public void Shards_hold_at_most_the_size_asked_for_and_read_as_one()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var weights = Weights();
        SafetensorsFile.Write(folder.File("whole.safetensors"), weights);
        using (var whole = SafetensorsFile.Open(folder.File("whole.safetensors")))
        {
            ShardedCheckpoint.Write(folder.File("out"), whole, maximumShard: 1000);
        }
        Assert.Equal(5, Directory.GetFiles(folder.File("out")).Length); // 400 bytes each: 2 + 2 + 2 + 1, and the index
        using (var source = TensorSource.OpenAny(folder.File("out")))
        {
            Assert.IsType<ShardedCheckpoint>(source);
            Assert.Equal(weights.Keys.Order(), source.Entries.Keys.Order());
            foreach (var (name, tensor) in weights)
            {
                TensorAssert.Same(tensor, source.Read(name), name);
            }
        }
        using (var whole = SafetensorsFile.Open(folder.File("whole.safetensors")))
        {
            ShardedCheckpoint.Write(folder.File("out"), whole, ScalarType.BFloat16); // one file again: the old shards and index are gone
        }
        Assert.Equal("model.safetensors", Path.GetFileName(Assert.Single(Directory.GetFiles(folder.File("out")))));
        using var half = TensorSource.OpenAny(folder.File("out"));
        TensorAssert.Same(weights["layers.3.weight"].to(ScalarType.BFloat16), half.Read("layers.3.weight"));
    }

    [Theory]
    [InlineData("../secret.safetensors")]
    [InlineData("/etc/passwd.safetensors")]
    [InlineData("sub/a.safetensors")]
    [InlineData("..\\a.safetensors")]
    [InlineData("C:a.safetensors")]
    [InlineData("..safetensors")]
    [InlineData("a.pt")]
    public void An_index_cannot_point_outside_its_folder(string shard)
    {
        using var folder = new TemporaryFolder();
        var index = folder.File("model.safetensors.index.json");
        File.WriteAllText(index, JsonSerializer.Serialize(new { weight_map = new Dictionary<string, string> { ["a"] = shard } }));
        Assert.Contains("not a safetensors file in the same folder", Assert.Throws<InvalidDataException>(() => TensorSource.OpenAny(index)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_shards_are_all_listed()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.safetensors.index.json"), """{"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}""");
        var error = Assert.Throws<FileNotFoundException>(() => TensorSource.OpenAny(folder.Path));
        Assert.Contains("2 shards are missing: one.safetensors, two.safetensors", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_index_that_disagrees_with_its_shards_is_refused()
    {
        using var folder = new TemporaryFolder();
        using var value = ones(1);
        SafetensorsFile.Write(folder.File("one.safetensors"), new Dictionary<string, Tensor> { ["x"] = value });
        File.WriteAllText(folder.File("model.safetensors.index.json"), """{"weight_map":{"a":"one.safetensors"}}""");
        var error = Assert.Throws<InvalidDataException>(() => TensorSource.OpenAny(folder.Path));
        Assert.Contains("one.safetensors lacks 'a'", error.Message, StringComparison.Ordinal);
        Assert.Contains("has 'x'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_folder_and_an_absent_path_say_so()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("no weights here", Assert.Throws<FileNotFoundException>(() => TensorSource.OpenAny(folder.Path)).Message, StringComparison.Ordinal);
        Assert.Contains("nothing.pt", Assert.Throws<FileNotFoundException>(() => TensorSource.OpenAny(folder.File("nothing.pt"))).Message, StringComparison.Ordinal);
    }
}
