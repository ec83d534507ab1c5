using NextStep.Research.Experiments.Tests.Slurm;
using NextStep.Research.Experiments.Tests.Workers;
using NextStep.Research.Reports;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments.Tests.Search;

/// <summary>Halving: its decisions, and sweeps that follow them.</summary>
public sealed class HalvingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private const string Halving = "search: { method: halving, metric: alignment, goal: minimize, rungs: [2, 4] }";

    private StubSweep Sweep(string name) => new(_folder, name, StubSweep.Grid(6, 2, 8, 1, Halving));

    private Plan Decisions(string goal = "maximize") => Plan.Make(ExperimentFile.Load(_folder.Write("d.yaml", $$"""
        training: { model: { images: 1000 } }
        axes: { autoencoder.latentChannels: [4, 8, 12, 16, 20] }
        baseline: { autoencoder.latentChannels: 4 }
        seeds: [0, 1]
        search: { method: halving, metric: alignment, goal: {{goal}}, rungs: [100, 300] }
        """)), StubStages.All);

    // The arm's value at a rung, both seeds around it; null where it is not over.
    private static SearchState State(Plan plan, Func<string, int, double?> value) => SearchState.Of(plan, c =>
        value(c.Arm, c.Rung switch { 100 => 0, 300 => 1, _ => 2 }) is { } v ? new SearchOutcome(double.IsNaN(v) ? null : v + (c.Seed == 0 ? 0.1 : -0.1)) : null)!;

    [Fact]
    public void A_rung_is_decided_when_all_its_cells_are_over_and_keeps_half_and_the_baseline()
    {
        Plan plan = Decisions();
        SearchState begun = State(plan, (arm, rung) => rung == 0 && arm != "latentChannels=20" ? 1 : null);
        Assert.False(begun.Rungs.Single().Decided);
        Assert.All(plan.AllCells, c => Assert.Equal((c.Rung == 100, false), (begun.IsOpen(c), begun.IsStopped(c))));

        // Ranks: 16, 12, 20, 8, 4 (the baseline); three of five go on, and the baseline.
        SearchState first = State(plan, (arm, rung) => rung > 0 ? null : arm switch { "baseline" => 0, "latentChannels=8" => 1, "latentChannels=12" => 4, "latentChannels=16" => 5, _ => 2 });
        Assert.Equal(["latentChannels=16", "latentChannels=12", "latentChannels=20", "latentChannels=8", "baseline"], first.Rungs[0].Standings.Select(s => s.Arm));
        Assert.Equal(new Dictionary<string, long> { ["latentChannels=8"] = 100 }, first.Stopped);
        Assert.All(plan.AllCells, c => Assert.Equal(c.Arm == "latentChannels=8" && c.Rung != 100, first.IsStopped(c)));
        Assert.All(plan.AllCells, c => Assert.Equal(c.Rung == 100 || (c.Rung == 300 && c.Arm != "latentChannels=8"), first.IsOpen(c)));
        Assert.Null(first.Winner);
    }

    [Fact]
    public void At_the_end_the_best_whole_training_wins_whatever_the_rungs_said()
    {
        SearchState end = State(Decisions("minimize"), (arm, rung) => arm switch { "baseline" => 3, "latentChannels=8" => rung == 2 ? 9 : 1, "latentChannels=12" => 2, _ => 5 });
        Assert.Equal([100L, 300L, null], end.Rungs.Select(r => r.Images));
        Assert.Equal(["latentChannels=12", "baseline", "latentChannels=8"], end.Rungs[2].Standings.Select(s => s.Arm));
        Assert.Equal("latentChannels=12", end.Winner);
    }

    [Fact]
    public void An_arm_of_which_a_seed_failed_is_stopped_and_of_equal_arms_the_first_goes_on()
    {
        SearchState state = State(Decisions(), (arm, rung) => rung > 0 ? null : arm == "latentChannels=12" ? double.NaN : 1);
        Assert.Equal(["baseline", "latentChannels=8", "latentChannels=16", "latentChannels=20", "latentChannels=12"], state.Rungs[0].Standings.Select(s => s.Arm));
        Assert.Equal(["latentChannels=12", "latentChannels=20"], state.Stopped.Keys.Order());
        // Where all failed only the baseline is left, which then fails as a whole training.
        Assert.Equal(4, State(Decisions(), (_, rung) => rung > 0 ? null : double.NaN).Stopped.Count);
    }

    [Fact]
    public void A_search_that_is_interrupted_or_shared_ends_as_one_that_is_not_and_runs_no_stopped_arm()
    {
        StubSweep straight = Sweep("straight"), shared = Sweep("shared"), broken = Sweep("broken");
        SweepOutcome outcome = straight.RunHere();
        SearchState state = SearchWatch.Read(straight.Folder, straight.Plan)!;
        PlannedCell[] ran = [.. straight.Plan.AllCells.Where(straight.Folder.IsDone)], open = [.. straight.Plan.AllCells.Where(c => !state.IsStopped(c))];
        Assert.Equal(open, ran);
        Assert.Equal((ran.Length, 36 + 6 - ran.Length, 0, false), (outcome.Ran, outcome.Stopped, outcome.Failed.Count, outcome.Cancelled));
        Assert.NotNull(state.Winner);

        Assert.Equal(outcome.Ran, shared.RunPool(3).Ran);
        Assert.Empty(straight.DifferencesTo(shared));

        for (int stops = 0; stops < 40 && !SearchWatch.Read(broken.Folder, broken.Plan)!.Rungs[^1].Decided; stops++)
        {
            broken.RunAndStop(after: 9 + stops);
        }
        broken.RunHere();
        Assert.Empty(straight.DifferencesTo(broken));
        Assert.All((StubSweep[])[shared, broken], s => Assert.Equal(
            File.ReadAllText(Path.Combine(straight.Folder.Path, SearchState.FileName)), File.ReadAllText(Path.Combine(s.Folder.Path, SearchState.FileName))));
        Assert.Equal((0, outcome.Stopped), (broken.RunHere().Ran, broken.RunHere().Stopped));
    }

    [Fact]
    public void Stopped_arms_stay_in_status_report_and_tables_as_such()
    {
        StubSweep sweep = Sweep("run");
        sweep.RunHere();
        RunStatus status = RunStatus.Read(sweep.Folder);
        int stopped = status.Count(CellState.Stopped);
        Assert.Equal((true, sweep.Plan.AllCells.Count() - stopped), (status.IsOver, status.Count(CellState.Done)));
        SearchRows rows = SearchRows.Of(sweep.Plan, status.Search)!;
        Assert.Equal(["arm", "2 images", "4 images", "whole training", ""], rows.Columns);
        Assert.Equal(sweep.Plan.Arms.Count, rows.Rows.Count);
        Assert.Equal((status.Search!.Winner, "best"), (rows.Rows[0][0], rows.Rows[0][4]));
        Assert.Equal(["stopped after 2 images", "stopped after 4 images"], rows.Rows.Select(r => r[4]).Where(t => t.StartsWith("stopped", StringComparison.Ordinal)).Distinct().Order());
        HtmlReport.Write(sweep.Folder.Path, sweep.Folder.ReportFile);
        string page = File.ReadAllText(sweep.Folder.ReportFile);
        Assert.Contains("How the arms were chosen", page, StringComparison.Ordinal);
        Assert.Contains("stopped after 2 images", page, StringComparison.Ordinal);
        Assert.Contains("stopped by the search", page, StringComparison.Ordinal);
        RunTable table = RunTable.Cells(sweep.Folder);
        Assert.Equal([2L, 4L, null], ((long?[])table.Columns.Single(c => c.Name == "rung").Values).Distinct());
    }

    [Fact]
    public void On_a_cluster_rung_follows_rung_and_tasks_of_stopped_arms_end_at_once()
    {
        StubSweep sweep = Sweep("run");
        RecordedCluster cluster = new() { Configuration = "MaxArraySize = 1001\n" };
        WorkerCommand worker = new(_folder.Write("program/nextstep", "#!/bin/sh"), [], ["work"]);
        new SlurmLauncher(sweep.Folder, sweep.Plan, worker, [], new SlurmOptions(), cluster).Submit(new SweepOptions());
        SlurmArray[] arrays = [.. SlurmArray.ReadAll(sweep.Folder).Where(a => a.Kind == SlurmArray.Cells)];
        Assert.Equal([2L, 4L, null], arrays.Select(a => sweep.Plan.AllCells.First(c => c.Key == a.Keys[0]).Rung));
        Assert.All(cluster.Submissions.Skip(1), (s, i) => Assert.Contains($"--dependency=afterany:{41 + i}", s));

        PlannedCell[] rung = [.. sweep.Plan.Rungs.Where(c => c.Rung == 2)];
        Assert.Equal(0, Task(sweep, cluster, sweep.Plan.Cells[1])); // too early: nothing is decided
        Assert.False(sweep.Folder.IsDone(sweep.Plan.Cells[1]));
        Assert.All(rung, c => Assert.Equal(0, Task(sweep, cluster, c)));
        SearchState state = SearchWatch.Read(sweep.Folder, sweep.Plan)!;
        PlannedCell stopped = sweep.Plan.Rungs.First(c => c.Rung == 4 && state.IsStopped(c)), open = sweep.Plan.Rungs.First(c => c.Rung == 4 && state.IsOpen(c));
        Assert.Equal((0, 0), (Task(sweep, cluster, stopped), Task(sweep, cluster, open)));
        Assert.Equal((false, true), (sweep.Folder.IsDone(stopped), sweep.Folder.IsDone(open)));
    }

    private static int Task(StubSweep sweep, RecordedCluster cluster, PlannedCell cell)
    {
        (string map, SlurmArray array) = Directory.GetFiles(Path.Combine(sweep.Folder.Path, "slurm"), "*.json").Select(f => (f, RunFolder.Read<SlurmArray>(f)!)).Single(m => m.Item2.Kind == SlurmArray.Cells && m.Item2.Keys.Contains(cell.Key));
        int index = array.Keys.ToList().IndexOf(cell.Key);
        return new SlurmWorker(sweep.Folder, StubStages.All, new SlurmTask($"42_{index}", 0, null, 1), cluster, new SweepOptions()).Run(map, index, () => false, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void A_training_whose_log_is_beyond_the_bound_is_stopped_and_is_no_failure()
    {
        // The loss is the learning rate, and falls nowhere.
        StageDefinition[] stages = [new("model", 1, ["training.model", "seed"], [], true, context =>
        {
            for (long images = 1; images <= 10; images++)
            {
                context.Progress(new StageProgress(images, 10, "images", new Dictionary<string, double> { ["loss"] = context.Config.Training.Model.LearningRate!.Value }));
            }
        })];
        Experiment experiment = ExperimentFile.Load(_folder.Write("e.yaml", """
            baseline: { training.model.learningRate: 0.1 }
            axes: { training.model.learningRate: [0.1, 0.5, 0.9] }
            search: { stop: [{ metric: model.loss, above: 0.4, after: 3 }] }
            """));
        RunFolder run = new(_folder.File("run"));
        Plan plan = NextStep.Research.Experiments.Sweep.Prepare(run, Plan.Make(experiment, stages), false);
        SweepOutcome outcome = new SweepRunner(run, plan, experiment, stages, new SweepOptions { FailFast = true }).Run(TestContext.Current.CancellationToken);
        Assert.Equal((0, 2, false), (outcome.Failed.Count, outcome.Stopped, outcome.Cancelled));
        CellStatus stopped = RunStatus.Read(run).Cells.First(c => c.Cell.Arm == "learningRate=0.5");
        Assert.Equal((CellState.Stopped, "model.loss 0.5 is above 0.4 at 3 images: stopped by the rule of the search"), (stopped.State, stopped.Failure!.Message));
        Assert.Equal(2, new SweepRunner(run, plan, experiment, stages, new SweepOptions()).Run(TestContext.Current.CancellationToken).Stopped);
    }

    [Theory]
    [InlineData(16)] // its end is a line of the log as well: no step is done twice
    [InlineData(24)] // it is not: from the newest checkpoint
    public void A_training_that_goes_on_from_a_shorter_one_ends_in_the_same_bits_and_the_same_log(long logEvery)
    {
        (string straight, _) = Train("straight", 80, logEvery, false);
        Train("short", 48, logEvery, true);
        Directory.CreateDirectory(_folder.File("on"));
        TrainingLoop.GoOnFrom(_folder.File("short"), _folder.File("on"));
        (string on, int steps) = Train("on", 80, logEvery, false);
        Assert.Equal(straight, on);
        Assert.Equal(4, steps);
    }

    // Weights and log of a small training with a constant rate, and how many steps it took.
    private (string State, int Steps) Train(string name, long images, long logEvery, bool keepEnd)
    {
        int steps = 0;
        using DisposeScope scope = NewDisposeScope();
        using TorchSharp.Modules.Linear module = nn.Linear(2, 1);
        using (no_grad())
        {
            module.weight!.copy_(ones(1, 2));
            module.bias!.copy_(ones(1));
        }
        TrainerConfig trainer = new() { Images = images, BatchSize = 8, Warmup = 16, LogEvery = logEvery, CheckpointEvery = 16, Schedule = LearningRateSchedule.Constant, Ema = 0.9 };
        new TrainingLoop(trainer, 1e-2, new TrainingRun(_folder.File(name), "model") { KeepEnd = keepEnd }).Run(module, step =>
        {
            steps++;
            Tensor loss = (module.forward(full([8, 2], 1f / (step + 1))) - 3).square().mean();
            return new StepOutcome(loss, [StepMetric.Mean("loss", loss)], []);
        });
        string log = string.Join('\n', File.ReadLines(Path.Combine(_folder.File(name), "metrics.jsonl")).Select(l => l[..l.IndexOf("\"seconds\"", StringComparison.Ordinal)]));
        return ($"{string.Join(' ', module.parameters().SelectMany(p => p.data<float>().ToArray()).Select(BitConverter.SingleToInt32Bits))}\n{log}", steps);
    }
}
