using System.Text;
using System.Text.Json;

namespace NextStep.Research;

/// <summary>One line of <c>captions.jsonl</c>: the picture's file name inside the folder, and its caption.</summary>
internal sealed record CaptionLine(string Image, string Caption);

/// <summary>Reads <c>captions.jsonl</c> and <c>.txt</c> side files.</summary>
internal static class CaptionFile
{
    public const string Name = "captions.jsonl";
    private static readonly string[] Tables = [Name, "metadata.jsonl"];
    private static readonly string[] Sides = [".txt", ".caption", ".text", ".cap", ".json"];

    private const long MaximumBytes = 1L << 30;
    private const long MaximumTextBytes = 1 << 20;

    /// <summary>Whether the name is that of a table of captions.</summary>
    public static bool IsTable(string name) => Tables.Contains(Path.GetFileName(name), StringComparer.Ordinal);

    /// <summary>Whether the name is that of a caption beside a picture.</summary>
    public static bool IsSide(string name) => Sides.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase);

    /// <summary>Lines in file order; a line that cannot be used is reported by file name and line number.</summary>
    public static List<CaptionLine> Read(string file, string captionField, List<UnreadablePicture> unreadable)
    {
        if (new FileInfo(file).Length > MaximumBytes)
        {
            throw new InvalidDataException($"'{file}' is larger than {MaximumBytes >> 20} MB.");
        }
        List<CaptionLine> lines = [];
        int number = 0;
        foreach (string line in File.ReadLines(file, Encoding.UTF8))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }
            try
            {
                using JsonDocument json = JsonDocument.Parse(line);
                lines.Add(new CaptionLine(Field(json.RootElement, "image"), Field(json.RootElement, captionField)));
            }
            catch (Exception e) when (e is JsonException or InvalidDataException)
            {
                string reason = e is JsonException ? "this line is no JSON object" : e.Message;
                unreadable.Add(new UnreadablePicture($"{Name}:{number}", reason));
            }
        }
        return lines;
    }

    /// <summary>The text of a side file, white space trimmed.</summary>
    public static string ReadSide(string file) => new FileInfo(file).Length > MaximumTextBytes
        ? throw new InvalidDataException($"the caption file {Path.GetFileName(file)} is larger than 1 MB")
        : File.ReadAllText(file, Encoding.UTF8).Trim();

    private static string Field(JsonElement line, string name) =>
        line.ValueKind == JsonValueKind.Object && line.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw new InvalidDataException($"there is no text field '{name}'");
}
