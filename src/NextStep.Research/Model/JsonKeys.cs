using System.Text.Json;
using System.Text.Json.Nodes;

namespace NextStep.Research;

/// <summary>The keys of a JSON configuration file, with errors that name file and key.</summary>
internal sealed class JsonKeys
{
    private const long Limit = 4 << 20;
    private readonly string _file;
    private readonly JsonObject _root;

    private JsonKeys(string file, JsonObject root) => (_file, _root) = (file, root);

    /// <summary>Keys that are at hand already; <paramref name="source"/> names them in errors.</summary>
    public static JsonKeys Of(JsonObject root, string source) => new(source, root);

    public static JsonKeys Open(string file)
    {
        if (!File.Exists(file))
        {
            throw new FileNotFoundException($"{file} is missing.", file);
        }
        if (new FileInfo(file).Length > Limit)
        {
            throw new InvalidDataException($"{file} is larger than {Limit >> 20} MiB; that is no configuration.");
        }
        try
        {
            return new JsonKeys(file, JsonNode.Parse(File.ReadAllText(file)) as JsonObject ?? throw new InvalidDataException($"{file} holds no JSON object."));
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"{file} is not valid JSON: {e.Message}", e);
        }
    }

    /// <summary>A positive integer under the first key that is there; <paramref name="fallback"/> null = required.</summary>
    public int Int(int? fallback, params string[] names)
    {
        foreach (string name in names)
        {
            if (Find(name) is { } value)
            {
                int number = Get<int>(name, value);
                return number >= 0 ? number : throw new InvalidDataException($"{_file}: {name} is {number}, which is negative.");
            }
        }
        return fallback ?? throw new InvalidDataException($"{_file} lacks the key {string.Join(" or ", names)}.");
    }

    public int Int(string name)
    {
        int value = Int(null, name);
        return value > 0 ? value : throw new InvalidDataException($"{_file}: {name} is 0.");
    }

    public double Double(string name, double fallback) => Find(name) is { } value ? Get<double>(name, value) : fallback;

    public bool Bool(string name, bool fallback) => Find(name) is { } value ? Get<bool>(name, value) : fallback;

    public IReadOnlyList<int> Ints(string name, int[] fallback) =>
        Find(name) is not { } value ? fallback
        : value is JsonArray { Count: > 0 and <= 16 } list ? [.. list.Select(v => v is null ? 0 : Get<int>(name, v))]
        : throw new InvalidDataException($"{_file}: {name} must be a short list of numbers.");

    public JsonObject? Object(string name) => Find(name) as JsonObject;

    private JsonNode? Find(string name) => _root.TryGetPropertyValue(name, out JsonNode? value) ? value : null;

    private T Get<T>(string name, JsonNode value)
    {
        try
        {
            return value.GetValue<T>();
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{_file}: {name} is {value.ToJsonString()}, which is no {typeof(T).Name}.", e);
        }
    }
}
