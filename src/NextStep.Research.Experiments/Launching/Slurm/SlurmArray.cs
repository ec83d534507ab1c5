namespace NextStep.Research.Experiments;

/// <summary><c>slurm/&lt;number&gt;.json</c>: what the indices of one array job mean.</summary>
/// <param name="Kind"><c>stages</c> or <c>cells</c>.</param>
/// <param name="Keys">Stage or cell keys by index.</param>
/// <param name="JobId">The array's job id; empty until Slurm has given one.</param>
internal sealed record SlurmArray(string Kind, IReadOnlyList<string> Keys, string JobId)
{
    /// <summary>Of the arrays that run what several cells share.</summary>
    public const string Stages = "stages";

    /// <summary>Of the arrays that run cells.</summary>
    public const string Cells = "cells";

    /// <summary>All arrays of a run folder that were submitted, the oldest first.</summary>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public static IReadOnlyList<SlurmArray> ReadAll(RunFolder folder)
    {
        string slurm = FolderOf(folder);
        return !Directory.Exists(slurm) ? [] : [.. Directory.GetFiles(slurm, "*.json").Order(StringComparer.Ordinal)
            .Select(RunFolder.Read<SlurmArray>).OfType<SlurmArray>().Where(a => a.JobId.Length > 0)];
    }

    /// <summary>Where they lie.</summary>
    internal static string FolderOf(RunFolder folder) => Path.GetFullPath(Path.Combine((folder ?? throw new ArgumentNullException(nameof(folder))).Path, "slurm"));
}
