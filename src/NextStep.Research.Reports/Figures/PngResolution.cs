using System.Buffers.Binary;
using System.IO.Hashing;

namespace NextStep.Research.Reports;

/// <summary>The <c>pHYs</c> chunk of a PNG file: how many pixels make an inch, so that a picture of many pixels is shown and printed at its size.</summary>
internal static class PngResolution
{
    /// <summary>What pictures have that say nothing.</summary>
    public const int Screen = 96;

    private const double MetersPerInch = 0.0254;
    private const int Signature = 8, HeaderChunk = 12 + 13, Data = 9, Frame = 12;

    /// <summary>A copy of a PNG file without that chunk, with it behind the header.</summary>
    public static byte[] With(byte[] png, int pixelsPerInch)
    {
        ArgumentNullException.ThrowIfNull(png);
        byte[] chunk = new byte[Frame + Data];
        BinaryPrimitives.WriteInt32BigEndian(chunk, Data);
        "pHYs"u8.CopyTo(chunk.AsSpan(4));
        int perMeter = (int)Math.Round(pixelsPerInch / MetersPerInch);
        BinaryPrimitives.WriteInt32BigEndian(chunk.AsSpan(8), perMeter);
        BinaryPrimitives.WriteInt32BigEndian(chunk.AsSpan(12), perMeter);
        chunk[16] = 1; // the unit is the meter
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(17), Crc32.HashToUInt32(chunk.AsSpan(4, 4 + Data)));
        return [.. png[..(Signature + HeaderChunk)], .. chunk, .. png[(Signature + HeaderChunk)..]];
    }

    /// <summary>Width and height on a screen of <see cref="Screen"/> pixels an inch; null when the file is no PNG or its chunk is not where <see cref="With"/> puts it.</summary>
    public static (int Width, int Height)? ScreenSize(ReadOnlySpan<byte> png)
    {
        if (png.Length < Signature + HeaderChunk + Frame + Data || !png.Slice(Signature + HeaderChunk + 4, 4).SequenceEqual("pHYs"u8) || png[Signature + HeaderChunk + 16] != 1)
        {
            return null;
        }
        double perInch = BinaryPrimitives.ReadUInt32BigEndian(png[(Signature + HeaderChunk + 8)..]) * MetersPerInch;
        return perInch < 1 ? null : (Shown(png[(Signature + 8)..]), Shown(png[(Signature + 12)..]));

        int Shown(ReadOnlySpan<byte> pixels) => (int)Math.Round(BinaryPrimitives.ReadUInt32BigEndian(pixels) * Screen / perInch);
    }
}
