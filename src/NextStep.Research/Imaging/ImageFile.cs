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

    // A scaled JPEG keeps at least so many pixels a side for each of the result's: enough that the difference is below a grey level.
    private const int LeastOversampling = 4;

    /// <summary>Extensions that are looked for in folders and archives.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif"];

    /// <summary>Extensions of pictures that are known but not read; where they lie among others they are named.</summary>
    public static IReadOnlyList<string> UnreadExtensions { get; } =
    [
        ".tif", ".tiff", ".avif", ".heic", ".heif", ".jxl", ".jp2", ".j2k", ".jpx", ".svg", ".psd", ".tga", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm", ".exr", ".hdr",
        ".ico", ".pcx", ".dds", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2", ".mpo",
    ];

    /// <summary>What can be read, in words.</summary>
    internal const string Formats = "PNG, JPEG, WebP, BMP, GIF";

    /// <summary>Whether the name ends like that of a picture that is read.</summary>
    public static bool HasImageExtension(string path) => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether the name ends like that of a picture that is not read.</summary>
    public static bool HasUnreadExtension(string path) => UnreadExtensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads PNG, JPEG, WebP, BMP or the first frame of a GIF. Alpha is laid on white, EXIF orientation applied.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">Truncated, no picture, or too large; the message names the file.</exception>
    public static torch.Tensor Load(string path) => Decode(Read(path), path);

    /// <summary>Decodes a picture held in memory; like <see cref="Load"/>.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="nameForErrors">What error messages call it.</param>
    public static torch.Tensor Decode(byte[] bytes, string nameForErrors)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        using RawPicture raw = RawPicture.Decode(bytes, nameForErrors);
        (int width, int height) = (raw.Width, raw.Height);
        torch.Tensor stored = torch.empty([3, height, width], torch.float32);
        Span<float> planes = MemoryMarshal.Cast<byte, float>(stored.bytes), row = new float[3 * width];
        for (int y = 0; y < height; y++)
        {
            SquareSampling.Planes(raw.Rgba[(y * raw.Stride)..], row, width);
            for (int c = 0; c < 3; c++)
            {
                row.Slice(c * width, width).CopyTo(planes[((c * height * width) + (y * width))..]);
            }
        }
        return Orient(stored, raw.Orientation);
    }

    /// <summary>
    /// The largest centred square of a picture file, resampled (Lanczos-3): [3, <paramref name="size"/>, <paramref name="size"/>]. A few large pictures
    /// are decoded at a time, whatever the number of threads; a JPEG that is at least eight times too large is decoded at a fraction of its size.
    /// </summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">Truncated, no picture, or too large; the message names the file.</exception>
    public static torch.Tensor LoadSquare(string path, int size) => DecodeSquare(Read(path), path, size);

    /// <summary>The same of a picture held in memory.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="nameForErrors">What error messages call it.</param>
    /// <param name="size">Side of the result in pixels.</param>
    public static torch.Tensor DecodeSquare(byte[] bytes, string nameForErrors, int size)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        using RawPicture raw = RawPicture.Decode(bytes, nameForErrors, LeastOversampling * size);
        torch.Tensor stored = torch.empty([3, size, size], torch.float32);
        SquareSampling.Fill(MemoryMarshal.Cast<byte, float>(stored.bytes), raw, size);
        return Orient(stored, raw.Orientation);
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
        return pixels.detach().to(torch.float32).cpu().Plus(1).TimesInPlace(127.5f).clamp_(Scalars.Of(0), Scalars.Of(255)).round_().to(torch.uint8).MoveToOuterDisposeScope();
    }

    private static byte[] ToRgba(torch.Tensor pixels)
    {
        using torch.Tensor bytes = ToBytes(pixels);
        using torch.Tensor interleaved = bytes.permute(1, 2, 0).contiguous();
        ReadOnlySpan<byte> rgb = interleaved.bytes;
        byte[] rgba = new byte[rgb.Length / 3 * 4];
        for (int i = 0, o = 0; i < rgb.Length; i += 3, o += 4)
        {
            (rgba[o], rgba[o + 1], rgba[o + 2], rgba[o + 3]) = (rgb[i], rgb[i + 1], rgb[i + 2], 255);
        }
        return rgba;
    }

    private static byte[] Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"The picture '{path}' does not exist.", path);
        }
        return new FileInfo(path).Length > MaximumBytes
            ? throw PictureProblem.Of(path, $"is larger than {MaximumBytes >> 20} MB")
            : File.ReadAllBytes(path);
    }

    /// <summary>Undoes the camera's orientation; takes over <paramref name="stored"/>. Contiguous.</summary>
    private static torch.Tensor Orient(torch.Tensor stored, int orientation)
    {
        if (orientation == 1)
        {
            return stored;
        }
        using torch.Tensor source = stored;
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor upright = orientation switch
        {
            2 => source.flip(2),
            3 => source.flip(1, 2),
            4 => source.flip(1),
            5 => source.transpose(1, 2),
            6 => source.rot90(-1, (1, 2)),
            7 => source.transpose(1, 2).flip(1, 2),
            _ => source.rot90(1, (1, 2)),
        };
        return upright.contiguous().MoveToOuterDisposeScope();
    }
}
