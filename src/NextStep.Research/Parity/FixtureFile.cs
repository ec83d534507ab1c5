using System.Text.Json;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>A recording of the reference: a safetensors file whose metadata say what is in it.</summary>
internal sealed class FixtureFile : IDisposable
{
    private FixtureFile(SafetensorsFile source, string kind, JsonObject config, JsonArray cases, WeightScheme? scheme)
    {
        Scheme = scheme;
        Source = source;
        Kind = kind;
        Config = config;
        Cases = [.. cases.Select(c => new FixtureCase(this, c as JsonObject ?? throw new InvalidDataException($"{source.Path}: a case is not an object.")))];
    }

    public SafetensorsFile Source { get; }

    public string Path => Source.Path;

    public string Name => System.IO.Path.GetFileName(Source.Path);

    /// <summary>How the matrices of the models that are compared are quantized; null = not.</summary>
    public WeightScheme? Scheme { get; }

    /// <summary>What kind of recording it is.</summary>
    public string Kind { get; }

    /// <summary>Sizes and flags.</summary>
    public JsonObject Config { get; }

    public IReadOnlyList<FixtureCase> Cases { get; }

    /// <summary>Comparisons so far.</summary>
    public List<ParityRow> Rows { get; } = [];

    public static FixtureFile Open(string path, WeightScheme? scheme = null)
    {
        SafetensorsFile source = SafetensorsFile.Open(path);
        try
        {
            return new FixtureFile(
                source,
                source.Metadata.GetValueOrDefault("kind") ?? throw new InvalidDataException($"{path}: not a fixture, its metadata have no kind."),
                Parse(source, "config") as JsonObject ?? [],
                Parse(source, "cases") as JsonArray ?? [],
                scheme);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>The files of a kind and of this file's set in its folder, whatever they are called.</summary>
    public IReadOnlyList<string> Beside(string kind)
    {
        string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;
        string? set = Source.Metadata.GetValueOrDefault("set");
        string[] found = [.. Directory.GetFiles(folder, "*.safetensors").Order(StringComparer.Ordinal).Where(path => IsOf(path, kind, set))];
        return found.Length > 0 ? found
            : throw new FileNotFoundException($"{Path} needs weights of kind {kind}{(set is null ? "" : $" and set {set}")} in its folder.");
    }

    public FixtureCase Case(string name) =>
        Cases.FirstOrDefault(c => c.Name == name) ?? throw new InvalidDataException($"{Path}: there is no case '{name}'.");

    /// <summary>A configuration with other keys on top.</summary>
    public static JsonObject Merge(JsonObject below, JsonObject? above)
    {
        JsonObject merged = below.DeepClone().AsObject();
        foreach ((string key, JsonNode? value) in above ?? [])
        {
            merged[key] = value?.DeepClone();
        }
        return merged;
    }

    public void Dispose() => Source.Dispose();

    // A damaged file that is looked at on the way is not what was asked for; asked for itself, it is an error of its own.
    private static bool IsOf(string path, string kind, string? set)
    {
        try
        {
            using SafetensorsFile other = SafetensorsFile.Open(path);
            return other.Metadata.GetValueOrDefault("kind")?.StartsWith(kind, StringComparison.Ordinal) == true && other.Metadata.GetValueOrDefault("set") == set;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private static JsonNode? Parse(SafetensorsFile source, string key)
    {
        try
        {
            return source.Metadata.TryGetValue(key, out string? text) ? JsonNode.Parse(text) : null;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{source.Path}: the metadata's {key} is not JSON: {e.Message}", e);
        }
    }
}
