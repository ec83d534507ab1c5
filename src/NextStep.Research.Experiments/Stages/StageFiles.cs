namespace NextStep.Research.Experiments;

/// <summary>The small files that a stage leaves for the cell's result.</summary>
internal static class StageFiles
{
    /// <summary>Everything that measurements found, and the pictures of the stage by role.</summary>
    public static void Write(string directory, Measurements all, IReadOnlyDictionary<string, string>? pictures = null)
    {
        WriteSummary(directory, all.Numbers);
        WriteIdentities(directory, all.Identities);
        WriteCurves(directory, all.Curves);
        if (all.Outcomes.Count > 0)
        {
            Write(directory, PictureOutcomes.FileName, all.Outcomes);
        }
        WritePictures(directory, pictures ?? new Dictionary<string, string>());
    }

    /// <summary><c>summary.json</c>: final numbers by name.</summary>
    public static void WriteSummary(string directory, IReadOnlyDictionary<string, double> numbers) =>
        Write(directory, "summary.json", numbers.Where(n => double.IsFinite(n.Value)).ToDictionary(n => n.Key, n => n.Value));

    /// <summary><c>pictures.json</c>: role to file name in the stage's folder.</summary>
    public static void WritePictures(string directory, IReadOnlyDictionary<string, string> pictures) => Write(directory, "pictures.json", pictures);

    /// <summary><c>prompts.json</c>: prompts of the sample sheet in the order of its cells.</summary>
    public static void WritePrompts(string directory, IReadOnlyList<string> prompts) => Write(directory, "prompts.json", prompts);

    /// <summary><c>identities.json</c>: metric name to what its number depends on; see <see cref="CellResult.Identities"/>.</summary>
    public static void WriteIdentities(string directory, IReadOnlyDictionary<string, string> identities) => Write(directory, "identities.json", identities);

    /// <summary><c>curves.json</c>: name to a curve for the report, for instance <c>latents.robustness.psnr</c>.</summary>
    public static void WriteCurves(string directory, IReadOnlyDictionary<string, Curve> curves) => Write(directory, Curve.FileName, curves);

    private static void Write<T>(string directory, string name, T value) => RunFolder.Write(Path.Combine(directory, name), value, durable: false); // whoever renames the folder flushes it first
}
