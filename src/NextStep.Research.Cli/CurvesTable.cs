using NextStep.Research.Experiments;
using NextStep.Research.Reports;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary>Training curves as sparklines: the losses of every arm's first finished seed, from its <c>metrics.jsonl</c>.</summary>
internal static class CurvesTable
{
    private const int MostArms = 24;
    private const int Blocks = 32;

    /// <summary>Null where no cell has a curve.</summary>
    public static Table? Make(RunFolder folder, Plan plan, IReadOnlyList<PlannedArm> arms)
    {
        (PlannedArm Arm, CellCurves Curves)[] found = [.. arms.Take(MostArms)
            .Select(arm => (arm, Cell: plan.Cells.FirstOrDefault(c => c.Arm == arm.Name && File.Exists(Path.Combine(folder.Cell(c), "result.json")))))
            .Where(a => a.Cell is not null).Select(a => (a.arm, CellCurves.Read(folder, a.Cell!)))];
        string[] names = [.. found.SelectMany(f => f.Curves.Points.Keys).Where(n => n.EndsWith(".loss", StringComparison.Ordinal)).Distinct()];
        if (names.Length == 0)
        {
            return null;
        }
        Table table = new Table().Border(TableBorder.Simple).AddColumns(["arm", .. names.Select(n => $"{n} in training")]);
        foreach ((PlannedArm arm, CellCurves curves) in found)
        {
            table.AddRow([new Text(arm.Name), .. names.Select(n => new Text(curves.Points.TryGetValue(n, out IReadOnlyList<(double, double Value)>? points)
                ? $"{Sparkline.Of([.. points.Select(p => p.Value)], Blocks)} {Numbers.Format(points[^1].Value)}" : ""))]);
        }
        return table;
    }
}
