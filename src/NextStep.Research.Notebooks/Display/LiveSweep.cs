using System.Diagnostics;
using System.Globalization;
using NextStep.Research.Experiments;
using NextStep.Research.Reports;

namespace NextStep.Research.Notebooks;

/// <summary>Sweeps as they go: one table of the cells, updated in place where the host can, lines elsewhere.</summary>
public static class LiveSweep
{
    /// <summary>
    /// Runs <paramref name="experiment"/> in <paramref name="folder"/>, as <c>nextstep sweep</c> does: what is done there is left alone,
    /// what was begun is continued, and either may go on with the other's folder.
    /// </summary>
    /// <param name="experiment">From <see cref="ExperimentFile.Load"/>.</param>
    /// <param name="folder">The run folder; made if need be.</param>
    /// <param name="cancellation">Stops at the next safe place; the same call continues.</param>
    /// <returns>The folder, whose claims are judged.</returns>
    /// <exception cref="PlanChangedException">The folder was begun with another plan.</exception>
    /// <exception cref="InvalidOperationException">A cell failed; the message names the first that did, and where.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    /// <example><code>
    /// Experiment experiment = ExperimentFile.Load("../experiments/base/shapes-32.yaml", ["axes.autoencoder.noiseStrength=[0, 0.5]", "seeds=[0, 1]"]);
    /// RunFolder run = LiveSweep.Run(experiment, "../runs/noise", Notebook.Cancellation);
    /// run.ToDataFrame()
    /// </code></example>
    public static RunFolder Run(Experiment experiment, string folder, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        TorchBackend.EnsureUsable();
        RunFolder run = new(folder);
        experiment = CellThreads.Settle(experiment, run);
        Plan plan = Sweep.Prepare(run, Plan.Make(experiment, StandardStages.All), acceptChanged: false);
        SweepWatch watch = new(plan);
        SweepRunner runner = new(run, plan, experiment, StandardStages.All, new SweepOptions { Report = watch.See });
        if (runner.HasWork)
        {
            ComponentCheck.Run(experiment);
            CellConfigs.Write(run, plan, experiment);
            plan = Sweep.NoteOrigin(run, plan, Provenance.Collect(run, experiment.Name, experiment.Arms[0].Config.DescribeDevice(), $"LiveSweep.Run of {experiment.Name}"));
        }
        SweepOutcome outcome = runner.Run(cancellation);
        Sweep.Judge(run, plan);
        watch.Finish(run);
        if (outcome.Cancelled)
        {
            throw new OperationCanceledException($"{folder}: stopped before the end; the same call continues.", cancellation);
        }
        return outcome.Failed is [{ } failed, ..]
            ? throw new InvalidOperationException($"{failed.Arm}, seed {failed.Seed} failed in its stage {failed.Stage}: {failed.Message}")
            : run;
    }
}

/// <summary>What is known of the cells of a sweep while it runs.</summary>
internal sealed class SweepWatch(Plan plan)
{
    private static readonly TimeSpan OnPage = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AsLine = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, string> _states = [];
    private readonly LiveOutput _place = new();
    private readonly Stopwatch _since = Stopwatch.StartNew();
    private bool _shown;

    /// <summary>To be handed to <see cref="SweepOptions.Report"/>.</summary>
    public void See(SweepEvent happened)
    {
        (PlannedCell Cell, string State)? news = happened switch
        {
            SweepEvent.StageProgressed p => (p.Cell, string.Create(CultureInfo.InvariantCulture, $"{p.Stage.Kind}: {p.Progress.Done} of {p.Progress.Total} {p.Progress.Unit}")),
            SweepEvent.CellDone d => (d.Cell, "done"),
            SweepEvent.CellFailed f => (f.Cell, $"failed in {f.Failure.Stage}"),
            _ => null,
        };
        if (news is { } known)
        {
            (PlannedCell cell, string state) = known;
            _states[cell.Key] = state;
            if (!_shown || _since.Elapsed > (LiveOutput.IsOnPage ? OnPage : AsLine))
            {
                _shown = true;
                _since.Restart();
                _place.Show(new SweepView(Table(c => _states.GetValueOrDefault(c.Key, "")), Line(cell, state)));
            }
        }
    }

    /// <summary>What remains on the page: the same after any number of stops.</summary>
    public void Finish(RunFolder run)
    {
        DataTable table = Table(c => run.ReadResult(c) is not null ? "done" : run.ReadFailure(c) is { } f ? $"failed in {f.Stage}" : "not done");
        int done = plan.Cells.Count(c => run.ReadResult(c) is not null);
        _place.Show(new SweepView(table, $"{plan.Name}: {done} of {plan.Cells.Count} cells done"));
    }

    private DataTable Table(Func<PlannedCell, string> state) =>
        new(["arm", "seed", "state"], [.. plan.Cells.Select(c => new object?[] { c.Arm, c.Seed, state(c) })]);

    private string Line(PlannedCell cell, string state) => $"{plan.Name}: {cell.Label}, {state}";
}

/// <summary>One state of a sweep on the page.</summary>
[TypeFormatterSource(typeof(HtmlFormatterSource), PreferredMimeTypes = ["text/html"])]
internal sealed record SweepView(DataTable Table, string Line) : IShowsAsHtml
{
    public string ToHtml() => Table.ToHtml();

    public override string ToString() => Line;
}
