using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>What a cell logged while it trained: lines of <c>metrics.jsonl</c> as curves.</summary>
/// <param name="Points">By <c>stage.metric</c>, for instance <c>model.loss</c>: images seen, ascending, and the value.</param>
/// <param name="Notes">What could not be read, with the file's name.</param>
internal sealed record CellCurves(IReadOnlyDictionary<string, IReadOnlyList<(double Images, double Value)>> Points, IReadOnlyList<string> Notes)
{
    /// <summary>Of a finished cell; empty where it has logged nothing.</summary>
    public static CellCurves Read(RunFolder folder, PlannedCell cell)
    {
        ArgumentNullException.ThrowIfNull(folder);
        List<string> notes = [];
        string file = Path.Combine(folder.Cell(cell), "metrics.jsonl");
        MetricsLog log = MetricsLog.Read([(file, file)], notes);
        return new CellCurves(
            log.Curves.ToDictionary(c => $"{c.Key.Stage}.{c.Key.Metric}", c => (IReadOnlyList<(double, double)>)[.. c.Value.Images.Zip(c.Value.Values)]), notes);
    }
}
