using System.Text.Json;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>A recording of the reference: a safetensors file whose metadata say what is in it.</summary>
internal sealed class FixtureFile : IDisposable
{
    private FixtureFile(SafetensorsFile source, string kind, JsonObject config, JsonArray cases)
    {
        Source = source;
        Kind = kind;
        Config = config;
        Cases = [.. cases.Select(c => new FixtureCase(this, c as JsonObject ?? throw new InvalidDataException($"{source.Path}: a case is not an object.")))];
    }

    public SafetensorsFile Source { get; }

    public string Path => Source.Path;

    public string Name => System.IO.Path.GetFileName(Source.Path);

    /// <summary>What kind of recording it is.</summary>
    public string Kind { get; }

    /// <summary>Sizes and flags.</summary>
    public JsonObject Config { get; }

    public IReadOnlyList<FixtureCase> Cases { get; }

    /// <summary>Comparisons so far.</summary>
    public List<ParityRow> Rows { get; } = [];

    public static FixtureFile Open(string path)
    {
        SafetensorsFile source = SafetensorsFile.Open(path);
        try
        {
            return new FixtureFile(
                source,
                source.Metadata.GetValueOrDefault("kind") ?? throw new InvalidDataException($"{path}: not a fixture, its metadata have no kind."),
                Parse(source, "config") as JsonObject ?? [],
                Parse(source, "cases") as JsonArray ?? []);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>The files of a kind in this file's folder; their names begin with it.</summary>
    public IReadOnlyList<string> Beside(string kind)
    {
        string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;
        List<string> found = [];
        foreach (string path in Directory.GetFiles(folder, kind + "*.safetensors").Order(StringComparer.Ordinal))
        {
            using SafetensorsFile other = SafetensorsFile.Open(path);
            if (other.Metadata.GetValueOrDefault("kind")?.StartsWith(kind, StringComparison.Ordinal) == true)
            {
                found.Add(path);
            }
        }
        return found.Count > 0 ? found : throw new FileNotFoundException($"{Path} needs weights of kind {kind} in its folder.");
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
