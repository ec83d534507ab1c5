using System.Text;
using System.Text.Json;

namespace NextStep.Research;

/// <summary>One line of a table: the picture's file name relative to the table's folder, and its caption.</summary>
internal sealed record CaptionLine(string Image, CaptionText Caption, int Number);

/// <summary>
/// Where captions stand: in <c>captions.jsonl</c> or <c>metadata.jsonl</c> (one JSON object a line, with <c>image</c> or <c>file_name</c>), or in files
/// that are called like the picture with <c>.txt</c>, <c>.caption</c>, <c>.text</c>, <c>.cap</c> or <c>.json</c>, letter case ignored.
/// </summary>
internal static class CaptionFile
{
    public const string Name = "captions.jsonl";
    private static readonly string[] Tables = [Name, "metadata.jsonl"];
    private static readonly string[] UnreadTables = [".csv", ".tsv", ".parquet", ".json", ".xlsx"];
    private static readonly string[] ImageFields = ["image", "file_name"];

    private const long MaximumBytes = 1L << 30;

    /// <summary>Extensions of captions beside a picture, the first one that gives a text counts.</summary>
    public static IReadOnlyList<string> Sides { get; } = [".txt", ".caption", ".text", ".cap", ".json"];

    /// <summary>Whether the name is that of a table of captions.</summary>
    public static bool IsTable(string name) => Tables.Contains(Path.GetFileName(name), StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether the name is that of a table of captions in a format that is not read.</summary>
    public static bool IsUnreadTable(string name) =>
        Path.GetFileNameWithoutExtension(name) is "captions" or "metadata" && UnreadTables.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether the name is that of a caption beside a picture.</summary>
    public static bool IsSide(string name) => Sides.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase);

    /// <summary>The first text among the captions of a picture, in the order of <see cref="Sides"/>; a caption field that was chosen comes first.</summary>
    /// <param name="fields">Extension to the file's bytes; null bytes are of a file over 1 MB.</param>
    /// <param name="captionField">The JSON field.</param>
    public static CaptionText First(IReadOnlyDictionary<string, byte[]?> fields, string captionField)
    {
        bool chosen = captionField != new DataConfig().CaptionField;
        CaptionText[] found =
        [
            .. (chosen ? Sides.Reverse() : Sides).Where(fields.ContainsKey).Select(e =>
                fields[e] is not { } bytes ? new CaptionText(null, "the caption file is larger than 1 MB")
                : e == ".json" ? CaptionText.OfJson(bytes, captionField)
                : CaptionText.OfText(bytes)),
        ];
        return found.FirstOrDefault(f => f.Text is not null) ?? found.FirstOrDefault(f => !f.Empty) ?? found.FirstOrDefault() ?? CaptionText.None;
    }

    /// <summary>Lines in file order; one without a picture is reported by file name and line number.</summary>
    public static List<CaptionLine> Read(FolderFile file, string captionField, List<UnreadablePicture> unreadable)
    {
        if (file.Bytes > MaximumBytes)
        {
            throw new InvalidDataException($"'{file.Path}' is larger than {MaximumBytes >> 20} MB.");
        }
        if ((file.Bytes == 0 ? PlaceholderFile.Describe([], 0) : PlaceholderFile.DescribePointer(Head(file.Path))) is { } fault)
        {
            unreadable.Add(new UnreadablePicture(file.Name, fault));
            return [];
        }
        List<CaptionLine> lines = [];
        int number = 0;
        foreach (string? line in Lines(file.Path))
        {
            number++;
            if (line is not null && string.IsNullOrWhiteSpace(line))
            {
                continue;
            }
            string place = $"{file.Name}:{number}";
            if (line is null)
            {
                unreadable.Add(new UnreadablePicture(place, "this line is not UTF-8 text"));
                continue;
            }
            try
            {
                using JsonDocument json = CaptionText.Parse(line);
                string? image = json.RootElement.ValueKind != JsonValueKind.Object ? null : ImageFields
                    .Select(f => json.RootElement.TryGetProperty(f, out JsonElement v) && v.ValueKind == JsonValueKind.String ? v.GetString() : null).FirstOrDefault(f => f is not null);
                if (json.RootElement.ValueKind != JsonValueKind.Object)
                {
                    unreadable.Add(new UnreadablePicture(place, "this line is no JSON object"));
                }
                else if (string.IsNullOrWhiteSpace(image) || image.Contains('\0', StringComparison.Ordinal))
                {
                    unreadable.Add(new UnreadablePicture(place, $"there is no picture's name in '{ImageFields[0]}' or '{ImageFields[1]}'"));
                }
                else
                {
                    lines.Add(new CaptionLine(image, CaptionText.OfField(json.RootElement, captionField), number));
                }
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                unreadable.Add(new UnreadablePicture(place, "this line is no JSON object"));
            }
        }
        return lines;
    }

    private static byte[] Head(string file)
    {
        byte[] head = new byte[PlaceholderFile.Head];
        using FileStream stream = File.OpenRead(file);
        return head[..stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
    }

    // Bytes are taken one to one and decoded line by line, so that a damaged line costs only itself; null = no text.
    private static IEnumerable<string?> Lines(string file)
    {
        byte[] head = Head(file);
        using FileStream stream = File.OpenRead(file);
        bool wide = head.AsSpan().StartsWith<byte>([0xFF, 0xFE]) || head.AsSpan().StartsWith<byte>([0xFE, 0xFF]);
        using StreamReader reader = wide ? new StreamReader(stream, Encoding.UTF8, detectEncodingFromByteOrderMarks: true) : new StreamReader(stream, Encoding.Latin1, detectEncodingFromByteOrderMarks: false);
        while (reader.ReadLine() is { } line)
        {
            yield return wide ? line : CaptionText.Decode(Encoding.Latin1.GetBytes(line));
        }
    }
}
