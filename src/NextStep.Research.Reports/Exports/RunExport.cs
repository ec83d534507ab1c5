using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>Writes the numbers of a run folder for other tools.</summary>
internal static class RunExport
{
    /// <summary>Known formats.</summary>
    public static IReadOnlyList<string> Formats { get; } = ["csv", "jsonl", "parquet", "tensorboard", "mlflow"];

    /// <summary>
    /// Writes <c>cells</c> and <c>curves</c> as tables (see <see cref="RunTable"/>); for <c>tensorboard</c> an event file a finished
    /// cell, in a folder ARM/seedN, with its curves over images seen, its final numbers below <c>final/</c>, its configuration and its
    /// hyperparameters; for <c>mlflow</c> a file store, a run a finished cell. The same cell gets the same place at every export.
    /// </summary>
    /// <param name="folder">The run.</param>
    /// <param name="format">One of <see cref="Formats"/>.</param>
    /// <param name="output">A folder; files of that name are replaced.</param>
    /// <param name="leftOut">Told of every log of which something could not be read, with the file's name; the rest of it is written.</param>
    /// <returns>What was written.</returns>
    /// <exception cref="InvalidDataException">It is no run folder, or a file is damaged.</exception>
    public static IReadOnlyList<string> Write(RunFolder folder, string format, string output, Action<string>? leftOut = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        switch (format)
        {
            case "tensorboard":
                return TensorBoardExport.Write(folder, output, leftOut);
            case "mlflow":
                return MlflowExport.Write(folder, output, leftOut);
        }
        Action<Stream, RunTable> write = format switch
        {
            "csv" => TextTables.WriteCsv,
            "jsonl" => TextTables.WriteJsonLines,
            "parquet" => ParquetTable.Write,
            _ => throw new ArgumentException($"there is no format '{format}'{NearestName.Hint(format, [.. Formats])}", nameof(format)),
        };
        List<string> files = [];
        foreach (RunTable table in new[] { RunTable.Cells(folder), RunTable.Curves(folder, leftOut) })
        {
            string file = Path.Combine(output, $"{table.Name}.{format}");
            AtomicFile.Write(file, stream => write(stream, table), durable: false);
            files.Add(file);
        }
        return files;
    }
}
