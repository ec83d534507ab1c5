using NextStep.Research.Experiments;
using NextStep.Research.Reports;

namespace NextStep.Research.Notebooks;

/// <summary>What <c>#!sweep</c>, <c>#!status</c> and <c>#!report</c> do, whichever host reads the line. Paths are relative to the notebook's folder.</summary>
internal static class Magics
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);

    /// <summary>Runs or continues an experiment, with its cells' states in one place, and shows what became of its claims.</summary>
    /// <param name="file">The experiment.</param>
    /// <param name="output">The run folder; null: <c>runs/NAME</c>.</param>
    /// <param name="set"><c>path=value</c>, as for the command line.</param>
    public static void Sweep(string file, string? output, IReadOnlyList<string> set)
    {
        Experiment experiment = ExperimentFile.Load(file, set);
        RunFolder run = LiveSweep.Run(experiment, output ?? Path.Combine("runs", experiment.Name), Notebook.Cancellation);
        ShowClaims(run.RequirePlan());
    }

    /// <summary>Shows what every cell of a run folder is doing.</summary>
    /// <param name="folder">The run folder; somebody else may be working in it.</param>
    /// <param name="watch">Whether the table is kept up to date until nobody works on it any more.</param>
    public static void Status(string folder, bool watch)
    {
        RunFolder run = new(folder);
        LiveOutput place = new();
        RunStatus status;
        do
        {
            status = RunStatus.Read(run);
            place.Show(Table(status));
        }
        while (watch && status.Count(CellState.Running) > 0 && !Notebook.Cancellation.WaitHandle.WaitOne(Every));
    }

    /// <summary>Writes <c>report.html</c> of a run folder, and shows its claims and the figures of its numbers.</summary>
    public static void Report(string folder)
    {
        RunFolder run = new(folder);
        HtmlReport.Write(run.Path, run.ReportFile);
        ShowClaims(run.RequirePlan());
        foreach (RunFigure figure in RunFigures.All(RunReader.Read(run.Path)).Where(f => f.Topic == FigureTopic.Numbers))
        {
            new LiveOutput().Show(figure.Figure);
        }
        new LiveOutput().Show($"report: {run.ReportFile}");
    }

    private static void ShowClaims(Plan plan)
    {
        if (plan.Claims.Count > 0)
        {
            new LiveOutput().Show(new DataTable(["claim", "test", "verdict", "evidence"], [.. plan.Claims.Select(c => new object?[] { c.Say, c.Test, c.Verdict, c.Evidence })]));
        }
    }

    private static DataTable Table(RunStatus status) => new(["cell", "arm", "seed", "state", "stage", "progress"], [.. status.Cells.Select(c => (IReadOnlyList<object?>)
        [c.Cell.Key, c.Cell.Arm, c.Cell.Seed, c.State.ToString().ToLowerInvariant(), .. c switch
        {
            { State: CellState.Failed or CellState.Stopped, Failure: { } failure } => (object?[])[failure.Stage, failure.Message],
            { Result: null, Progress: { } p } => [p.Stage, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{p.Done}/{p.Total} {p.Unit}")],
            _ => ["", ""],
        }])]);
}
