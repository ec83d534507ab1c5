using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace NextStep.Research.Experiments;

/// <summary>Keys of an arm's stages and cells: SHA-256 over exactly what the result depends on, 16 hexadecimal digits.</summary>
internal sealed class StageKeys(Arm arm, IReadOnlyList<StageDefinition> stages)
{
    // What a stage reads is the same for every seed of the arm.
    private readonly string[] _reads = [.. stages.Select(stage => string.Concat(stage.Reads.Where(p => p != "seed").Order(StringComparer.Ordinal).Select(p => ConfigPath.Canonical(arm.Config, p))))];

    // An arm may differ in something that no stage reads; it is still a cell of its own.
    private readonly string _differences = string.Concat(arm.Differences.OrderBy(d => d.Key, StringComparer.Ordinal).Select(d => $"{d.Key}: {d.Value}\n"));

    /// <summary>The stages of a cell with their keys, and the cell's own.</summary>
    public PlannedCell Cell(long seed)
    {
        Dictionary<string, string> keys = [];
        foreach ((StageDefinition stage, string reads) in stages.Zip(_reads))
        {
            keys.Add(stage.Kind, Hash(Text(stage, seed, reads, keys)));
        }
        string cell = Hash(string.Create(CultureInfo.InvariantCulture, $"seed {seed}\n{_differences}{string.Join('\n', stages.Select(s => keys[s.Kind]))}"));
        return new PlannedCell(cell, arm.Name, seed,
            [.. stages.Select(s => new PlannedStage(s.Kind, keys[s.Kind], s.Shared ? $"stages/{s.Kind}-{keys[s.Kind]}" : $"cells/{cell}/{s.Kind}", s.Shared))]);
    }

    /// <summary>What a stage's key is the hash of.</summary>
    private static string Text(StageDefinition stage, long seed, string reads, Dictionary<string, string> keys)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"stage {stage.Kind} version {stage.Version}\nseed {seed}\n{reads}");
        foreach (string kind in stage.After.Order(StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"after {kind} {(keys.TryGetValue(kind, out string? key) ? key : throw new InvalidOperationException($"stage {stage.Kind} comes after {kind}, which is not before it"))}\n");
        }
        return text.ToString();
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
}
