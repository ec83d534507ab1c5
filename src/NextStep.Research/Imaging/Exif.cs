using System.Buffers.Binary;

namespace NextStep.Research;

/// <summary>The camera's orientation in JPEG (<c>APP1</c>), PNG (<c>eXIf</c>) and WebP (<c>EXIF</c>) files, as a SHORT or a LONG (Exif 2.32, tag 0x0112).</summary>
internal static class Exif
{
    private const int OrientationTag = 0x0112;

    /// <summary>1 to 8; 0 where the file does not say.</summary>
    public static int Orientation(ReadOnlySpan<byte> file)
    {
        if (PictureParts.IsPng(file))
        {
            return PictureParts.Png(file, "eXIf", out ReadOnlySpan<byte> png) ? InTiff(png) : 0;
        }
        if (PictureParts.IsJpeg(file))
        {
            return PictureParts.JpegExif(file, out ReadOnlySpan<byte> jpeg) ? InTiff(jpeg) : 0;
        }
        return PictureParts.IsWebp(file) && PictureParts.Webp(file, "EXIF", out ReadOnlySpan<byte> webp) ? InTiff(webp) : 0;
    }

    private static int InTiff(ReadOnlySpan<byte> tiff)
    {
        if (tiff.StartsWith("Exif\0\0"u8))
        {
            tiff = tiff[6..];
        }
        if (tiff.Length < 8)
        {
            return 0;
        }
        bool little = tiff[0] == (byte)'I';
        if (!(little ? "II*\0"u8 : "MM\0*"u8).SequenceEqual(tiff[..4]))
        {
            return 0;
        }
        long at = UInt32(tiff, 4, little);
        if (at < 8 || at + 2 > tiff.Length)
        {
            return 0;
        }
        int entries = UInt16(tiff, (int)at, little);
        for (int i = 0; i < entries && at + 2 + ((i + 1) * 12) <= tiff.Length; i++)
        {
            int entry = (int)at + 2 + (i * 12);
            if (UInt16(tiff, entry, little) == OrientationTag)
            {
                uint value = UInt16(tiff, entry + 2, little) switch
                {
                    1 => tiff[entry + 8],
                    3 => UInt16(tiff, entry + 8, little),
                    4 => UInt32(tiff, entry + 8, little),
                    _ => 0,
                };
                return value is >= 1 and <= 8 ? (int)value : 0;
            }
        }
        return 0;
    }

    private static ushort UInt16(ReadOnlySpan<byte> bytes, int at, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]) : BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);

    private static uint UInt32(ReadOnlySpan<byte> bytes, int at, bool little) =>
        little ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]) : BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);
}
