using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>A finished cell as trackers want it.</summary>
/// <param name="Cell">Arm and seed.</param>
/// <param name="Result">Its final numbers.</param>
/// <param name="Settings">Its values for the config paths in which arms differ, as text.</param>
/// <param name="Curves">By <c>stage.metric</c>: images seen and the value; <c>stage.seconds</c> among them.</param>
/// <param name="Ended">Seconds since 1970.</param>
internal sealed record ExportedCell(
    PlannedCell Cell, CellResult Result, IReadOnlyDictionary<string, string> Settings, IReadOnlyDictionary<string, IReadOnlyList<(double Images, double Value)>> Curves, double Ended)
{
    /// <summary>Seconds since 1970. Curves count their seconds from here, as if its stages had run in one go up to the result.</summary>
    public double Began => Ended - Result.Seconds.Values.Sum();

    /// <summary>The images of the last logged point; 0 without any. Final numbers stand there.</summary>
    public long LastImages => (long)Points.Select(p => p.Images).DefaultIfEmpty(0).Max();

    /// <summary>Every point of every curve with its time.</summary>
    public IEnumerable<(string Stage, string Metric, long Images, double Value, double Time)> Points => Curves.Where(c => !c.Key.EndsWith(".seconds", StringComparison.Ordinal)).SelectMany(curve =>
    {
        string stage = curve.Key.Split('.')[0];
        Dictionary<double, double> seconds = Curves.TryGetValue($"{stage}.seconds", out IReadOnlyList<(double Images, double Value)>? times) ? times.ToDictionary(t => t.Images, t => t.Value) : [];
        return curve.Value.Select(p => (stage, curve.Key[(stage.Length + 1)..], (long)p.Images, p.Value, Began + seconds.GetValueOrDefault(p.Images)));
    });

    /// <summary>The finished cells of a run; <paramref name="leftOut"/> is told of what of their logs could not be read, with the file's name.</summary>
    /// <exception cref="InvalidDataException">It is no run folder, or a file is damaged.</exception>
    public static IEnumerable<ExportedCell> All(RunFolder folder, Action<string>? leftOut)
    {
        Plan plan = folder.RequirePlan();
        Dictionary<string, PlannedArm> arms = plan.Arms.ToDictionary(a => a.Name);
        foreach (PlannedCell cell in plan.Cells)
        {
            if (folder.ReadResult(cell) is { } result)
            {
                double ended = (File.GetLastWriteTimeUtc(Path.Combine(folder.Cell(cell), "result.json")) - DateTime.UnixEpoch).TotalSeconds;
                CellCurves curves = CellCurves.Read(folder, cell);
                foreach (string note in curves.Notes)
                {
                    leftOut?.Invoke(note);
                }
                yield return new ExportedCell(cell, result, arms[cell.Arm].Settings, curves.Points, ended);
            }
        }
    }
}
