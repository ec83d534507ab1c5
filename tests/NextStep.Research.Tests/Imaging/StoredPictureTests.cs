using System.Buffers.Binary;
using SkiaSharp;
using TorchSharp;

namespace NextStep.Research.Tests;

/// <summary>What a file says beside its pixels: orientation, gamma, size.</summary>
public sealed class StoredPictureTests : IDisposable
{
    // What is made on the way in an expression lives until the test ends: the collector may not free it during a native call.
    private readonly TorchSharp.DisposeScope _scope = torch.NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(9, 14)]
    [InlineData(14, 9)]
    public void Orientation_of_a_PNG_is_applied_as_SHORT_and_as_LONG_also_to_the_square(int height, int width)
    {
        using torch.Tensor picture = Random(height, width);
        byte[] png = ImageFile.EncodePng(picture);
        using torch.Tensor stored = ImageFile.Decode(png, "stored");
        for (int orientation = 1; orientation <= 8; orientation++)
        {
            using torch.Tensor expected = Upright(stored, orientation);
            foreach (bool wide in (bool[])[false, true])
            {
                byte[] turned = WithChunk(png, "eXIf", Tiff(orientation, wide));
                using torch.Tensor found = ImageFile.Decode(turned, "turned"), square = ImageFile.DecodeSquare(turned, "turned", 5), whole = Resize.SquareResize(expected, 5);
                Assert.True(found.equal(expected).all().item<bool>(), $"orientation {orientation}");
                Assert.True((square - whole).abs().max().item<float>() < 0.51f / 127.5f, $"square of orientation {orientation}");
                FileFacts facts = PictureProbe.Of(turned, "");
                Assert.Equal(((int)expected.size(2), (int)expected.size(1)), (facts.Width, facts.Height));
            }
        }
    }

    [Fact]
    public void Gamma_of_a_PNG_changes_no_value()
    {
        using torch.Tensor picture = Random(6, 6);
        byte[] png = ImageFile.EncodePng(picture), gamma = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(gamma, 100_000);
        using torch.Tensor plain = ImageFile.Decode(png, "plain"), marked = ImageFile.Decode(WithChunk(png, "gAMA", gamma), "marked");
        Assert.True(plain.equal(marked).all().item<bool>());
    }

    [Fact]
    public void A_large_JPEG_is_decoded_small_and_looks_the_same()
    {
        using SKBitmap bitmap = new(512, 400);
        for (int y = 0; y < 400; y++)
        {
            for (int x = 0; x < 512; x++)
            {
                bitmap.SetPixel(x, y, new SKColor((byte)(x / 2), (byte)(y / 2), (byte)(128 + (100 * Math.Sin((x + y) / 40.0)))));
            }
        }
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Jpeg, 95);
        byte[] jpeg = data.ToArray();
        using (RawPicture scaled = RawPicture.Decode(jpeg, "large", 4 * 12))
        {
            Assert.Equal((64, 50), (scaled.Width, scaled.Height));
        }
        using torch.Tensor small = ImageFile.DecodeSquare(jpeg, "large", 12), whole = ImageFile.Decode(jpeg, "large"), expected = Resize.SquareResize(whole, 12);
        Assert.InRange((small - expected).abs().max().item<float>(), 0, 3 / 127.5f);
    }

    [Fact]
    public void A_cut_picture_is_found_without_asking_for_its_pixels_and_other_files_are_called_what_they_are()
    {
        using torch.Tensor picture = Random(40, 40);
        byte[] png = ImageFile.EncodePng(picture);
        byte[] damaged = [.. png];
        damaged[damaged.Length / 2] ^= 0xFF;
        Assert.Null(PictureProbe.Of(png, "").Problem);
        Assert.Contains("truncated", PictureProbe.Of(png[..(png.Length / 2)], "").Problem, StringComparison.Ordinal);
        Assert.NotNull(PictureProbe.Of(damaged, "").Problem);
        Assert.Contains("Git LFS", PictureProbe.Of("version https://git-lfs.github.com/spec/v1\n"u8.ToArray(), "").Problem, StringComparison.Ordinal);
        Assert.Contains("HTML page", PictureProbe.Of("<!DOCTYPE html>"u8.ToArray(), "").Problem, StringComparison.Ordinal);
        Assert.StartsWith("is empty", PictureProbe.Of([], "").Problem, StringComparison.Ordinal);
    }

    private static torch.Tensor Random(int height, int width)
    {
        using torch.Generator random = Streams.For(5, "stored");
        return torch.rand(3, height, width, generator: random).mul_(2).sub_(1);
    }

    // Exif 2.32, orientation: what the first row and the first column of the stored picture are.
    private static torch.Tensor Upright(torch.Tensor stored, int orientation)
    {
        using torch.Tensor turned = orientation >= 5 ? stored.transpose(1, 2) : stored.alias();
        return orientation switch
        {
            2 or 6 => turned.flip(2),
            3 or 7 => turned.flip(1, 2),
            4 or 8 => turned.flip(1),
            _ => turned.clone(),
        };
    }

    private static byte[] Tiff(int orientation, bool wide)
    {
        byte[] tiff = [(byte)'M', (byte)'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, (byte)(wide ? 4 : 3), 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        tiff[wide ? 21 : 19] = (byte)orientation;
        return tiff;
    }

    // Behind the head, which is 33 bytes.
    private static byte[] WithChunk(byte[] png, string type, byte[] content)
    {
        byte[] chunk = [0, 0, 0, (byte)content.Length, .. System.Text.Encoding.ASCII.GetBytes(type), .. content, 0, 0, 0, 0];
        uint crc = uint.MaxValue;
        foreach (byte b in chunk.AsSpan(4, content.Length + 4))
        {
            crc ^= b;
            for (int k = 0; k < 8; k++)
            {
                crc = (crc & 1) != 0 ? 0xEDB88320 ^ (crc >> 1) : crc >> 1;
            }
        }
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(chunk.Length - 4), ~crc);
        return [.. png[..33], .. chunk, .. png[33..]];
    }
}
