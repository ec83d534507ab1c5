using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>A finished cell of a sweep, for measuring it again.</summary>
/// <param name="Folder">The cell's folder.</param>
/// <param name="Config">Its configuration.</param>
internal sealed record TrainedCell(string Folder, ResearchConfig Config)
{
    /// <summary>The cell in a folder, or null when the folder is none.</summary>
    /// <exception cref="InvalidDataException">It is a whole run folder, or the cell has not drawn its pictures yet.</exception>
    public static TrainedCell? Find(string folder)
    {
        if (File.Exists(Path.Combine(folder, "plan.json")) && Directory.Exists(Path.Combine(folder, "cells")))
        {
            string[] cells = [.. Directory.EnumerateDirectories(Path.Combine(folder, "cells")).Order(StringComparer.Ordinal)];
            throw new InvalidDataException($"{folder} is a whole run; name one of its cells{(cells.Length > 0 ? ", for instance " + cells[0] : "")}.");
        }
        string config = Path.Combine(folder, "config.yaml");
        if (!File.Exists(config))
        {
            return null;
        }
        RunComponents.OpenAbove(folder);
        return new TrainedCell(folder, ConfigYaml.Load(config));
    }

    /// <summary>What the cell drew: [n, 3, S, S] in [−1, 1] and a prompt for each. The pixels join the caller's dispose scope.</summary>
    /// <exception cref="InvalidDataException">Nothing was drawn yet, or the file is damaged.</exception>
    public (Tensor Pixels, IReadOnlyList<string> Prompts) Pictures()
    {
        string file = Path.Combine(Folder, "samples", SamplesStage.Pixels);
        if (!File.Exists(file))
        {
            throw new InvalidDataException($"The cell {Folder} has drawn no pictures yet ({file} is missing); run its sweep to the end.");
        }
        using SafetensorsFile saved = SafetensorsFile.Open(file);
        string[] prompts = saved.Metadata.TryGetValue("prompts", out string? text) ? JsonSerializer.Deserialize<string[]>(text) ?? [] : [];
        Tensor pixels = saved.Entries.ContainsKey("pixels") ? saved.Read("pixels").clone() : throw new InvalidDataException($"{file} holds no pictures.");
        return pixels.dim() == 4 && pixels.size(0) == prompts.Length
            ? (pixels, prompts)
            : throw new InvalidDataException($"{file} is damaged: {prompts.Length} prompts do not go with pictures [{string.Join(", ", pixels.shape)}].");
    }
}
