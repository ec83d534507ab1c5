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

    /// <summary>The file, for errors.</summary>
    public string File => _file;

    /// <summary>All of it.</summary>
    public JsonObject Root => _root;

    /// <summary>Keys that are at hand already; <paramref name="source"/> names them in errors.</summary>
    public static JsonKeys Of(JsonObject root, string source) => new(source, root);

    public static JsonKeys Open(string file)
    {
        if (!System.IO.File.Exists(file))
        {
            throw new FileNotFoundException($"{file} is missing.", file);
        }
        if (new FileInfo(file).Length > Limit)
        {
            throw new InvalidDataException($"{file} is larger than {Limit >> 20} MiB; that is no configuration.");
        }
        try
        {
            JsonNode? root = JsonNode.Parse(PythonJson.Standard(System.IO.File.ReadAllText(file)), null, new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (root is JsonObject { Count: <= 4 } && PlaceholderFile.Describe(file) is { } message)
            {
                throw new InvalidDataException($"{file} {message}.");
            }
            return new JsonKeys(file, root as JsonObject ?? throw new InvalidDataException($"{file} holds no JSON object."));
        }
        catch (JsonException e)
        {
            throw new InvalidDataException(PlaceholderFile.Describe(file) is { } fault ? $"{file} {fault}." : $"{file} is not valid JSON: {e.Message}", e);
        }
    }

    /// <summary>A size: a number from 1 to <paramref name="most"/> under the first key that is there, so that a damaged file asks for no absurd model. Fallback null = required.</summary>
    public int Size(int most, int? fallback, params string[] names)
    {
        int size = Int(fallback, names);
        return size >= 1 && size <= most ? size : throw new InvalidDataException($"{_file}: {string.Join(" or ", names)} is {size}, not within 1 to {most}.");
    }

    /// <summary>An integer under the first key that is there; <paramref name="fallback"/> null = required.</summary>
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

    public double Double(string name, double fallback) => Find(name) is { } value ? Get<double>(name, value) : fallback;

    public double Positive(string name, double fallback)
    {
        double number = Double(name, fallback);
        return number > 0 && double.IsFinite(number) ? number : throw new InvalidDataException($"{_file}: {name} is {number}, which is not a positive number.");
    }

    /// <summary>Refuses a model that this kit does not have: the key may be absent, null or one of <paramref name="allowed"/>, written as JSON.</summary>
    public void Only(string name, params string[] allowed)
    {
        if (Find(name) is { } value && !allowed.Contains(value.ToJsonString()))
        {
            throw new InvalidDataException($"{_file}: {name} is {value.ToJsonString()}; models are supported only with {string.Join(" or ", allowed)}.");
        }
    }

    /// <summary>Whether the key is there and not null.</summary>
    public bool Has(string name) => Find(name) is not null;

    public bool Bool(string name, bool fallback) => Find(name) is { } value ? Get<bool>(name, value) : fallback;

    public IReadOnlyList<int> Ints(string name, int[] fallback, int most = 64) =>
        Find(name) is not { } value ? fallback
        : value is JsonArray { Count: > 0 and <= 16 } list ? [.. list.Select(v => v is null ? 0 : Get<int>(name, v)).Select(v => v >= 1 && v <= most ? v : throw new InvalidDataException($"{_file}: {name} holds {v}, not within 1 to {most}."))]
        : throw new InvalidDataException($"{_file}: {name} must be a short list of numbers.");

    public JsonObject? Object(string name) =>
        Find(name) is not { } value ? null : value as JsonObject ?? throw new InvalidDataException($"{_file}: {name} is {value.ToJsonString()}, which is no object.");

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
