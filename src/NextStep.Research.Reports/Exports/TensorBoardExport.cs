using System.Globalization;
using System.Text.RegularExpressions;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>An event file a finished cell, in a folder of its arm and seed. TensorBoard joins all event files of a folder into one run.</summary>
internal static partial class TensorBoardExport
{
    private const string FileName = "events.out.tfevents.0.nextstep";

    public static IReadOnlyList<string> Write(RunFolder folder, string output, Action<string>? leftOut)
    {
        IReadOnlyDictionary<string, string> names = FolderNames.Of(folder.RequirePlan().Arms.Select(a => a.Name));
        List<string> files = [];
        foreach (ExportedCell cell in ExportedCell.All(folder, leftOut))
        {
            string place = Path.Combine(output, names[cell.Cell.Arm], string.Create(CultureInfo.InvariantCulture, $"seed{cell.Cell.Seed}")), config = Path.Combine(folder.Cell(cell.Cell), "config.yaml");
            string file = Path.Combine(place, FileName);
            AtomicFile.Write(file, stream => Write(new TensorBoardFile(stream, cell.Began), cell, File.Exists(config) ? File.ReadAllText(config) : ""), durable: false);
            foreach (string older in Directory.GetFiles(place, "events.out.tfevents.*").Where(f => EarlierName().IsMatch(Path.GetFileName(f))))
            {
                File.Delete(older); // earlier versions put time and cell into the name, so that every export added a file
            }
            files.Add(file);
        }
        return files;
    }

    private static void Write(TensorBoardFile events, ExportedCell cell, string config)
    {
        events.Text("config", $"```yaml\n{config}\n```", cell.Began);
        events.Hyperparameters(cell.Settings, cell.Cell.Arm, cell.Began, cell.Ended);
        foreach ((string stage, string metric, long images, double value, double time) in cell.Points)
        {
            events.Scalar($"{stage}/{metric}", value, images, time);
        }
        foreach ((string name, double value) in cell.Result.Metrics)
        {
            events.Scalar($"final/{name}", value, cell.LastImages, cell.Ended);
        }
    }

    [GeneratedRegex(@"^events\.out\.tfevents\.\d+\.[0-9a-f]{16}$")]
    private static partial Regex EarlierName();
}
