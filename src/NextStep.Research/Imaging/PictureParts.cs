using System.Buffers.Binary;

namespace NextStep.Research;

/// <summary>Finds the parts of PNG, JPEG and WebP files without decoding them.</summary>
internal static class PictureParts
{
    private static readonly uint[] CrcTable = MakeCrcTable();

    public static bool IsPng(ReadOnlySpan<byte> file) => file.StartsWith<byte>([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);

    public static bool IsJpeg(ReadOnlySpan<byte> file) => file.StartsWith<byte>([0xFF, 0xD8, 0xFF]);

    public static bool IsWebp(ReadOnlySpan<byte> file) => file.Length > 12 && file.StartsWith("RIFF"u8) && file[8..].StartsWith("WEBP"u8);

    /// <summary>The content of the first PNG chunk of a type.</summary>
    public static bool Png(ReadOnlySpan<byte> file, string type, out ReadOnlySpan<byte> content)
    {
        for (int at = 8; NextChunk(file, at, out int length); at += 12 + length)
        {
            if (Is(file.Slice(at + 4, 4), type))
            {
                content = file.Slice(at + 8, length);
                return true;
            }
        }
        content = default;
        return false;
    }

    /// <summary>Type, start and length of the content of every chunk of a PNG file that is whole.</summary>
    public static List<(string Type, int Start, int Length)> Chunks(ReadOnlySpan<byte> file)
    {
        List<(string, int, int)> chunks = [];
        for (int at = 8; NextChunk(file, at, out int length); at += 12 + length)
        {
            chunks.Add((System.Text.Encoding.Latin1.GetString(file.Slice(at + 4, 4)), at + 8, length));
        }
        return chunks;
    }

    /// <summary>Whether every chunk of a PNG file up to its end is there with the right checksum.</summary>
    public static bool IsWholePng(ReadOnlySpan<byte> file)
    {
        for (int at = 8; NextChunk(file, at, out int length); at += 12 + length)
        {
            if (Crc(file.Slice(at + 4, length + 4)) != BinaryPrimitives.ReadUInt32BigEndian(file[(at + 8 + length)..]))
            {
                return false;
            }
            if (Is(file.Slice(at + 4, 4), "IEND"))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>The first Exif block of a JPEG file.</summary>
    public static bool JpegExif(ReadOnlySpan<byte> file, out ReadOnlySpan<byte> content)
    {
        int at = 2;
        while (NextSegment(file, ref at, out byte marker, out ReadOnlySpan<byte> segment) && marker != 0xDA)
        {
            if (marker == 0xE1 && segment.StartsWith("Exif\0\0"u8))
            {
                content = segment;
                return true;
            }
        }
        content = default;
        return false;
    }

    /// <summary>Whether an end marker follows the picture data of a JPEG file.</summary>
    public static bool IsWholeJpeg(ReadOnlySpan<byte> file)
    {
        int at = 2;
        while (NextSegment(file, ref at, out byte marker, out _))
        {
            if (marker == 0xDA)
            {
                return file[at..].IndexOf<byte>([0xFF, 0xD9]) >= 0;
            }
        }
        return false;
    }

    /// <summary>The content of the first WebP chunk of a type.</summary>
    public static bool Webp(ReadOnlySpan<byte> file, string type, out ReadOnlySpan<byte> content)
    {
        for (long at = 12; at + 8 <= file.Length;)
        {
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(file[((int)at + 4)..]);
            if (at + 8 + length > file.Length)
            {
                break;
            }
            if (Is(file.Slice((int)at, 4), type))
            {
                content = file.Slice((int)at + 8, (int)length);
                return true;
            }
            at += 8 + length + (length & 1);
        }
        content = default;
        return false;
    }

    /// <summary>Whether a WebP file is as long as it says.</summary>
    public static bool IsWholeWebp(ReadOnlySpan<byte> file) => BinaryPrimitives.ReadUInt32LittleEndian(file[4..]) + 8L <= file.Length;

    private static bool NextChunk(ReadOnlySpan<byte> file, int at, out int length)
    {
        length = 0;
        if (at + 12L > file.Length)
        {
            return false;
        }
        uint stated = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
        length = (int)Math.Min(stated, int.MaxValue);
        return at + 12L + stated <= file.Length;
    }

    // Markers may be preceded by any number of fill bytes; at is moved behind the segment.
    private static bool NextSegment(ReadOnlySpan<byte> file, scoped ref int at, out byte marker, out ReadOnlySpan<byte> segment)
    {
        marker = 0;
        segment = default;
        while (at + 1 < file.Length && file[at] == 0xFF && file[at + 1] == 0xFF)
        {
            at++;
        }
        if (at + 4 > file.Length || file[at] != 0xFF)
        {
            return false;
        }
        marker = file[at + 1];
        int length = BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
        if (length < 2 || at + 2 + length > file.Length)
        {
            return false;
        }
        segment = file.Slice(at + 4, length - 2);
        at += 2 + length;
        return true;
    }

    private static bool Is(ReadOnlySpan<byte> found, string type) => found[0] == type[0] && found[1] == type[1] && found[2] == type[2] && found[3] == type[3];

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
        {
            crc = CrcTable[(byte)(crc ^ b)] ^ (crc >> 8);
        }
        return ~crc;
    }

    private static uint[] MakeCrcTable()
    {
        uint[] table = new uint[256];
        for (uint n = 0; n < 256; n++)
        {
            uint c = n;
            for (int k = 0; k < 8; k++)
            {
                c = (c & 1) != 0 ? 0xEDB88320 ^ (c >> 1) : c >> 1;
            }
            table[n] = c;
        }
        return table;
    }
}
