using System.Globalization;
using System.IO.Hashing;
using System.Text;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>
/// A file store of MLflow (<c>mlflow ui --backend-store-uri FOLDER</c>): <c>EXPERIMENT/meta.yaml</c> and, a run a finished cell,
/// <c>EXPERIMENT/RUN/</c> with <c>meta.yaml</c>, <c>metrics/NAME</c> (a line a point: milliseconds, value, step), <c>params/NAME</c>,
/// <c>tags/NAME</c> and <c>artifacts/</c>. Ids follow from the experiment's name and the cell's key, so a second export renews the
/// first and several runs share one store.
/// </summary>
internal static class MlflowExport
{
    private const int Finished = 3; // RunStatus.FINISHED
    private const int Local = 4; // SourceType.LOCAL
    private const int LongestParam = 6000;

    public static IReadOnlyList<string> Write(RunFolder folder, string output, Action<string>? leftOut)
    {
        Plan plan = folder.RequirePlan();
        ExportedCell[] cells = [.. ExportedCell.All(folder, leftOut)];
        if (cells.Length == 0)
        {
            return [];
        }
        // Ids of MLflow's own making have 18 digits, too.
        string id = (XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(plan.Name)) % 900_000_000_000_000_000 + 100_000_000_000_000_000).ToString(CultureInfo.InvariantCulture);
        string experiment = Path.Combine(Path.GetFullPath(output), id);
        List<string> files =
        [
            Meta(experiment, new()
            {
                ["artifact_location"] = Text(new Uri(experiment).AbsoluteUri), ["creation_time"] = Milliseconds(cells.Min(c => c.Began)), ["experiment_id"] = Text(id),
                ["last_update_time"] = Milliseconds(cells.Max(c => c.Ended)), ["lifecycle_stage"] = "active", ["name"] = Text(plan.Name),
            }),
        ];
        if (plan.Question.Length > 0)
        {
            Put(Path.Combine(experiment, "tags", "mlflow.note.content"), plan.Question);
        }
        files.AddRange(cells.Select(cell => Run(folder, plan, cell, experiment, id)));
        return files;
    }

    private static string Run(RunFolder folder, Plan plan, ExportedCell cell, string experiment, string experimentId)
    {
        string id = Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes(cell.Cell.Key))), place = Path.Combine(experiment, id);
        foreach (string part in ((string[])["metrics", "params"]).Select(p => Path.Combine(place, p)).Where(Directory.Exists))
        {
            Directory.Delete(part, true); // what this cell does not have any more
        }
        foreach (IGrouping<string, string> lines in Lines(cell).GroupBy(l => l.Name, l => l.Line))
        {
            Put(Path.Combine(place, "metrics", Name(lines.Key)), string.Concat(lines.Select(l => l + "\n")));
        }
        foreach ((string path, string text) in plan.Config.Select(c => KeyValuePair.Create(c.Key, cell.Settings.GetValueOrDefault(c.Key, c.Value))).Append(KeyValuePair.Create("seed", cell.Cell.Seed.ToString(CultureInfo.InvariantCulture))))
        {
            Put(Path.Combine(place, "params", Name(path)), text.Length > LongestParam ? text[..LongestParam] : text);
        }
        foreach ((string name, string text) in Tags(cell).Concat(Note(folder, cell)))
        {
            Put(Path.Combine(place, "tags", Name(name)), text);
        }
        foreach (string file in cell.Result.Pictures.Values.Append("config.yaml").Where(f => Path.GetFileName(f) == f && File.Exists(Path.Combine(folder.Cell(cell.Cell), f))))
        {
            Directory.CreateDirectory(Path.Combine(place, "artifacts"));
            File.Copy(Path.Combine(folder.Cell(cell.Cell), file), Path.Combine(place, "artifacts", file), overwrite: true);
        }
        return Meta(place, new()
        {
            ["artifact_uri"] = Text(new Uri(Path.Combine(place, "artifacts")).AbsoluteUri), ["deleted_time"] = "null", ["end_time"] = Milliseconds(cell.Ended), ["entry_point_name"] = "''",
            ["experiment_id"] = Text(experimentId), ["lifecycle_stage"] = "active", ["run_id"] = Text(id), ["run_name"] = Text(cell.Cell.Label), ["run_uuid"] = Text(id),
            ["source_name"] = "''", ["source_type"] = $"{Local}", ["source_version"] = "''", ["start_time"] = Milliseconds(cell.Began), ["status"] = $"{Finished}", ["tags"] = "[]", ["user_id"] = "nextstep",
        });
    }

    private static IEnumerable<(string Name, string Line)> Lines(ExportedCell cell) => cell.Points
        .Select(p => ($"train/{p.Stage}.{p.Metric}", Line(p.Time, p.Value, p.Images)))
        .Concat(cell.Result.Metrics.Select(m => (m.Key, Line(cell.Ended, m.Value, cell.LastImages))));

    private static string Line(double time, double value, long step) => string.Create(CultureInfo.InvariantCulture,
        $"{Milliseconds(time)} {(double.IsNaN(value) ? "nan" : double.IsInfinity(value) ? (value > 0 ? "inf" : "-inf") : value.ToString("R", CultureInfo.InvariantCulture))} {step}");

    private static IEnumerable<KeyValuePair<string, string>> Tags(ExportedCell cell) =>
    [
        new("mlflow.runName", cell.Cell.Label), new("mlflow.user", "nextstep"), new("mlflow.source.name", "nextstep"), new("mlflow.source.type", "LOCAL"),
        new("nextstep.arm", cell.Cell.Arm), new("nextstep.seed", cell.Cell.Seed.ToString(CultureInfo.InvariantCulture)), new("nextstep.cell", cell.Cell.Key),
        .. cell.Result.Provenance.Select(p => KeyValuePair.Create(p.Key == "commit" ? "mlflow.source.git.commit" : $"nextstep.{p.Key}", p.Value)),
        .. cell.Result.Identities.Select(i => KeyValuePair.Create($"nextstep.identity.{i.Key}", i.Value)),
    ];

    // Words of a person go only where there are some: a note that was written in MLflow stays.
    private static IEnumerable<KeyValuePair<string, string>> Note(RunFolder folder, ExportedCell cell) => CellNote.Read(folder, cell.Cell) is not { } note ? [] :
        [.. note.Text.Length > 0 ? [new("mlflow.note.content", note.Text)] : (KeyValuePair<string, string>[])[], .. note.Tags.Count > 0 ? [new("nextstep.tags", string.Join(',', note.Tags))] : (KeyValuePair<string, string>[])[]];

    // MLflow takes letters, digits and _-./ and spaces for names, and a slash makes a folder.
    private static string Name(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '/' or ' ' ? c : '_'));

    private static string Meta(string folder, SortedDictionary<string, string> values)
    {
        string file = Path.Combine(folder, "meta.yaml");
        Put(file, string.Concat(values.Select(v => $"{v.Key}: {v.Value}\n")));
        return file;
    }

    private static string Text(string value) => $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";

    private static string Milliseconds(double seconds) => ((long)(seconds * 1000)).ToString(CultureInfo.InvariantCulture);

    private static void Put(string file, string text) => AtomicFile.WriteText(file, text, durable: false);
}
