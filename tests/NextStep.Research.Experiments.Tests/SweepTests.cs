namespace NextStep.Research.Experiments.Tests;

public sealed class SweepTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _runs = [];
    private Action<StageContext> _before = _ => { };
    private CancellationTokenSource? _stop;

    public void Dispose() => _folder.Dispose();

    private IReadOnlyList<StageDefinition> Stages =>
    [
        Stage("autoencoder", ["data", "autoencoder"], [], true),
        Stage("model", ["model"], ["autoencoder"], true),
        Stage("samples", ["sampling"], ["model"], false),
    ];

    private RunFolder Run => new(_folder.File("run"));

    private StageDefinition Stage(string kind, string[] reads, string[] after, bool shared) => new(kind, 1, reads, after, shared, context =>
    {
        _runs.Add(kind);
        Assert.All(after, a => Assert.True(File.Exists(Path.Combine(context.Inputs[a], "out.txt"))));
        File.AppendAllText(Path.Combine(context.Directory, "out.txt"), "x");
        context.Progress(new StageProgress(1, 2, "images", new Dictionary<string, double> { ["loss"] = 1 }));
        File.WriteAllText(Path.Combine(context.Directory, "metrics.jsonl"), $"{{\"stage\":\"{kind}\",\"images\":1}}\n");
        _before(context);
        File.WriteAllText(Path.Combine(context.Directory, "summary.json"), $"{{\"{kind}.width\": {context.Config.Autoencoder.Width}}}");
        File.WriteAllText(Path.Combine(context.Directory, kind + ".png"), kind);
        File.WriteAllText(Path.Combine(context.Directory, "pictures.json"), $"{{\"{kind}\": \"{kind}.png\"}}");
        if (kind == "model")
        {
            Directory.CreateDirectory(Path.Combine(context.Directory, "model"));
            File.WriteAllText(Path.Combine(context.Directory, "model", "config.json"), "{}");
        }
    });

    private SweepOutcome Sweep(string yaml, SweepOptions? options = null, bool accept = false)
    {
        Experiment experiment = ExperimentFile.Load(_folder.Write("e.yaml", yaml));
        Plan plan = Experiments.Sweep.Prepare(Run, Plan.Make(experiment, Stages), accept);
        SweepOutcome outcome = new SweepRunner(Run, plan, experiment, Stages, options ?? new SweepOptions()).Run(_stop?.Token ?? CancellationToken.None);
        Experiments.Sweep.Judge(Run, plan);
        return outcome;
    }

    private int Count(string kind) => _runs.Count(r => r == kind);

    private Plan PlanOf(string yaml) => Plan.Make(ExperimentFile.Load(_folder.Write("p.yaml", yaml)), Stages);

    [Fact]
    public void A_head_axis_shares_the_autoencoder_and_a_noise_axis_does_not()
    {
        int Distinct(string yaml, string kind) => PlanOf(yaml).Cells.SelectMany(c => c.Stages).Where(s => s.Kind == kind).Select(s => s.Key).Distinct().Count();
        Assert.Equal((1, 3), (Distinct("axes: { model.head.size: [small, base, large] }", "autoencoder"), Distinct("axes: { model.head.size: [small, base, large] }", "model")));
        Assert.Equal((2, 2), (Distinct("axes: { autoencoder.noiseStrength: [0, 0.5] }", "autoencoder"), Distinct("axes: { autoencoder.noiseStrength: [0, 0.5] }", "model")));
        Assert.Equal(2, Distinct("seeds: [0, 1]", "autoencoder"));
    }

    [Fact]
    public void Keys_do_not_depend_on_the_device_and_stay_what_they_were()
    {
        Assert.Equal(PlanOf("device: cpu").Cells.Select(c => c.Key), PlanOf("device: cuda:0").Cells.Select(c => c.Key));
        Assert.Equal(PlanOf("seed: 3").Cells[0].Key, PlanOf("seeds: [3]").Cells[0].Key);
    }

    [Fact]
    public void Shared_stages_run_once_and_a_second_sweep_runs_nothing()
    {
        SweepOutcome first = Sweep("axes: { model.head.size: [small, base] }");
        Assert.Equal((2, 0, 0), (first.Ran, first.Skipped, first.Failed.Count));
        Assert.Equal((1, 2, 2), (Count("autoencoder"), Count("model"), Count("samples")));
        SweepOutcome second = Sweep("axes: { model.head.size: [small, base] }");
        Assert.Equal((0, 2), (second.Ran, second.Skipped));
        Assert.Equal(5, _runs.Count);
    }

    [Fact]
    public void A_cell_whose_shared_stage_somebody_else_took_first_is_left_until_another_is_done()
    {
        Lease? others = null;
        List<long> order = [];
        using CancellationTokenSource stop = _stop = new CancellationTokenSource();
        SweepOutcome outcome = Sweep("seeds: [0, 1]", new SweepOptions
        {
            Report = told =>
            {
                // Between the look at the stage and the taking of it.
                if (told is SweepEvent.CellStarted { Cell.Seed: 0 } begun && order.Count == 0)
                {
                    others = Lease.TryTake(Lease.FileOf(Run, begun.Cell.Stages[0]), LeaseWatch.Shared);
                }
                if (told is SweepEvent.Waiting)
                {
                    stop.Cancel(); // it sits there
                }
                if (told is SweepEvent.CellDone done)
                {
                    order.Add(done.Cell.Seed);
                    others?.Dispose();
                }
            },
        });
        Assert.NotNull(others);
        Assert.Equal([1, 0], order);
        Assert.Equal((2, 0), (outcome.Ran, outcome.Failed.Count));
    }

    [Fact]
    public void A_cell_gathers_what_its_stages_left()
    {
        Sweep("autoencoder.width: 16");
        PlannedCell cell = Run.RequirePlan().Cells[0];
        CellResult result = Run.ReadResult(cell)!;
        Assert.Equal(["autoencoder.width", "model.width", "samples.width"], result.Metrics.Keys);
        Assert.All(result.Pictures, p => Assert.Equal(p.Key, File.ReadAllText(Path.Combine(Run.Cell(cell), p.Value))));
        Assert.Equal(3, File.ReadAllLines(Path.Combine(Run.Cell(cell), "metrics.jsonl")).Length);
        Assert.True(File.Exists(Path.Combine(Run.Cell(cell), "checkpoint", "config.json")));
        Assert.Equal(16, ConfigYaml.Load(Path.Combine(Run.Cell(cell), "config.yaml")).Autoencoder.Width);
        Assert.Equal(["autoencoder", "model", "samples"], result.Seconds.Keys);
        Assert.Empty(Directory.EnumerateFiles(Run.Path, "*claim", SearchOption.AllDirectories));
    }

    [Fact]
    public void A_stopped_sweep_continues_in_the_half_done_stage()
    {
        using CancellationTokenSource stop = _stop = new();
        _before = c =>
        {
            if (_runs[^1] == "model" && !stop.IsCancellationRequested)
            {
                stop.Cancel();
                c.Cancellation.ThrowIfCancellationRequested();
            }
        };
        Assert.True(Sweep("seed: 0").Cancelled);
        _stop = null;
        SweepOutcome second = Sweep("seed: 0");
        Assert.Equal((1, false), (second.Ran, second.Cancelled));
        Assert.Equal((1, 2), (Count("autoencoder"), Count("model")));
        PlannedCell cell = Run.RequirePlan().Cells[0];
        Assert.Equal("xx", File.ReadAllText(Path.Combine(Run.Stage(cell.Stages[1]), "out.txt")));
    }

    [Fact]
    public void A_failing_cell_is_told_and_the_others_go_on()
    {
        _before = c =>
        {
            if (_runs[^1] == "model" && c.Config.Model.Head.Size == HeadSize.Small)
            {
                throw new ArithmeticException("loss is NaN at step 3");
            }
        };
        const string yaml = "axes: { model.head.size: [small, base] }";
        SweepOutcome first = Sweep(yaml);
        CellFailure failure = Assert.Single(first.Failed);
        Assert.Equal(1, first.Ran);
        Assert.Equal(("model", "ArithmeticException", "loss is NaN at step 3"), (failure.Stage, failure.Type, failure.Message));
        Assert.Equal("1 of 2 images, loss 1", failure.Step);
        Assert.Single(failure.Log);
        Assert.Equal(CellState.Failed, CellStatus.Read(Run, Run.RequirePlan().Cells[1]).State);

        int runs = _runs.Count;
        Assert.Single(Sweep(yaml).Failed); // not tried again by itself
        Assert.Equal(runs, _runs.Count);

        _before = _ => { };
        Assert.Empty(Sweep(yaml, new SweepOptions { RetryFailed = true }).Failed);
        Assert.Equal(CellState.Done, CellStatus.Read(Run, Run.RequirePlan().Cells[1]).State);
    }

    [Fact]
    public void A_shared_stage_that_failed_is_not_tried_for_every_cell()
    {
        _before = _ => throw new InvalidDataException("no pictures");
        Assert.Equal(2, Sweep("axes: { model.head.size: [small, base] }").Failed.Count);
        Assert.Equal(1, Count("autoencoder"));
    }

    [Fact]
    public void Fail_fast_stops_at_the_first_failure()
    {
        _before = _ => throw new InvalidDataException("no pictures");
        SweepOutcome outcome = Sweep("axes: { autoencoder.width: [8, 16] }", new SweepOptions { FailFast = true });
        Assert.True(outcome.Cancelled);
        Assert.Single(outcome.Failed);
    }

    [Fact]
    public void Only_runs_the_named_arms()
    {
        Assert.Equal(1, Sweep("axes: { autoencoder.width: [8, 16] }", new SweepOptions { Only = ["width=8"] }).Ran);
        Assert.Equal(["width=8"], Run.ReadResults(Run.RequirePlan()).Select(r => r.Arm));
    }

    [Fact]
    public void A_changed_plan_is_refused_with_the_difference()
    {
        Sweep("data.imageSize: 32");
        PlanChangedException refused = Assert.Throws<PlanChangedException>(() => Sweep("data.imageSize: 64"));
        Assert.Contains("data.imageSize: 32 → 64", refused.Differences);
        Assert.Equal(1, Sweep("data.imageSize: 64", accept: true).Ran);
        Assert.Equal(0, Sweep("data.imageSize: 64\nquestion: Worded anew?").Ran);
    }

    [Fact]
    public void Damaged_plans_and_foreign_paths_are_refused()
    {
        Assert.Contains("there is no run folder", Assert.Throws<InvalidDataException>(() => Run.RequirePlan()).Message, StringComparison.Ordinal);
        Sweep("seed: 0");
        string file = Path.Combine(Run.Path, "plan.json"), text = File.ReadAllText(file);
        File.WriteAllText(file, text.Replace("\"stages/", "\"../stages/", StringComparison.Ordinal));
        Assert.Contains("outside", Assert.Throws<InvalidDataException>(() => Run.RequirePlan()).Message, StringComparison.Ordinal);
        File.WriteAllText(file, text[..100]);
        Assert.Contains("plan.json is damaged", Assert.Throws<InvalidDataException>(() => Run.RequirePlan()).Message, StringComparison.Ordinal);
    }
}
