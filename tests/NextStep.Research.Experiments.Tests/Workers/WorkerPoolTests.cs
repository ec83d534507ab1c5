namespace NextStep.Research.Experiments.Tests.Workers;

public sealed class WorkerPoolTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Workers_share_the_cells_and_the_result_is_that_of_one_process()
    {
        StubSweep alone = new(_folder, "alone", StubSweep.Grid(3, 2, 2, 1)), shared = new(_folder, "shared", StubSweep.Grid(3, 2, 2, 1));
        int cells = alone.Plan.Cells.Count;
        Assert.Equal(cells, alone.RunHere().Ran);
        List<SweepEvent> events = [];
        SweepOutcome outcome = shared.RunPool(3, new SweepOptions { Report = events.Add });
        Assert.Equal((cells, 0, 0, false), (outcome.Ran, outcome.Skipped, outcome.Failed.Count, outcome.Cancelled));
        Assert.Empty(alone.DifferencesTo(shared));
        Assert.Equal(cells, Assert.IsType<SweepEvent.Overview>(events.Last(e => e is SweepEvent.Overview)).Done);
        Assert.Equal((0, cells), (shared.RunPool(3).Ran, shared.RunPool(3).Skipped));
    }

    [Theory]
    [InlineData("cuda:0,cuda:1", null, "cuda:0 cuda:1")]
    [InlineData("cuda:0,cuda:1", 5, "cuda:0 cuda:1 cuda:0 cuda:1 cuda:0")]
    [InlineData("cuda:0, cuda:0,cuda:1", null, "cuda:0 cuda:0 cuda:1")]
    [InlineData("cuda:3", 2, "cuda:3 cuda:3")]
    public void Workers_are_dealt_out_over_the_devices(string devices, int? jobs, string expected)
    {
        WorkerPlaces places = WorkerPlaces.Over(devices, jobs);
        Assert.Equal(expected.Split(' '), Enumerable.Range(1, places.Jobs).Select(places.Of));
    }

    [Theory]
    [InlineData("cuda:0,")]
    [InlineData("GPU 0")]
    public void What_is_no_device_is_refused(string devices) =>
        Assert.Contains("is not a device; did you mean", Assert.Throws<FormatException>(() => WorkerPlaces.Over(devices, null)).Message, StringComparison.Ordinal);

    [Fact]
    public void Every_worker_computes_on_its_device_and_the_plan_does_not_know()
    {
        StubSweep alone = new(_folder, "alone", StubSweep.Grid(4, 2, 2, 20)), placed = new(_folder, "placed", StubSweep.Grid(4, 2, 2, 20));
        Assert.Equal(placed.Plan.Cells.Count, placed.RunPool(WorkerPlaces.Over("cuda:0,cuda:1", null)).Ran);
        string[] devices = [.. Directory.GetFiles(placed.Folder.Path, "device.txt", SearchOption.AllDirectories).Select(File.ReadAllText).Distinct().Order()];
        Assert.Equal(["cuda:0", "cuda:1"], devices);
        alone.RunHere();
        Assert.DoesNotContain(alone.DifferencesTo(placed), d => Path.GetFileName(d) != "device.txt");
    }

    [Fact]
    public void A_cell_that_keeps_killing_its_worker_is_given_up_and_the_others_are_done()
    {
        StubSweep sweep = new(_folder, "run", StubSweep.Grid(2, 1, 3, 1, $"arms: {{ bad: {{ training.model.warmup: {StubStages.Dies}, training.model.images: 1 }} }}"));
        List<SweepEvent> events = [];
        SweepOutcome outcome = sweep.RunPool(2, new SweepOptions { Report = events.Add });
        CellFailure failure = Assert.Single(outcome.Failed);
        Assert.Equal(("bad", "WorkerDied", "model"), (failure.Arm, failure.Type, failure.Stage));
        Assert.Contains("exit code 137", failure.Message, StringComparison.Ordinal);
        Assert.Equal(sweep.Plan.Cells.Count - 1, outcome.Ran);
        Assert.Contains(events, e => e is SweepEvent.CellFailed f && f.Cell.Arm == "bad");
    }

    [Fact]
    public void A_failure_is_told_by_whoever_watches_with_a_capsule_and_fail_fast_stops_all()
    {
        string yaml = StubSweep.Grid(1, 8, 6, 40, $"arms: {{ bad: {{ training.model.warmup: {StubStages.Throws} }} }}");
        StubSweep sweep = new(_folder, "run", yaml);
        List<SweepEvent> events = [];
        SweepOutcome outcome = sweep.RunPool(2, new SweepOptions { FailFast = true, Report = events.Add });
        Assert.True(outcome.Cancelled);
        Assert.True(outcome.Ran < sweep.Plan.Cells.Count - 1);
        CellFailure failure = outcome.Failed[0];
        Assert.Equal("the stub was told to throw", failure.Message);
        Assert.Contains(events, e => e is SweepEvent.CellFailed);
        Assert.True(File.Exists(Path.Combine(sweep.Folder.Path, failure.Capsule, "config.yaml")));
        Assert.Empty(sweep.Workers());
        PlannedCell cell = sweep.Plan.Cells.Single(c => c.Key == failure.Cell);
        Assert.IsType<ArithmeticException>(FailureCapsule.Replay(sweep.Folder, cell, StubStages.All, TestContext.Current.CancellationToken).Again);
    }

    [Fact]
    public void Workers_that_cannot_start_end_the_sweep_with_their_last_words()
    {
        StubSweep sweep = new(_folder, "run", StubSweep.Grid(1, 1, 1, 1));
        foreach (PlannedCell cell in sweep.Plan.Cells)
        {
            File.WriteAllText(Path.Combine(sweep.Folder.Cell(cell), "config.yaml"), "nonsense: 1");
        }
        Assert.Contains("nonsense", Assert.Throws<InvalidOperationException>(() => sweep.RunPool(2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_worker_refuses_a_plan_that_its_stages_would_compute_differently()
    {
        StubSweep sweep = new(_folder, "run", StubSweep.Grid(1, 1, 1, 1));
        StageDefinition[] newer = [.. StubStages.All.Select(s => s with { Version = 2 })];
        Assert.Contains("another version", Assert.Throws<InvalidDataException>(() => CellConfigs.Read(sweep.Folder, sweep.Plan.Cells[0], newer)).Message, StringComparison.Ordinal);
    }
}
