using System.Text.Json;

namespace NextStep.Research;

/// <summary>The file of the small tokenizers, <c>nextstep_tokenizer.json</c>.</summary>
internal static class TextTokenizerFiles
{
    /// <summary>The file's name inside a model folder.</summary>
    public const string FileName = "nextstep_tokenizer.json";

    private const long MaximumBytes = 64 << 20;
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Whether <paramref name="folder"/> holds a small tokenizer.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, FileName));

    /// <summary>Reads the tokenizer of a model folder.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="InvalidDataException">The file is damaged or of another kind.</exception>
    public static TextTokenizer Load(string folder)
    {
        string file = Path.Combine(folder, FileName);
        if (!File.Exists(file))
        {
            throw new FileNotFoundException($"There is no tokenizer '{file}'.", file);
        }
        if (new FileInfo(file).Length > MaximumBytes)
        {
            throw new InvalidDataException($"'{file}' is larger than {MaximumBytes >> 20} MB.");
        }
        Content content;
        try
        {
            content = JsonSerializer.Deserialize<Content>(File.ReadAllText(file), Json) ?? throw new JsonException("it is empty");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException(PlaceholderFile.Describe(file) is { } fault ? $"The tokenizer '{file}' {fault}." : $"The tokenizer '{file}' is damaged: {e.Message}", e);
        }
        if (content.Specials is null || !content.Specials.SequenceEqual(SpecialTokenText.Written))
        {
            throw new InvalidDataException($"The tokenizer '{file}' has other special tokens than {string.Join(" ", SpecialTokenText.Written)}.");
        }
        return content switch
        {
            { Kind: "bytes" } => new ByteTokenizer(),
            { Kind: "words", Words: { } words } when words.All(w => !string.IsNullOrEmpty(w)) && words.Distinct().Count() == words.Count => new WordTokenizer(words),
            { Kind: "words" } => throw new InvalidDataException($"The tokenizer '{file}' has no words, empty words or repeated words."),
            _ => throw new InvalidDataException($"The tokenizer '{file}' is of the unknown kind '{content.Kind}'; known are bytes and words."),
        };
    }

    internal static void Write(string folder, Content content)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.WriteText(Path.Combine(folder, FileName), JsonSerializer.Serialize(content, Json));
    }

    internal sealed record Content(string? Kind, IReadOnlyList<string>? Specials, IReadOnlyList<string>? Words);
}
