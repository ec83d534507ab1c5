using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NextStep.Research.Experiments;

/// <summary>Compares what two run folders hold of cells and stages, byte by byte; of JSON without the fields that hold times.</summary>
internal static class RunComparison
{
    /// <summary>How many files were compared, and those that differ or are in one folder only.</summary>
    public static (int Compared, IReadOnlyList<string> Differences) Compare(string one, string other)
    {
        SortedDictionary<string, string> first = Hashes(one), second = Hashes(other);
        string[] all = [.. first.Keys.Union(second.Keys).Order(StringComparer.Ordinal)];
        return (all.Length, [.. all.Where(f => first.GetValueOrDefault(f) != second.GetValueOrDefault(f))]);
    }

    private static SortedDictionary<string, string> Hashes(string folder)
    {
        SortedDictionary<string, string> hashes = new(StringComparer.Ordinal);
        foreach (string part in (string[])["cells", "stages"])
        {
            string root = Path.Combine(folder, part);
            foreach (string file in Directory.Exists(root) ? Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories) : [])
            {
                string name = Path.GetFileName(file);
                // Checkpoints hold the newest line of the metrics, with its time; the weights they end in are compared. stage.json says who ran a stage, and when.
                if (Lease.IsFile(name) || name is "stage.json" || name.StartsWith("progress.json", StringComparison.Ordinal) || name.StartsWith("state-", StringComparison.Ordinal))
                {
                    continue;
                }
                hashes[Path.GetRelativePath(folder, file).Replace('\\', '/')] = Hash(file);
            }
        }
        return hashes;
    }

    private static string Hash(string file)
    {
        string ending = Path.GetExtension(file);
        if (ending is ".json" or ".jsonl")
        {
            IEnumerable<string> documents = ending == ".jsonl" ? File.ReadLines(file) : [File.ReadAllText(file)];
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', documents.Select(WithoutTimes)))));
        }
        using FileStream stream = File.OpenRead(file);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private static string WithoutTimes(string json)
    {
        try
        {
            JsonNode? node = JsonNode.Parse(json);
            Strip(node);
            return node?.ToJsonString() ?? json;
        }
        catch (JsonException)
        {
            return json; // not what its name says: compared as it is
        }
    }

    // Times, and the provenance with its time of start, are what two equal runs may differ in.
    private static void Strip(JsonNode? node)
    {
        if (node is JsonObject values)
        {
            foreach (string name in values.Select(v => v.Key).Where(k => k == "provenance" || k.EndsWith("seconds", StringComparison.OrdinalIgnoreCase)).ToArray())
            {
                values.Remove(name);
            }
        }
        foreach (JsonNode? child in node switch { JsonObject o => o.Select(p => p.Value), JsonArray a => a, _ => [] })
        {
            Strip(child);
        }
    }
}
