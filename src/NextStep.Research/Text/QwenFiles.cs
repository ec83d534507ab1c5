using System.Text;
using System.Text.Json;

namespace NextStep.Research;

/// <summary>What the tokenizer files of a released folder say, and the files themselves.</summary>
internal sealed record QwenFiles(
    IReadOnlyDictionary<string, int> Vocabulary, IReadOnlyList<string> Merges, IReadOnlyDictionary<string, int> Added,
    string? BeginOfText, string? Pad, IReadOnlyDictionary<string, byte[]> Contents)
{
    private const long MaximumFile = 1 << 27;
    private static readonly string[] Names = ["vocab.json", "merges.txt", "added_tokens.json", "tokenizer_config.json", "special_tokens_map.json", "tokenizer.json"];

    /// <exception cref="FileNotFoundException">Neither <c>vocab.json</c> with <c>merges.txt</c> nor <c>tokenizer.json</c>.</exception>
    /// <exception cref="InvalidDataException">A file is damaged; the message names it.</exception>
    public static QwenFiles Read(string folder)
    {
        var contents = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var name in Names)
        {
            var path = Path.Combine(folder, name);
            if (File.Exists(path))
            {
                contents.Add(name, new FileInfo(path).Length <= MaximumFile ? File.ReadAllBytes(path) : throw new InvalidDataException($"{path}: too large for a tokenizer file."));
            }
        }
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        var merges = new List<string>();
        var added = new Dictionary<string, int>(StringComparer.Ordinal);
        string? begin = null, pad = null;
        var split = contents.ContainsKey("vocab.json") && contents.ContainsKey("merges.txt");
        if (!split && !contents.ContainsKey("tokenizer.json"))
        {
            throw new FileNotFoundException($"{folder}: no tokenizer here; vocab.json with merges.txt, or tokenizer.json, is needed.", folder);
        }
        if (split)
        {
            Parse(folder, "vocab.json", contents, root => ReadIds(root, vocabulary));
            merges.AddRange(MergeLines(contents["merges.txt"]));
        }
        Parse(folder, "tokenizer.json", contents, root => ReadWhole(root, split ? null : vocabulary, merges, added));
        Parse(folder, "added_tokens.json", contents, root => ReadIds(root, added));
        Parse(folder, "tokenizer_config.json", contents, root =>
        {
            begin = TokenText(root, "bos_token");
            pad = TokenText(root, "pad_token");
            if (root.TryGetProperty("added_tokens_decoder", out var decoder))
            {
                foreach (var item in decoder.EnumerateObject())
                {
                    added[item.Value.GetProperty("content").GetString()!] = CheckedId(int.Parse(item.Name, System.Globalization.CultureInfo.InvariantCulture));
                }
            }
        });
        return new QwenFiles(vocabulary, merges, added, begin, pad, contents);
    }

    private static void Parse(string folder, string name, Dictionary<string, byte[]> contents, Action<JsonElement> use)
    {
        if (!contents.TryGetValue(name, out var bytes))
        {
            return;
        }
        try
        {
            using var json = JsonDocument.Parse(bytes);
            use(json.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or OverflowException)
        {
            var file = Path.Combine(folder, name);
            throw new InvalidDataException(PlaceholderFile.Describe(file) is { } fault ? $"{file} {fault}." : $"{file}: not a tokenizer file: {e.Message}", e);
        }
    }

    private static void ReadIds(JsonElement root, Dictionary<string, int> ids)
    {
        foreach (var item in root.EnumerateObject())
        {
            ids[item.Name] = CheckedId(item.Value.GetInt32());
        }
    }

    private static void ReadWhole(JsonElement root, Dictionary<string, int>? vocabulary, List<string> merges, Dictionary<string, int> added)
    {
        if (root.TryGetProperty("added_tokens", out var tokens))
        {
            foreach (var token in tokens.EnumerateArray())
            {
                added[token.GetProperty("content").GetString()!] = CheckedId(token.GetProperty("id").GetInt32());
            }
        }
        if (vocabulary is null)
        {
            return;
        }
        var model = root.GetProperty("model");
        if (model.TryGetProperty("type", out var type) && type.GetString() != "BPE")
        {
            throw new JsonException($"its model is {type.GetString()}, not BPE");
        }
        CheckPattern(root);
        ReadIds(model.GetProperty("vocab"), vocabulary);
        foreach (var merge in model.GetProperty("merges").EnumerateArray())
        {
            merges.Add(merge.ValueKind == JsonValueKind.String ? merge.GetString()! : $"{merge[0].GetString()} {merge[1].GetString()}");
        }
    }

    // Another way of cutting would give other ids without any error.
    private static void CheckPattern(JsonElement root)
    {
        if (root.TryGetProperty("pre_tokenizer", out var pre) && pre.ValueKind == JsonValueKind.Object && pre.TryGetProperty("pretokenizers", out var list))
        {
            foreach (var step in list.EnumerateArray())
            {
                if (step.TryGetProperty("pattern", out var pattern) && pattern.TryGetProperty("Regex", out var regex) && regex.GetString() != QwenPreTokenizer.Pattern)
                {
                    throw new JsonException($"it cuts text by another pattern than Qwen's: {regex.GetString()}");
                }
            }
        }
    }

    private static IEnumerable<string> MergeLines(byte[] bytes) =>
        Encoding.UTF8.GetString(bytes).Split('\n').Select(line => line.TrimEnd('\r')).Where((line, i) => line.Length > 0 && !(i == 0 && line.StartsWith("#version", StringComparison.Ordinal)));

    private static string? TokenText(JsonElement root, string name) =>
        !root.TryGetProperty(name, out var token) ? null
        : token.ValueKind == JsonValueKind.String ? token.GetString()
        : token.ValueKind == JsonValueKind.Object ? token.GetProperty("content").GetString() : null;

    private static int CheckedId(int id) => id is >= 0 and < 10_000_000 ? id : throw new JsonException($"{id} is not a token's id");
}
