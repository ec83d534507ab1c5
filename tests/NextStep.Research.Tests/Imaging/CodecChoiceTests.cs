using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Bmp;
using SixLabors.ImageSharp.Formats.Gif;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;
using TorchSharp;

namespace NextStep.Research.Tests;

/// <summary>Why SkiaSharp reads and ImageSharp 2.1.13 writes and resizes: what each does, on files that are made here.</summary>
public sealed class CodecChoiceTests : IDisposable
{
    // What is made on the way in an expression lives until the test ends: the collector may not free it during a native call.
    private readonly TorchSharp.DisposeScope _scope = torch.NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    private static readonly (string Name, IImageEncoder Encoder)[] Formats =
    [
        ("a.png", new PngEncoder()), ("a.jpg", new JpegEncoder()), ("a.webp", new WebpEncoder { FileFormat = WebpFileFormatType.Lossless }), ("a.bmp", new BmpEncoder()), ("a.gif", new GifEncoder()),
    ];

    // Pillow 9.4.0 on the picture of Formula(29, 29): Image.resize((8, 8), Image.LANCZOS) and Image.BICUBIC, RGB row by row.
    private const string Lanczos = """
        Gh0ndX+FkJNvf4t9c3KOk4yPfaGAbXJ8NU9zgaOkdahegYd9d5KPjHltfZFzZpmmQXCwl7CjjW5qgXmFhpGUW2qRcnCLeoKOWqa5oKJtdGKLdnWMdXh9fJRvYIBziGx4aMxXtoNdhWuleYiA
        f3Boc4CEaXaMX4GRfZk5w1iYk4F2anuBf4WYb1uEbFV0moaOn2WIg0umYoNulnmGeaeFfnxtg3J5h3qqsDXAp3yAbZZkiXx2i4GRiZCQjpmOdnOK
        """;

    private const string Bicubic = """
        HyQtcnyDjJJrg46AcnKOkoyQfJ2AbXZ+OFN0gJ+ic6RhhIp9eJCNiXxue492aZaiRXKrlK2ii25ug3mBhY6SXW6Pc3SMen+LXKO0n6NucmeNdXKKd3l+e5BzYIBzh218asJbtIRig3KifYGE
        gHJpcYGFaXeIYIKQgJpAv1mTjoJyb3yDfYSVcV+DcFd1l4WMmGiGiE6lZ35vj36FeqKFf3xwhHF9hHmnqzi4qHmDc5FphX90ioGSipCNjpeOdnSJ
        """;

    /// <summary>Pillow rounds between its two passes, ImageSharp does not: one level of difference where it falls so.</summary>
    [Fact]
    public void Resizing_gives_Pillows_values_within_a_grey_level()
    {
        byte[] lanczos = Convert.FromBase64String(Lanczos), bicubic = Convert.FromBase64String(Bicubic);
        using Image<Rgb24> picture = Formula(29, 29);
        using torch.Tensor square = ImageFile.DecodeSquare(Encoded(picture, new PngEncoder()), "formula", 8), bytes = ImageFile.ToBytes(square);
        Assert.InRange(Largest(lanczos, [.. bytes.permute(1, 2, 0).contiguous().bytes]), 0, 1);
        using torch.Tensor whole = ImageFile.Decode(Encoded(picture, new PngEncoder()), "formula"), resized = Resize.To(whole, 8, 8), rounded = ImageFile.ToBytes(resized);
        Assert.InRange(Largest(lanczos, [.. rounded.permute(1, 2, 0).contiguous().bytes]), 0, 1);
        using Image<Rgb24> cubic = picture.Clone(c => c.Resize(8, 8, KnownResamplers.Bicubic));
        Assert.InRange(Largest(bicubic, Pixels(cubic)), 0, 1);
        Assert.True(Largest(lanczos, bicubic) > 5); // they are told apart
    }

    [Fact]
    public void Planes_of_any_number_are_resized_each_for_itself_and_without_rounding()
    {
        using torch.Generator random = Streams.For(3, "planes");
        using torch.Tensor batch = torch.rand(2, 5, 13, 9, generator: random), small = Resize.To(batch, 6, 7);
        Assert.Equal([2L, 5, 6, 7], small.shape);
        for (int n = 0; n < 2; n++)
        {
            for (int c = 0; c < 5; c++)
            {
                using torch.Tensor alone = Resize.To(batch[n, c].unsqueeze(0), 6, 7);
                Assert.True(alone[0].equal(small[n, c]).all().item<bool>());
            }
        }
        using torch.Tensor tiny = torch.full([1, 4, 4], 1e-4f), kept = Resize.To(tiny, 3, 3);
        Assert.InRange((kept - tiny.narrow(1, 0, 3).narrow(2, 0, 3)).abs().max().item<float>(), 0, 1e-8f);
    }

    /// <summary>Saturated colours at half chroma resolution: libjpeg-turbo, Pillow and Skia interpolate it, ImageSharp repeats it.</summary>
    [Fact]
    public void ImageSharp_reads_subsampled_JPEG_otherwise_than_the_fields_reference()
    {
        using Image<Rgb24> picture = new(32, 32, new Rgb24(255, 0, 0));
        for (int y = 0; y < 32; y++)
        {
            for (int x = 7; x < 18; x++)
            {
                picture[x, y] = new Rgb24(0, 0, 255);
            }
        }
        byte[] jpeg = Encoded(picture, new JpegEncoder { Quality = 95, ColorType = JpegColorType.YCbCrRatio420 });
        using Image<Rgb24> other = Image.Load<Rgb24>(jpeg);
        using torch.Tensor ours = ImageFile.Decode(jpeg, "chroma"), bytes = ImageFile.ToBytes(ours);
        Assert.True(Largest([.. bytes.permute(1, 2, 0).contiguous().bytes], Pixels(other)) > 40);
    }

