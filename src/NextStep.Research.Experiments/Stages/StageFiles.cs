using System.Text.Json;

namespace NextStep.Research.Experiments;

/// <summary>The small files that a stage leaves for the cell's result.</summary>
internal static class StageFiles
{
    private static readonly JsonSerializerOptions Options = new() { WriteIndented = true };

    /// <summary><c>summary.json</c>: final numbers by name.</summary>
    public static void WriteSummary(string directory, IReadOnlyDictionary<string, double> numbers) =>
        Write(directory, "summary.json", numbers.Where(n => double.IsFinite(n.Value)).ToDictionary(n => n.Key, n => n.Value));

    /// <summary><c>pictures.json</c>: role to file name in the stage's folder.</summary>
    public static void WritePictures(string directory, IReadOnlyDictionary<string, string> pictures) => Write(directory, "pictures.json", pictures);

    /// <summary><c>prompts.json</c>: prompts of the sample sheet in the order of its cells.</summary>
    public static void WritePrompts(string directory, IReadOnlyList<string> prompts) => Write(directory, "prompts.json", prompts);

    private static void Write<T>(string directory, string name, T value) =>
        AtomicFile.WriteText(Path.Combine(directory, name), JsonSerializer.Serialize(value, Options));
}
