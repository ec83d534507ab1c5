using System.Runtime.InteropServices;
using TorchSharp;

namespace NextStep.Research;

/// <summary>
/// Picture files to tensors and back: read by SkiaSharp, which equals Pillow and libjpeg-turbo to the bit and reports truncation, written by ImageSharp.
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

    /// <summary>Endings of the pictures that are written.</summary>
    public static IReadOnlyList<string> WrittenExtensions => PictureWriter.Extensions;

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
        Span<float> planes = MemoryMarshal.Cast<byte, float>(stored.bytes);
        raw.LayOnWhite(0, 0, width, height);
        for (int y = 0; y < height; y++)
        {
            Resampling.Planes(raw.Row(y), planes[(y * width)..], height * width);
        }
        return Orient(stored, raw.Orientation);
    }

    /// <summary>
    /// The largest centred square of a picture file, resampled (Lanczos-3) to 8 bits like Pillow's: [3, <paramref name="size"/>, <paramref name="size"/>]. A few large pictures
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
        Resampling.Square(raw, size, MemoryMarshal.Cast<byte, float>(stored.bytes));
        return Orient(stored, raw.Orientation);
    }

    /// <summary>The picture as a PNG file; values outside [−1, 1] are clamped.</summary>
    /// <param name="pixels">[3, H, W], any float type and device.</param>
    /// <param name="texts">What the file says of itself, by keyword (1 to 79 Latin letters), for <see cref="PngTexts"/>; null = nothing.</param>
    /// <exception cref="InvalidDataException">A pixel is no number.</exception>
    public static byte[] EncodePng(torch.Tensor pixels, IReadOnlyDictionary<string, string>? texts = null)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        return PictureWriter.Png(pixels, texts);
    }

    /// <summary>Writes a picture, whole or not at all, as the name's ending says: .png, .jpg (quality 95, no chroma subsampling), .webp (lossless). Only PNG keeps texts.</summary>
    /// <exception cref="NotSupportedException">Another ending.</exception>
    /// <exception cref="InvalidDataException">A pixel is no number.</exception>
    public static void Save(string path, torch.Tensor pixels, IReadOnlyDictionary<string, string>? texts = null)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        byte[] bytes = PictureWriter.Encode(pixels, Path.GetExtension(path), texts);
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    /// <summary>Writes an animated GIF that runs once, 80 ms a picture and two seconds for the last.</summary>
    /// <param name="path">The file.</param>
    /// <param name="frames">At least one of [3, H, W] in [−1, 1], all of one size.</param>
    public static void SaveAnimation(string path, IReadOnlyList<torch.Tensor> frames)
    {
        ArgumentNullException.ThrowIfNull(frames);
        byte[] bytes = PictureWriter.Gif(frames);
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    /// <summary>8-bit values as every writer here rounds them: uint8, same shape. The caller disposes.</summary>
    public static torch.Tensor ToBytes(torch.Tensor pixels)
    {
        using var scope = torch.NewDisposeScope();
        return pixels.detach().to(torch.float32).cpu().Plus(1).TimesInPlace(127.5f).clamp_(Scalars.Of(0), Scalars.Of(255)).round_().to(torch.uint8).MoveToOuterDisposeScope();
    }

    internal static byte[] Read(string path)
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
