using System.IO.Compression;
using System.Text;

namespace NextStep.Research;

/// <summary>The texts of a PNG file (<c>tEXt</c>, <c>zTXt</c>, <c>iTXt</c>; PNG specification, 11.3.4), without decoding the picture.</summary>
internal static class PngTexts
{
    private const int MaximumText = 16 << 20;

    /// <summary>Keyword and text; of a repeated keyword the first.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">No PNG file, or cut or damaged.</exception>
    public static IReadOnlyDictionary<string, string> Read(string path)
    {
        byte[] file = ImageFile.Read(path);
        if (!PictureParts.IsPng(file))
        {
            throw PictureProblem.Of(path, "is no PNG file, so it says nothing of how it was made");
        }
        if (!PictureParts.IsWholePng(file))
        {
            throw PictureProblem.Of(path, "is truncated or damaged");
        }
        Dictionary<string, string> texts = new(StringComparer.Ordinal);
        foreach ((string type, int start, int length) in PictureParts.Chunks(file))
        {
            ReadOnlySpan<byte> content = file.AsSpan(start, length);
            int end = content.IndexOf((byte)0);
            if (type is not ("tEXt" or "zTXt" or "iTXt") || end < 1)
            {
                continue;
            }
            texts.TryAdd(Encoding.Latin1.GetString(content[..end]), Text(type, content[(end + 1)..], path));
        }
        return texts;
    }

    private static string Text(string type, ReadOnlySpan<byte> rest, string path)
    {
        switch (type)
        {
            case "tEXt":
                return Encoding.Latin1.GetString(rest);
            case "zTXt":
                return rest.Length < 1 ? "" : Encoding.Latin1.GetString(Unpack(rest[1..], path));
            default:
                // Compression flag and method, language, translated keyword.
                bool packed = rest.Length > 2 && rest[0] == 1;
                ReadOnlySpan<byte> after = rest.Length > 2 ? rest[2..] : [];
                for (int skipped = 0; skipped < 2; skipped++)
                {
                    after = after.IndexOf((byte)0) is >= 0 and int end ? after[(end + 1)..] : [];
                }
                return Encoding.UTF8.GetString(packed ? Unpack(after, path) : after);
        }
    }

    private static byte[] Unpack(ReadOnlySpan<byte> packed, string path)
    {
        using MemoryStream source = new(packed.ToArray());
        using ZLibStream stream = new(source, CompressionMode.Decompress);
        byte[] text = new byte[1 << 16];
        using MemoryStream unpacked = new();
        while (stream.Read(text) is > 0 and int count)
        {
            unpacked.Write(text, 0, count);
            if (unpacked.Length > MaximumText)
            {
                throw PictureProblem.Of(path, $"holds a text of more than {MaximumText >> 20} MB");
            }
        }
        return unpacked.ToArray();
    }
}