    [Fact]
    public void Skia_reports_cut_files_that_ImageSharp_reads_as_partly_black_pictures()
    {
        int silent = 0;
        foreach ((string name, IImageEncoder encoder) in Formats)
        {
            byte[] whole = Encoded(Formula(40, 40), encoder), cut = whole[..(whole.Length * 2 / 3)];
            ImageFile.Decode(whole, name).Dispose();
            Assert.Contains(name, Assert.Throws<InvalidDataException>(() => ImageFile.Decode(cut, name)).Message, StringComparison.Ordinal);
            silent += Record.Exception(() => Image.Load<Rgb24>(cut).Dispose()) is null ? 1 : 0;
        }
        Assert.InRange(silent, 1, Formats.Length);
    }

    /// <summary>The first frame is read, as Pillow does.</summary>
    [Fact]
    public void An_animated_WebP_is_read()
    {
        byte[] still = Encoded(Formula(16, 16), new WebpEncoder { FileFormat = WebpFileFormatType.Lossless }), animated = Animated(still, 16);
        using torch.Tensor first = ImageFile.Decode(animated, "animated"), expected = ImageFile.Decode(still, "still");
        Assert.True(first.equal(expected).all().item<bool>());
        Assert.NotNull(Record.Exception(() => Image.Load<Rgb24>(animated).Dispose()));
    }

    /// <summary>One rule for 16 bits: the upper eight count, so 0x01FF is 1 and 0xFFFF is 255.</summary>
    [Fact]
    public void Of_16_bits_the_upper_eight_count()
    {
        using Image<L16> grey = new(256, 1);
        for (int x = 0; x < 256; x++)
        {
            grey[x, 0] = new L16((ushort)((x << 8) | 0xFF));
        }
        using MemoryStream file = new();
        grey.Save(file, new PngEncoder { ColorType = PngColorType.Grayscale, BitDepth = PngBitDepth.Bit16 });
        using torch.Tensor read = ImageFile.Decode(file.ToArray(), "grey"), bytes = ImageFile.ToBytes(read);
        Assert.Equal(Enumerable.Range(0, 256).Select(v => (byte)v), bytes[0, 0].contiguous().bytes.ToArray());
    }

    /// <summary>Damaged files of every kind that is read: a picture or one error with the file's name, never another exception.</summary>
    [Fact]
    public void Damaged_files_give_a_picture_or_an_error_that_names_them()
    {
        Random random = new(7);
        int refused = 0;
        foreach ((string name, IImageEncoder encoder) in Formats)
        {
            byte[] whole = Encoded(Formula(24, 18), encoder);
            for (int round = 0; round < 150; round++)
            {
                byte[] damaged = round % 3 == 0 ? whole[..random.Next(whole.Length)] : [.. whole];
                for (int hits = random.Next(1, 8); hits > 0 && damaged.Length > 0; hits--)
                {
                    damaged[random.Next(Math.Min(damaged.Length, random.Next(2) == 0 ? 64 : int.MaxValue))] = (byte)random.Next(256);
                }
                try
                {
                    using torch.Tensor read = ImageFile.Decode(damaged, name);
                    Assert.Equal(3, read.size(0));
                }
                catch (InvalidDataException e)
                {
                    Assert.Contains(name, e.Message, StringComparison.Ordinal);
                    refused++;
                }
            }
        }
        Assert.InRange(refused, 300, 750);
    }

    private static Image<Rgb24> Formula(int width, int height)
    {
        Image<Rgb24> picture = new(width, height);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                byte Value(int c) => (byte)((x * x * 3) + (y * 5 * (c + 1)) + (x * y % (7 + c) * 9));
                picture[x, y] = new Rgb24(Value(0), Value(1), Value(2));
            }
        }
        return picture;
    }

    private static byte[] Encoded(Image<Rgb24> picture, IImageEncoder encoder)
    {
        using MemoryStream file = new();
        picture.Save(file, encoder);
        return file.ToArray();
    }

    private static byte[] Pixels(Image<Rgb24> picture)
    {
        byte[] pixels = new byte[3 * picture.Width * picture.Height];
        picture.CopyPixelDataTo(pixels);
        return pixels;
    }

    private static int Largest(byte[] a, byte[] b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Max();

    // WebP container specification: VP8X with the animation flag, ANIM, and the still picture's VP8L chunk in one ANMF.
    private static byte[] Animated(byte[] still, int side)
    {
        byte[] Chunk(string type, params byte[] content) => [.. System.Text.Encoding.ASCII.GetBytes(type), .. BitConverter.GetBytes(content.Length), .. content, .. new byte[content.Length % 2]];
        byte[] last = [(byte)(side - 1), 0, 0];
        byte[] frame = [0, 0, 0, 0, 0, 0, .. last, .. last, 100, 0, 0, 0, .. still[12..]];
        byte[] body = [.. "WEBP"u8, .. Chunk("VP8X", [2, 0, 0, 0, .. last, .. last]), .. Chunk("ANIM", 0, 0, 0, 0, 0, 0), .. Chunk("ANMF", frame), .. Chunk("ANMF", frame)];
        return [.. "RIFF"u8, .. BitConverter.GetBytes(body.Length), .. body];
    }
}
