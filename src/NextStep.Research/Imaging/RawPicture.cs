using System.Runtime.InteropServices;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using SkiaSharp;

namespace NextStep.Research;

/// <summary>
/// A decoded picture as the codec gives it: 8-bit RGBA in native memory, not yet upright, within <see cref="DecodeBudget"/>. Embedded ICC
/// profiles are converted to sRGB; the gamma and chromaticities of a PNG file (<c>gAMA</c>, <c>cHRM</c>) are not: its values are those stored.
/// </summary>
internal sealed class RawPicture : IDisposable
{
    private readonly SKBitmap _bitmap;
    private readonly DecodeBudget.Room _room;
    private readonly bool _hasAlpha;

    private RawPicture(SKBitmap bitmap, DecodeBudget.Room room, int orientation, bool hasAlpha) => (_bitmap, _room, Orientation, _hasAlpha) = (bitmap, room, orientation, hasAlpha);

    /// <summary>Of the stored rows.</summary>
    public int Width => _bitmap.Width;

    /// <summary>Of the stored columns.</summary>
    public int Height => _bitmap.Height;

    /// <summary>Exif orientation, 1 to 8; from 5 on the upright picture has width and height exchanged.</summary>
    public int Orientation { get; }

    /// <summary>One stored row, straight alpha until <see cref="LayOnWhite"/>.</summary>
    public unsafe Span<byte> Row(int y) => new((byte*)_bitmap.GetPixels() + ((long)y * _bitmap.RowBytes), 4 * Width);

    /// <summary>Lays the pixels of a part that are not opaque on white, rounded to 8 bits.</summary>
    public void LayOnWhite(int left, int top, int width, int height)
    {
        if (!_hasAlpha)
        {
            return;
        }
        for (int y = top; y < top + height; y++)
        {
            Span<byte> row = Row(y).Slice(4 * left, 4 * width);
            for (int at = 0; at < row.Length; at += 4)
            {
                int alpha = row[at + 3];
                for (int c = 0; c < 3; c++)
                {
                    row[at + c] = (byte)(((row[at + c] * alpha) + (255 * (255 - alpha)) + 127) / 255);
                }
                row[at + 3] = 255;
            }
        }
    }

    /// <summary>The same memory as an ImageSharp picture; it must not outlive this.</summary>
    public unsafe Image<Rgba32> Wrap(Configuration settings) =>
        Image.WrapMemory<Rgba32>(settings, _bitmap.GetPixels().ToPointer(), Width, Height);

    /// <summary>Reads the head.</summary>
    /// <exception cref="InvalidDataException">No picture, or too large.</exception>
    public static Source Open(byte[] bytes, string name) => new(bytes, name);

    /// <summary>Decodes a whole file.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="name">What errors call it.</param>
    /// <param name="leastSide">A JPEG may be decoded at ½, ¼ or ⅛ of its size as long as its shorter side keeps so many pixels; null = whole.</param>
    /// <exception cref="InvalidDataException">No picture, truncated, damaged or too large.</exception>
    public static RawPicture Decode(byte[] bytes, string name, int? leastSide = null)
    {
        using Source source = Open(bytes, name);
        SKSizeI size = source.Scaled(leastSide);
        DecodeBudget.Room room = DecodeBudget.Take((leastSide is null ? 4L : 8L) * size.Width * size.Height);
        SKBitmap bitmap = new();
        try
        {
            using SKColorSpace? srgb = source.Converts ? SKColorSpace.CreateSrgb() : null;
            SKImageInfo info = new(size.Width, size.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul, srgb);
            if (!bitmap.TryAllocPixels(info))
            {
                throw PictureProblem.Of(name, $"needs {info.BytesSize64 >> 20} MB to decode, which are not there");
            }
            SKCodecResult result = source.Codec.GetPixels(info, bitmap.GetPixels());
            return result == SKCodecResult.Success
                ? new RawPicture(bitmap, room, source.Orientation, source.Codec.Info.AlphaType != SKAlphaType.Opaque)
                : throw PictureProblem.Of(name, $"cannot be decoded ({Words(result)})");
        }
        catch
        {
            bitmap.Dispose();
            room.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _bitmap.Dispose();
        _room.Dispose();
    }

    private static string Words(SKCodecResult result) => result switch
    {
        SKCodecResult.IncompleteInput => "the file is truncated",
        SKCodecResult.ErrorInInput => "the data are damaged",
        SKCodecResult.InvalidInput => "the data are damaged",
        _ => result.ToString(),
    };

    /// <summary>A file whose head was read.</summary>
    public sealed class Source : IDisposable
    {
        private readonly GCHandle _pin;
        private readonly SKData _data;

        public Source(byte[] bytes, string name)
        {
            if (bytes.LongLength > ImageFile.MaximumBytes)
            {
                throw PictureProblem.Of(name, $"is larger than {ImageFile.MaximumBytes >> 20} MB");
            }
            _pin = GCHandle.Alloc(bytes, GCHandleType.Pinned);
            _data = SKData.Create(_pin.AddrOfPinnedObject(), bytes.Length);
            SKCodec? codec = SKCodec.Create(_data);
            string? problem = codec is null ? NoPicture(bytes)
                : (long)codec.Info.Width * codec.Info.Height > ImageFile.MaximumPixels ? $"has {codec.Info.Width}x{codec.Info.Height} pixels; at most {ImageFile.MaximumPixels / 1_000_000} million are read"
                : null;
            if (problem is not null)
            {
                codec?.Dispose();
                Release();
                throw PictureProblem.Of(name, problem);
            }
            Codec = codec!;
            Orientation = Exif.Orientation(bytes) is > 0 and int said ? said : Math.Max(1, (int)Codec.EncodedOrigin);
            Converts = !PictureParts.IsPng(bytes) || PictureParts.Png(bytes, "iCCP", out _);
        }

        public SKCodec Codec { get; }

        /// <summary>1 to 8.</summary>
        public int Orientation { get; }

        /// <summary>Whether an embedded profile is converted to sRGB.</summary>
        public bool Converts { get; }

        /// <summary>Size of the upright picture.</summary>
        public (int Width, int Height) Upright => Orientation < 5 ? (Codec.Info.Width, Codec.Info.Height) : (Codec.Info.Height, Codec.Info.Width);

        /// <summary>The size to decode at.</summary>
        public SKSizeI Scaled(int? leastSide)
        {
            SKSizeI whole = new(Codec.Info.Width, Codec.Info.Height);
            if (leastSide is { } least && Codec.EncodedFormat == SKEncodedImageFormat.Jpeg)
            {
                foreach (int divisor in (int[])[8, 4, 2])
                {
                    SKSizeI scaled = Codec.GetScaledDimensions(1f / divisor);
                    if (Math.Min(scaled.Width, scaled.Height) >= least && scaled.Width < whole.Width)
                    {
                        return scaled;
                    }
                }
            }
            return whole;
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            Codec.Dispose();
            Release();
        }

        private void Release()
        {
            _data.Dispose();
            _pin.Free();
        }

        private static string NoPicture(byte[] bytes) =>
            PlaceholderFile.Describe(bytes.AsSpan(0, Math.Min(PlaceholderFile.Head, bytes.Length)), bytes.Length) ?? $"is in no known format ({ImageFile.Formats}), or its header is damaged";
    }
}
