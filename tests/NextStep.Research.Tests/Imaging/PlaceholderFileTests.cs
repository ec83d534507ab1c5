using System.Text;

namespace NextStep.Research.Tests;

public sealed class PlaceholderFileTests
{
    private const string Pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:abab\nsize 2404072\n";

    [Theory]
    [InlineData(Pointer, "is a Git LFS pointer to 2404072 bytes, not the file itself; fetch it with: git lfs pull")]
    [InlineData("\uFEFF\n <!DOCTYPE html><html><title>Access denied</title>", "is an HTML page (\"Access denied\")")]
    [InlineData("<html><body>", "is an HTML page, which")]
    [InlineData("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "is an XML message of a server")]
    [InlineData("{\"error\": \"Repository not found\"}", "is a JSON message of a server ({\"error\": \"Repository not found\"})")]
    [InlineData("Entry not found", "is a text of 15 bytes (Entry not found)")]
    [InlineData("", "is empty")]
    [InlineData("{\"hidden_size\": 3}", null)]
    [InlineData("PK\u0003\u0004", null)]
    public void What_stands_in_for_a_file_is_recognised(string content, string? expected)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(content);
        string? found = PlaceholderFile.Describe(bytes, bytes.Length);
        Assert.Equal(expected is null, found is null);
        Assert.StartsWith(expected ?? "", found ?? "", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.safetensors")]
    [InlineData("a.pt")]
    [InlineData("a.safetensors.index.json")]
    [InlineData("a.onnx")]
    [InlineData("a.png")]
    [InlineData("config.json")]
    [InlineData("vocab.json")]
    public void Every_reader_says_it_with_the_name_of_the_file(string name)
    {
        using TemporaryFolder folder = new();
        string file = folder.File(name);
        File.WriteAllText(file, Pointer);
        File.WriteAllText(folder.File("merges.txt"), "");
        Exception error = Assert.ThrowsAny<Exception>(() => Open(folder.Path, file));
        Assert.Contains($"{file} is a Git LFS pointer", error.Message.Replace("'", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    private static void Open(string folder, string file)
    {
        switch (Path.GetExtension(file))
        {
            case ".onnx":
                new OnnxFeatureNetwork(file, new OnnxInput()).Dispose();
                break;
            case ".png":
                ImageFile.Load(file).Dispose();
                break;
            case ".json" when file.EndsWith("config.json", StringComparison.Ordinal):
                ReleasedConfig.ReadOwn(file);
                break;
            case ".json" when file.EndsWith("vocab.json", StringComparison.Ordinal):
                QwenTokenizer.Load(folder);
                break;
            default:
                TensorSource.OpenAny(file).Dispose();
                break;
        }
    }
}
