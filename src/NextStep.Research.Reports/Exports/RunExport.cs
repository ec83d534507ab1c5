using System.Globalization;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>Writes the numbers of a run folder for other tools.</summary>
public static class RunExport
{
    /// <summary>Known formats.</summary>
    public static IReadOnlyList<string> Formats { get; } = ["csv", "jsonl", "parquet", "tensorboard"];

    /// <summary>
    /// Writes <c>cells</c> and <c>curves</c> as tables (see <see cref="RunTable"/>), or for <c>tensorboard</c> an event file a finished
    /// cell, in a folder ARM/seedN, with its curves over images seen, its final numbers below <c>final/</c> and its configuration.
    /// </summary>
    /// <param name="folder">The run.</param>
    /// <param name="format">One of <see cref="Formats"/>.</param>
    /// <param name="output">A folder; files of that name are replaced.</param>
    /// <returns>What was written.</returns>
    /// <exception cref="InvalidDataException">It is no run folder, or a file is damaged.</exception>
    public static IReadOnlyList<string> Write(RunFolder folder, string format, string output)
    {
        ArgumentNullException.ThrowIfNull(folder);
        Action<Stream, RunTable>? write = format switch
        {
            "csv" => TextTables.WriteCsv,
            "jsonl" => TextTables.WriteJsonLines,
            "parquet" => ParquetTable.Write,
            "tensorboard" => null,
            _ => throw new ArgumentException($"there is no format '{format}'{NearestName.Hint(format, [.. Formats])}", nameof(format)),
        };
        if (write is null)
        {
            return WriteEvents(folder, output);
        }
        List<string> files = [];
        foreach (RunTable table in new[] { RunTable.Cells(folder), RunTable.Curves(folder) })
        {
            string file = Path.Combine(output, $"{table.Name}.{format}");
            AtomicFile.Write(file, stream => write(stream, table), durable: false);
            files.Add(file);
        }
        return files;
    }

    private static List<string> WriteEvents(RunFolder folder, string output)
    {
        List<string> files = [];
        foreach (PlannedCell cell in folder.RequirePlan().Cells)
        {
            if (folder.ReadResult(cell) is not { } result)
            {
                continue;
            }
            string config = Path.Combine(folder.Cell(cell), "config.yaml");
            // Curves count their seconds from the beginning of the work, which ended when the result was written.
            double began = (File.GetLastWriteTimeUtc(Path.Combine(folder.Cell(cell), "result.json")) - DateTime.UnixEpoch).TotalSeconds - result.Seconds.Values.Sum();
            string file = Path.Combine(output, Safe(cell.Arm), string.Create(CultureInfo.InvariantCulture, $"seed{cell.Seed}"),
                string.Create(CultureInfo.InvariantCulture, $"events.out.tfevents.{(long)began}.{cell.Key}"));
            AtomicFile.Write(file, stream => Write(new TensorBoardFile(stream, began), folder, cell, result, began, File.Exists(config) ? File.ReadAllText(config) : ""), durable: false);
            files.Add(file);
        }
        return files;
    }

    private static void Write(TensorBoardFile events, RunFolder folder, PlannedCell cell, CellResult result, double began, string config)
    {
        events.Text("config", $"```yaml\n{config}\n```", began);
        IReadOnlyDictionary<string, IReadOnlyList<(double Images, double Value)>> curves = CellCurves.Read(folder, cell).Points;
        double last = 0;
        foreach ((string name, IReadOnlyList<(double Images, double Value)> points) in curves.Where(c => !c.Key.EndsWith(".seconds", StringComparison.Ordinal)))
        {
            string stage = name.Split('.')[0];
            Dictionary<double, double> seconds = curves.TryGetValue($"{stage}.seconds", out IReadOnlyList<(double Images, double Value)>? times) ? times.ToDictionary(t => t.Images, t => t.Value) : [];
            foreach ((double images, double value) in points)
            {
                events.Scalar($"{stage}/{name[(stage.Length + 1)..]}", value, (long)images, began + seconds.GetValueOrDefault(images));
                last = Math.Max(last, images);
            }
        }
        foreach ((string name, double value) in result.Metrics)
        {
            events.Scalar($"final/{name}", value, (long)last, began + result.Seconds.Values.Sum());
        }
    }

    // Arms are named freely; folders are not.
    private static string Safe(string arm) => string.Concat(arm.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '=' or ',' ? c : '_')) is var name && name.Trim('.').Length > 0 ? name : "_";
}
