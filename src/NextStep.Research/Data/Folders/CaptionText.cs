using System.Text;
using System.Text.Json;

namespace NextStep.Research;

/// <summary>A caption, or why there is none.</summary>
/// <param name="Text">Trimmed; null where there is a problem.</param>
/// <param name="Problem">Why not; null where there is a text.</param>
/// <param name="Empty">Missing, null or blank, as <c>data.emptyCaptions</c> means it; not of what cannot be read.</param>
internal sealed record CaptionText(string? Text, string? Problem, bool Empty = false)
{
    /// <summary>Larger caption files are not read.</summary>
    public const long MaximumBytes = 1 << 20;

    /// <summary>Nothing says what the picture shows.</summary>
    public static CaptionText None { get; } = new(null, "there is no caption", true);

    /// <summary>Of a text file: UTF-8, or UTF-16 and UTF-32 with their mark.</summary>
    public static CaptionText OfText(ReadOnlySpan<byte> bytes) =>
        PlaceholderFile.DescribePointer(bytes) is { } fault ? new CaptionText(null, $"the caption file {fault}")
        : Decode(bytes) is { } text ? Of(text) : Undecodable;

    /// <summary>Of a JSON file with the caption in a field.</summary>
    public static CaptionText OfJson(ReadOnlySpan<byte> bytes, string field)
    {
        if (PlaceholderFile.DescribePointer(bytes) is { } fault)
        {
            return new CaptionText(null, $"the caption file {fault}");
        }
        if (Decode(bytes) is not { } text)
        {
            return Undecodable;
        }
        try
        {
            using JsonDocument json = Parse(text);
            return OfField(json.RootElement, field);
        }
        catch (JsonException)
        {
            return new CaptionText(null, "its JSON file is damaged");
        }
    }

    /// <summary>Of a JSON object's field.</summary>
    public static CaptionText OfField(JsonElement json, string field)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return new CaptionText(null, "its JSON is no object");
        }
        try
        {
            if (!json.TryGetProperty(field, out JsonElement value))
            {
                string[] names = [.. json.EnumerateObject().Select(p => p.Name).Take(8)];
                return new CaptionText(null, $"there is no field '{field}' (data.captionField){(names.Length > 0 ? $", only {string.Join(", ", names)}" : "")}", true);
            }
            return value.ValueKind switch
            {
                JsonValueKind.String => Of(value.GetString()!),
                JsonValueKind.Null => new CaptionText(null, $"the field '{field}' is null", true),
                _ => new CaptionText(null, $"the field '{field}' is {Words(value.ValueKind)}, not a text"),
            };
        }
        catch (InvalidOperationException)
        {
            return new CaptionText(null, "the caption holds half a character (a lone surrogate)");
        }
    }

    /// <summary>Parses JSON as Python writes it: NaN and infinite numbers become null.</summary>
    /// <exception cref="JsonException">No JSON.</exception>
    public static JsonDocument Parse(string text)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException) when (WithoutNaN(text) is { } mended)
        {
            return JsonDocument.Parse(mended);
        }
    }

    /// <summary>Strictly decoded; null where the bytes are no text.</summary>
    public static string? Decode(ReadOnlySpan<byte> bytes)
    {
        Encoding encoding = bytes.StartsWith<byte>([0xFF, 0xFE, 0, 0]) ? new UTF32Encoding(false, true, true)
            : bytes.StartsWith<byte>([0xFF, 0xFE]) ? new UnicodeEncoding(false, true, true)
            : bytes.StartsWith<byte>([0xFE, 0xFF]) ? new UnicodeEncoding(true, true, true)
            : new UTF8Encoding(true, true);
        ReadOnlySpan<byte> mark = encoding.GetPreamble();
        try
        {
            string text = encoding.GetString(bytes.StartsWith(mark) ? bytes[mark.Length..] : bytes);
            return text.Contains('\0', StringComparison.Ordinal) ? null : text;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static CaptionText Undecodable { get; } = new(null, "the caption is not UTF-8 text: save it as UTF-8");

    private static CaptionText Of(string text)
    {
        string trimmed = text.Trim();
        return text.Contains('\0', StringComparison.Ordinal) ? Undecodable
            : trimmed.All(c => char.IsWhiteSpace(c) || char.IsControl(c) || char.GetUnicodeCategory(c) == System.Globalization.UnicodeCategory.Format) ? new CaptionText(null, "the caption is empty", true)
            : HasLoneSurrogate(trimmed) ? new CaptionText(null, "the caption holds half a character (a lone surrogate)")
            : new CaptionText(trimmed, null);
    }

    private static bool HasLoneSurrogate(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return true;
            }
        }
        return false;
    }

    // NaN, Infinity and -Infinity outside of strings; null where there are none.
    private static string? WithoutNaN(string text)
    {
        StringBuilder mended = new(text.Length);
        bool inside = false, changed = false;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && inside && i + 1 < text.Length)
            {
                mended.Append(text[i++]).Append(text[i]);
                continue;
            }
            inside ^= text[i] == '"';
            string? word = inside ? null : Array.Find(NotFinite, w => string.CompareOrdinal(text, i, w, 0, w.Length) == 0);
            if (word is null)
            {
                mended.Append(text[i]);
                continue;
            }
            mended.Append("null");
            i += word.Length - 1;
            changed = true;
        }
        return changed ? mended.ToString() : null;
    }

    private static readonly string[] NotFinite = ["NaN", "-Infinity", "Infinity"];

    private static string Words(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Number => "a number",
        JsonValueKind.Array => "a list",
        JsonValueKind.Object => "an object",
        _ => "true or false",
    };
}
