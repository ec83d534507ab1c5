using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace NextStep.Research.Experiments;

/// <summary>Keys of stages and cells: SHA-256 over exactly what the result depends on, 16 hexadecimal digits.</summary>
internal static class StageKeys
{
    /// <summary>The stages of a cell with their keys, and the cell's own.</summary>
    public static PlannedCell Cell(Arm arm, long seed, IReadOnlyList<StageDefinition> stages)
    {
        ResearchConfig config = arm.Config with { Seed = seed };
        Dictionary<string, string> keys = [];
        foreach (StageDefinition stage in stages)
        {
            keys.Add(stage.Kind, Hash(Text(stage, config, keys)));
        }
        // An arm may differ in something that no stage reads; it is still a cell of its own.
        string differences = string.Concat(arm.Differences.OrderBy(d => d.Key, StringComparer.Ordinal).Select(d => $"{d.Key}: {d.Value}\n"));
        string cell = Hash(string.Create(CultureInfo.InvariantCulture, $"seed {seed}\n{differences}{string.Join('\n', stages.Select(s => keys[s.Kind]))}"));
        return new PlannedCell(cell, arm.Name, seed,
            [.. stages.Select(s => new PlannedStage(s.Kind, keys[s.Kind], s.Shared ? $"stages/{s.Kind}-{keys[s.Kind]}" : $"cells/{cell}/{s.Kind}", s.Shared))]);
    }

    /// <summary>What a stage's key is the hash of.</summary>
    private static string Text(StageDefinition stage, ResearchConfig config, Dictionary<string, string> keys)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"stage {stage.Kind} version {stage.Version}\nseed {config.Seed}\n");
        foreach (string path in stage.Reads.Where(p => p != "seed").Order(StringComparer.Ordinal))
        {
            text.Append(ConfigPath.Canonical(config, path));
        }
        foreach (string kind in stage.After.Order(StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"after {kind} {(keys.TryGetValue(kind, out string? key) ? key : throw new InvalidOperationException($"stage {stage.Kind} comes after {kind}, which is not before it"))}\n");
        }
        return text.ToString();
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
}
