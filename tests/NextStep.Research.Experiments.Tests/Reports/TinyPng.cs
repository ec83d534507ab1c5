using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using System.Text;

namespace NextStep.Research.Reports.Tests;

/// <summary>Whole PNG files of a few pixels, written by hand.</summary>
internal static class TinyPng
{
    /// <summary>An RGB picture whose pixel (x, y) is <paramref name="colour"/>(x, y), 0xRRGGBB.</summary>
    public static byte[] Bytes(int width, int height, Func<int, int, int> colour)
    {
        using var pixels = new MemoryStream();
        using (var zlib = new ZLibStream(pixels, CompressionLevel.Fastest, leaveOpen: true))
        {
            for (int y = 0; y < height; y++)
            {
                zlib.WriteByte(0);
                for (int x = 0; x < width; x++)
                {
                    int rgb = colour(x, y);
                    zlib.Write([(byte)(rgb >> 16), (byte)(rgb >> 8), (byte)rgb]);
                }
            }
        }

        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (8, 2);
        return [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10, .. Chunk("IHDR", header), .. Chunk("IDAT", pixels.ToArray()), .. Chunk("IEND", [])];
    }

    /// <summary>The same picture as another file.</summary>
    public static byte[] Marked(byte[] png, string text) => [.. png[..^12], .. Chunk("tEXt", Encoding.ASCII.GetBytes("Comment\0" + text)), .. Chunk("IEND", [])];

    private static byte[] Chunk(string type, byte[] data)
    {
        byte[] body = [.. Encoding.ASCII.GetBytes(type), .. data];
        byte[] length = new byte[4], check = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, data.Length);
        BinaryPrimitives.WriteUInt32BigEndian(check, Crc32.HashToUInt32(body));
        return [.. length, .. body, .. check];
    }
}
