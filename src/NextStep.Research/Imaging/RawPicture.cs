using System.Runtime.InteropServices;
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

    private RawPicture(SKBitmap bitmap, DecodeBudget.Room room, int orientation) => (_bitmap, _room, Orientation) = (bitmap, room, orientation);

    /// <summary>Of the stored rows.</summary>
    public int Width => _bitmap.Width;

    /// <summary>Of the stored columns.</summary>
    public int Height => _bitmap.Height;

    /// <summary>Exif orientation, 1 to 8; from 5 on the upright picture has width and height exchanged.</summary>
    public int Orientation { get; }

    /// <summary>Bytes from one row to the next.</summary>
    public int Stride => _bitmap.RowBytes;

    /// <summary>All rows, straight alpha.</summary>
    public ReadOnlySpan<byte> Rgba => _bitmap.GetPixelSpan();

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
        DecodeBudget.Room room = DecodeBudget.Take(4L * size.Width * size.Height);
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
                ? new RawPicture(bitmap, room, source.Orientation)
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
