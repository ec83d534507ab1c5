using TorchSharp;

namespace NextStep.Research.Tests;

/// <summary>What is written: kinds by the name's ending, texts of a PNG, animations.</summary>
public sealed class PictureWriterTests : IDisposable
{
    // What is made on the way in an expression lives until the test ends: the collector may not free it during a native call.
    private readonly TorchSharp.DisposeScope _scope = torch.NewDisposeScope();

    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("a.png", 0)]
    [InlineData("a.webp", 0)]
    [InlineData("a.JPG", 8)]
    public void The_ending_decides_the_kind(string name, int difference)
    {
        using torch.Tensor picture = Smooth();
        ImageFile.Save(_folder.File(name), picture);
        using torch.Tensor back = ImageFile.Load(_folder.File(name)), bytes = ImageFile.ToBytes(picture), read = ImageFile.ToBytes(back);
        Assert.InRange((bytes.to(torch.int32) - read.to(torch.int32)).abs().max().item<int>(), 0, difference);
        byte[] head = File.ReadAllBytes(_folder.File(name))[..4];
        Assert.Equal(name[^3..].ToUpperInvariant() switch { "PNG" => 0x89, "JPG" => 0xFF, _ => (byte)'R' }, head[0]);
        byte[] first = File.ReadAllBytes(_folder.File(name));
        ImageFile.Save(_folder.File(name), picture);
        Assert.Equal(first, File.ReadAllBytes(_folder.File(name)));
    }

    [Fact]
    public void Another_ending_is_refused_by_name() =>
        Assert.Contains(".tiff", Assert.Throws<NotSupportedException>(() => ImageFile.Save(_folder.File("a.tiff"), torch.zeros(3, 2, 2))).Message, StringComparison.Ordinal);

    [Fact]
    public void Texts_of_a_PNG_come_back_whatever_they_hold()
    {
        string prompt = "ein rötlicher Kreis, 赤い円, \"quoted\"\nsecond line", large = new('x', 70_000);
        Dictionary<string, string> texts = new() { ["Description"] = prompt, ["nextstep"] = "{\"seed\":42}", ["large"] = large };
        using torch.Tensor picture = Smooth();
        File.WriteAllBytes(_folder.File("t.png"), ImageFile.EncodePng(picture, texts));
        Assert.Equal(texts, PngTexts.Read(_folder.File("t.png")));
        using torch.Tensor back = ImageFile.Load(_folder.File("t.png")), plain = ImageFile.Decode(ImageFile.EncodePng(picture), "plain");
        Assert.True(plain.equal(back).all().item<bool>());
        Assert.Empty(Texts(ImageFile.EncodePng(picture)));
    }

    [Fact]
    public void Cut_damaged_and_other_files_say_so()
    {
        byte[] whole = ImageFile.EncodePng(Smooth(), new Dictionary<string, string> { ["a"] = "b" }), damaged = [.. whole];
        damaged[60] ^= 1;
        Assert.Contains("damaged", Assert.Throws<InvalidDataException>(() => Texts(damaged)).Message, StringComparison.Ordinal);
        Assert.Contains("truncated", Assert.Throws<InvalidDataException>(() => Texts(whole[..^8])).Message, StringComparison.Ordinal);
        Assert.Contains("no PNG", Assert.Throws<InvalidDataException>(() => Texts([1, 2, 3])).Message, StringComparison.Ordinal);
        Assert.Contains("gone.png", Assert.Throws<FileNotFoundException>(() => PngTexts.Read(_folder.File("gone.png"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_animation_holds_every_picture_in_its_order()
    {
        torch.Tensor[] frames = [.. new[] { -1f, 0.2f, 1f }.Select(v => torch.full([3, 8, 8], v))];
        ImageFile.SaveAnimation(_folder.File("a.gif"), frames);
        using SixLabors.ImageSharp.Image<SixLabors.ImageSharp.PixelFormats.Rgb24> read = SixLabors.ImageSharp.Image.Load<SixLabors.ImageSharp.PixelFormats.Rgb24>(_folder.File("a.gif"));
        Assert.Equal([0, 153, 255], Enumerable.Range(0, read.Frames.Count).Select(i => (int)read.Frames[i][3, 3].R));
    }

    private IReadOnlyDictionary<string, string> Texts(byte[] file)
    {
        File.WriteAllBytes(_folder.File("texts.png"), file);
        return PngTexts.Read(_folder.File("texts.png"));
    }

    private static torch.Tensor Smooth()
    {
        using torch.Tensor x = torch.linspace(0, 3, 24), y = torch.linspace(0, 2, 20).unsqueeze(1);
        return torch.stack([torch.sin(x + y), torch.cos(x - y), torch.sin(x * y)]);
    }
}
