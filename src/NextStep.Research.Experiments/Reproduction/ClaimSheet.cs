using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>A small sheet of drawn pictures for a claim: a row an arm, the same prompts and noise in each.</summary>
internal static class ClaimSheet
{
    private const int Columns = 12;
    private const int MostRows = 8;

    /// <summary>The arms that have a row, from top to bottom: those that draw pictures of the baseline's size.</summary>
    public static IReadOnlyList<string> Rows(Experiment experiment) =>
        [.. experiment.Arms.Where(a => a.Config.Data.ImageSize == experiment.Arms[0].Config.Data.ImageSize).Take(MostRows).Select(a => a.Name)];

    /// <summary>Writes the sheet of the first seed; nothing where an arm has no pictures there.</summary>
    /// <returns>Whether it was written.</returns>
    public static bool Write(Experiment experiment, RunFolder folder, string file)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Plan plan = folder.RequirePlan();
        List<Tensor> rows = [];
        foreach (string arm in Rows(experiment))
        {
            PlannedCell? cell = plan.Cells.FirstOrDefault(c => c.Arm == arm && c.Seed == experiment.Seeds[0]);
            string pixels = cell?.Stages.FirstOrDefault(s => s.Kind == "samples") is { } stage ? Path.Combine(folder.Stage(stage), SamplesStage.Pixels) : "";
            if (!File.Exists(pixels))
            {
                return false;
            }
            using SafetensorsFile saved = SafetensorsFile.Open(pixels);
            Tensor all = saved.Read("pixels");
            rows.Add(all.narrow(0, 0, Math.Min(Columns, all.size(0))));
        }
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        ImageFile.Save(file, ImageGrid.Make(cat(rows), (int)rows[0].size(0)));
        return true;
    }
}
