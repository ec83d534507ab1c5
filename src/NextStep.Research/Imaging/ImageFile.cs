using System.Runtime.InteropServices;
using SkiaSharp;
using TorchSharp;

namespace NextStep.Research;

/// <summary>
/// Picture files to tensors and back. The only place that knows the codec (SkiaSharp).
/// Tensors are float32 [3, H, W] in [−1, 1], sRGB values as stored.
/// </summary>
public static class ImageFile
{
    /// <summary>Larger files are refused.</summary>
    public const long MaximumBytes = 512L << 20;

    /// <summary>Larger pictures are refused.</summary>
    public const long MaximumPixels = 100_000_000;

    /// <summary>Extensions that are looked for in folders and archives.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"];

    /// <summary>Whether the name ends like a picture's.</summary>
    public static bool HasImageExtension(string path) => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads PNG, JPEG, WebP, BMP or the first frame of a GIF. Alpha is laid on white, EXIF orientation applied.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">Truncated, no picture, or too large; the message names the file.</exception>
    public static torch.Tensor Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"The picture '{path}' does not exist.", path);
        }
        if (new FileInfo(path).Length > MaximumBytes)
        {
            throw new InvalidDataException($"The picture '{path}' is larger than {MaximumBytes >> 20} MB.");
        }
        return Decode(File.ReadAllBytes(path), path);
    }

    /// <summary>Decodes a picture held in memory; like <see cref="Load"/>.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="nameForErrors">What error messages call it.</param>
    public static torch.Tensor Decode(byte[] bytes, string nameForErrors)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        if (bytes.LongLength > MaximumBytes)
        {
            throw new InvalidDataException($"The picture '{nameForErrors}' is larger than {MaximumBytes >> 20} MB.");
        }
        using SKData data = SKData.CreateCopy(bytes);
        using SKCodec codec = SKCodec.Create(data)
            ?? throw new InvalidDataException(PlaceholderFile.Describe(bytes.AsSpan(0, Math.Min(1024, bytes.Length)), bytes.Length) is { } fault ? $"'{nameForErrors}' {fault}." : $"'{nameForErrors}' is no picture in a known format (PNG, JPEG, WebP, BMP, GIF), or its header is damaged.");
        if ((long)codec.Info.Width * codec.Info.Height > MaximumPixels)
        {
            throw new InvalidDataException($"The picture '{nameForErrors}' has {codec.Info.Width}x{codec.Info.Height} pixels; at most {MaximumPixels / 1_000_000} million are read.");
        }
        // A named sRGB profile makes the codec convert embedded profiles; straight alpha keeps colours exact.
        using SKColorSpace srgb = SKColorSpace.CreateSrgb();
        SKImageInfo info = new(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul, srgb);
        byte[] pixels = new byte[info.BytesSize64];
        GCHandle pin = GCHandle.Alloc(pixels, GCHandleType.Pinned);
        try
        {
            SKCodecResult result = codec.GetPixels(info, pin.AddrOfPinnedObject());
            if (result != SKCodecResult.Success)
            {
                throw new InvalidDataException($"The picture '{nameForErrors}' cannot be decoded ({Words(result)}).");
            }
        }
        finally
        {
            pin.Free();
        }
        float[] planes = CompositeOnWhite(pixels, info.Width * info.Height);
        using torch.Tensor upright = Orient(torch.tensor(planes, [3, info.Height, info.Width]), codec.EncodedOrigin);
        return upright.contiguous();
    }

    /// <summary>The picture as a PNG file; values outside [−1, 1] are clamped.</summary>
    /// <param name="pixels">[3, H, W], any float type and device.</param>
    /// <exception cref="InvalidDataException">A pixel is no number.</exception>
    public static byte[] EncodePng(torch.Tensor pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.dim() != 3 || pixels.size(0) != 3)
        {
            throw new ArgumentException($"A picture is [3, height, width], not [{string.Join(", ", pixels.shape)}].", nameof(pixels));
        }
        using (torch.Tensor broken = pixels.isnan().any())
        {
            if (broken.item<bool>())
            {
                throw new InvalidDataException("A picture to be written holds pixels that are no numbers (NaN).");
            }
        }
        byte[] rgba = ToRgba(pixels);
        SKImageInfo info = new((int)pixels.size(2), (int)pixels.size(1), SKColorType.Rgba8888, SKAlphaType.Opaque);
        GCHandle pin = GCHandle.Alloc(rgba, GCHandleType.Pinned);
        try
        {
            using SKPixmap map = new(info, pin.AddrOfPinnedObject());
            using SKData data = map.Encode(new SKPngEncoderOptions(SKPngEncoderFilterFlags.AllFilters, 6))
                ?? throw new InvalidOperationException($"The PNG encoder refused a picture of {info.Width}x{info.Height} pixels.");
            return data.ToArray();
        }
        finally
        {
            pin.Free();
        }
    }

    /// <summary>Writes a PNG file, whole or not at all.</summary>
    public static void SavePng(string path, torch.Tensor pixels)
    {
        byte[] bytes = EncodePng(pixels);
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    /// <summary>8-bit values as every writer here rounds them: uint8, same shape. The caller disposes.</summary>
    public static torch.Tensor ToBytes(torch.Tensor pixels)
    {
        using var scope = torch.NewDisposeScope();
        return pixels.detach().to(torch.float32).cpu().add(1).mul_(127.5f).clamp_(0, 255).round_().to(torch.uint8).MoveToOuterDisposeScope();
    }

    private static byte[] ToRgba(torch.Tensor pixels)
    {
        using torch.Tensor bytes = ToBytes(pixels);
        using torch.Tensor interleaved = bytes.permute(1, 2, 0).contiguous();
        byte[] rgb = interleaved.data<byte>().ToArray();
        byte[] rgba = new byte[rgb.Length / 3 * 4];
        for (int i = 0, o = 0; i < rgb.Length; i += 3, o += 4)
        {
            (rgba[o], rgba[o + 1], rgba[o + 2], rgba[o + 3]) = (rgb[i], rgb[i + 1], rgb[i + 2], 255);
        }
        return rgba;
    }

    private static float[] CompositeOnWhite(byte[] rgba, int count)
    {
        float[] planes = new float[3 * count];
        for (int i = 0; i < count; i++)
        {
            int alpha = rgba[(4 * i) + 3];
            for (int c = 0; c < 3; c++)
            {
                int value = ((rgba[(4 * i) + c] * alpha) + (255 * (255 - alpha)) + 127) / 255;
                planes[(c * count) + i] = (value / 127.5f) - 1f;
            }
        }
        return planes;
    }

    /// <summary>Undoes the camera's orientation; takes over <paramref name="stored"/>.</summary>
    private static torch.Tensor Orient(torch.Tensor stored, SKEncodedOrigin origin)
    {
        using torch.Tensor source = stored;
        return origin switch
        {
            SKEncodedOrigin.TopRight => source.flip(2),
            SKEncodedOrigin.BottomRight => source.flip(1, 2),
            SKEncodedOrigin.BottomLeft => source.flip(1),
            SKEncodedOrigin.LeftTop => source.transpose(1, 2),
            SKEncodedOrigin.RightTop => source.rot90(-1, (1, 2)),
            SKEncodedOrigin.RightBottom => source.transpose(1, 2).flip(1, 2),
            SKEncodedOrigin.LeftBottom => source.rot90(1, (1, 2)),
            _ => source.alias(),
        };
    }

    private static string Words(SKCodecResult result) => result switch
    {
        SKCodecResult.IncompleteInput => "the file is truncated",
        SKCodecResult.ErrorInInput => "the data are damaged",
        SKCodecResult.InvalidInput => "the data are damaged",
        _ => result.ToString(),
    };
}
