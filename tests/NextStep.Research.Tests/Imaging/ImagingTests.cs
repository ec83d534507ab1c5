using TorchSharp;

namespace NextStep.Research.Tests;

public sealed class ImagingTests : IDisposable
{
    // What is made on the way in an expression lives until the test ends: the collector may not free it during a native call.
    private readonly TorchSharp.DisposeScope _scope = torch.NewDisposeScope();

    private readonly string _folder = Directory.CreateTempSubdirectory("nextstep-imaging-").FullName;

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Png_round_trip_is_exact_on_8_bit_values()
    {
        using torch.Generator random = Streams.For(1, "test.png");
        using torch.Tensor bytes = torch.randint(0, 256, [3, 13, 7], generator: random).to(torch.float32);
        using torch.Tensor pixels = bytes.div(127.5f).sub_(1f);
        string file = Path.Combine(_folder, "a.png");
        ImageFile.Save(file, pixels);
        using torch.Tensor back = ImageFile.Load(file);
        Assert.True(torch.allclose(pixels, back, atol: 1e-6));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void Values_beyond_the_range_are_clamped()
    {
        using torch.Tensor pixels = torch.tensor([-3f, 0f, 5f]).reshape(3, 1, 1);
        using torch.Tensor back = ImageFile.Decode(ImageFile.EncodePng(pixels), "memory");
        Assert.Equal([-1f, 0.00392163f, 1f], back.data<float>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-4);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(40)]
    [InlineData(-20)]
    public void Truncated_file_names_the_file(int length)
    {
        using torch.Generator random = Streams.For(1, "test.cut");
        using torch.Tensor pixels = torch.rand(3, 30, 30, generator: random);
        byte[] whole = ImageFile.EncodePng(pixels);
        string file = Path.Combine(_folder, "broken.png");
        File.WriteAllBytes(file, whole[..(length < 0 ? whole.Length / 2 : length)]);
        Assert.Contains("broken.png", Assert.Throws<InvalidDataException>(() => ImageFile.Load(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Huge_header_is_refused_before_memory_is_taken()
    {
        using torch.Tensor pixels = torch.zeros(3, 2, 2);
        byte[] png = ImageFile.EncodePng(pixels);
        // Width and height of the header chunk, then its checksum.
        byte[] header = [.. png[12..16], 0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60, .. png[24..29]];
        header.CopyTo(png, 12);
        byte[] sum = System.IO.Hashing.Crc32.Hash(header);
        Array.Reverse(sum);
        sum.CopyTo(png, 29);
        Assert.Contains("million", Assert.Throws<InvalidDataException>(() => ImageFile.Decode(png, "huge.png")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_file_is_named() =>
        Assert.Contains("gone.png", Assert.Throws<FileNotFoundException>(() => ImageFile.Load(Path.Combine(_folder, "gone.png"))).Message, StringComparison.Ordinal);

    [Fact]
    public void Resizing_keeps_constants_and_does_not_alias()
    {
        using torch.Tensor constant = torch.full([3, 50, 31], 0.25);
        using torch.Tensor smaller = Resize.To(constant, 16, 16);
        using torch.Tensor larger = Resize.To(constant, 80, 90);
        Assert.True(torch.allclose(smaller, torch.full([3, 16, 16], 0.25f), atol: 1e-5));
        Assert.True(torch.allclose(larger, torch.full([3, 80, 90], 0.25f), atol: 1e-5));
        // Stripes finer than the target's limit must vanish, not turn into other stripes.
        using torch.Tensor stripes = torch.cos(torch.arange(128, torch.float32).mul(0.9f * MathF.PI)).expand(3, 128, 128).contiguous();
        using torch.Tensor shrunk = Resize.To(stripes, 32, 32);
        Assert.InRange(shrunk.square().mean().sqrt().item<float>(), 0f, 0.05f);
    }

    [Fact]
    public void Square_resizing_takes_the_middle()
    {
        using torch.Tensor wide = torch.cat([torch.ones(3, 8, 8).neg(), torch.ones(3, 8, 8), torch.ones(3, 8, 8).neg()], 2);
        using torch.Tensor square = Resize.SquareResize(wide, 8);
        Assert.True(torch.allclose(square, torch.ones(3, 8, 8)));
    }

    [Fact]
    public void Grid_places_pictures_and_draws_captions()
    {
        using torch.Tensor images = torch.stack([torch.zeros(3, 4, 4), torch.full([3, 4, 4], -0.5), torch.full([3, 4, 4], 0.5)]);
        using torch.Tensor plain = ImageGrid.Make(images, 2, padding: 1);
        Assert.Equal([3L, 12, 12], plain.shape);
        Assert.Equal(-0.5f, plain[0, 2, 8].item<float>());
        Assert.Equal(0.5f, plain[0, 8, 2].item<float>());
        Assert.Equal(1f, plain[0, 8, 8].item<float>());
        using torch.Tensor captioned = ImageGrid.Make(images, 3, padding: 1, enlarge: 8, captions: ["a", "", "ring"]);
        using torch.Tensor under = captioned.narrow(1, 34, captioned.size(1) - 34);
        Assert.True(under.narrow(2, 0, 34).min().item<float>() == -1f);
        Assert.True(under.narrow(2, 34, 34).min().item<float>() == 1f);
        Assert.Throws<ArgumentException>(() => ImageGrid.Make(images, 2, captions: ["one"]));
    }
}
