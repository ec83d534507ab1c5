namespace NextStep.Research.Experiments.Tests.Search;

/// <summary>The <c>search</c> node: its trials, its rungs, its errors.</summary>
public sealed class SearchFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Experiment Load(string yaml) => ExperimentFile.Load(_folder.Write("e.yaml", yaml));

    private static string Over(string method, int trials, string more = "") => $$"""
        training: { model: { images: 1000 } }
        search:
          method: {{method}}
          trials: {{trials}}
          over:
            training.model.learningRate: { from: 1e-4, to: 1e-2, scale: log }
            autoencoder.noiseStrength: { from: 0, to: 1 }
            model.head.layers: { from: 1, to: 6 }
            model.size: [nano, micro]
        {{more}}
        """;

    [Fact]
    public void The_first_points_of_the_sequence_are_those_of_the_literature()
    {
        // scipy.stats.qmc.Sobol(d=4, scramble=False).random(6)
        SobolSequence plain = new([0, 0, 0, 0]);
        double[][] expected = [[0, 0, 0, 0], [.5, .5, .5, .5], [.75, .25, .25, .25], [.25, .75, .75, .75], [.375, .375, .625, .875], [.875, .875, .125, .375]];
        Assert.All(expected, e => Assert.Equal(e, plain.Next()));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(0x9e3779b9u)]
    public void Every_power_of_two_of_points_fills_the_cube_evenly(uint shift)
    {
        SobolSequence sequence = new([.. Enumerable.Range(1, SobolSequence.MostDimensions).Select(d => shift * (uint)d)]);
        double[][] points = [.. Enumerable.Range(0, 64).Select(_ => sequence.Next())];
        // One point in each 64th of every axis, and in each box of 2^-a by 2^-(6-a) of the first two.
        Assert.All(Enumerable.Range(0, SobolSequence.MostDimensions), d => Assert.Equal(64, points.Select(p => (int)(p[d] * 64)).Distinct().Count()));
        Assert.All(Enumerable.Range(0, 7), a => Assert.Equal(64, points.Select(p => ((int)(p[0] * (1 << a)), (int)(p[1] * (64 >> a)))).Distinct().Count()));
    }

    [Theory]
    [InlineData("random")]
    [InlineData("sobol")]
    public void Trials_lie_in_their_ranges_follow_from_the_seed_and_more_of_them_keep_the_first(string method)
    {
        Experiment few = Load(Over(method, 10)), more = Load(Over(method, 20)), other = Load(Over(method, 10, "  seed: 1"));
        Assert.Equal((11, 21), (few.Arms.Count, more.Arms.Count));
        Assert.Equal(few.Arms.Select(a => a.Name), more.Arms.Take(11).Select(a => a.Name));
        Assert.NotEqual(few.Arms.Select(a => a.Name), other.Arms.Select(a => a.Name));
        Assert.All(more.Arms.Skip(1), a =>
        {
            Assert.InRange(a.Config.Training.Model.LearningRate!.Value, 1e-4, 1e-2);
            Assert.InRange(a.Config.Autoencoder.NoiseStrength, 0, 1);
            Assert.InRange(a.Config.Model.Head.Layers!.Value, 1, 6);
            Assert.Equal(4, a.Coordinates.Count);
        });
        int small = more.Arms.Skip(1).Count(a => a.Config.Training.Model.LearningRate < 1e-3);
        Assert.InRange(small, 5, 15); // even in the logarithm
    }

    [Fact]
    public void A_range_that_has_fewer_points_than_trials_gives_what_it_has() =>
        Assert.Equal(4, Load("search: { method: random, trials: 50, over: { model.head.layers: { from: 1, to: 3 } } }").Arms.Count);

    [Fact]
    public void The_rungs_of_a_halving_are_cells_of_their_own_and_the_whole_trainings_keep_their_keys()
    {
        const string grid = "training: { model: { images: 1000, schedule: constant } }\naxes: { autoencoder.noiseStrength: [0, 0.25, 0.5] }\nseeds: [0, 1]\n";
        Plan whole = Plan.Make(Load(grid), StandardStages.All), halved = Plan.Make(Load(grid + "search: { method: halving, metric: alignment, rungs: [100, 300] }"), StandardStages.All);
        Assert.Equal(whole.Cells.Select(c => c.Key), halved.Cells.Select(c => c.Key));
        Assert.Equal([100L, 300], halved.Rungs.Select(c => c.Rung!.Value).Distinct());
        Assert.Equal(2 * 6 + 6, halved.AllCells.Select(c => c.Key).Distinct().Count());
        // Autoencoder and latents are shared with the rungs; a constant rate lets the model go on from the rung before.
        PlannedStage Model(PlannedCell cell) => cell.Stages.Single(s => s.Kind == "model");
        Assert.Equal(halved.Cells[0].Stages.Single(s => s.Kind == "latents").Key, halved.Rungs[0].Stages.Single(s => s.Kind == "latents").Key);
        Assert.Equal([null, Model(halved.Rungs[0]).Folder, Model(halved.Rungs[6]).Folder], new[] { halved.Rungs[0], halved.Rungs[6], halved.Cells[0] }.Select(c => Model(c).From));
        Plan cosine = Plan.Make(Load(grid.Replace("constant", "cosine", StringComparison.Ordinal) + "search: { method: halving, metric: alignment, rungs: [100, 300] }"), StandardStages.All);
        Assert.All(cosine.AllCells, c => Assert.Null(Model(c).From));

        RunFolder run = new(_folder.File("run"));
        run.WritePlan(halved);
        Assert.Equal(halved.Rungs.Select(c => (c.Key, c.Rung)), run.RequirePlan().Rungs.Select(c => (c.Key, c.Rung)));
        Assert.Equal(300, halved.Rungs[^1].Configure(new ResearchConfig()).Training.Model.Images);
    }

    [Theory]
    [InlineData("flow.loss", "autoencoder latents model", 500)]
    [InlineData("text.loss", "autoencoder latents model", 500)]
    [InlineData("alignment.colors", "autoencoder latents model samples metrics", 0)]
    [InlineData("frechet", "autoencoder latents model samples metrics", 500)]
    [InlineData("autoencoder.psnr", "autoencoder latents model", 500)]
    [InlineData("verifier.accepts.clean", "verifier autoencoder latents model", 500)]
    public void A_rung_draws_and_measures_what_its_metric_needs_and_the_whole_training_everything(string metric, string kinds, int reference)
    {
        Experiment experiment = Load($"training: {{ model: {{ images: 1000 }} }}\naxes: {{ autoencoder.noiseStrength: [0, 0.5] }}\nsearch: {{ method: halving, metric: {metric}, rungs: [100] }}");
        Plan plan = Plan.Make(experiment, StandardStages.All);
        Assert.All(plan.Rungs, c => Assert.Equal(kinds, string.Join(' ', c.Stages.Select(s => s.Kind))));
        Assert.All(plan.Cells, c => Assert.Equal(StandardStages.All.Select(s => s.Kind).Where(k => k != "post"), c.Stages.Select(s => s.Kind)));
        EvaluationConfig rung = plan.Rungs[0].Configure(experiment.Arms[0].Config).Evaluation, whole = plan.Cells[0].Configure(experiment.Arms[0].Config).Evaluation;
        Assert.Equal((reference, 0, 500, 3), (rung.Reference, rung.GuidanceTrace.Count, whole.Reference, whole.GuidanceTrace.Count));
        // What was planned is what a worker reads back.
        RunFolder run = new(_folder.File("run"));
        CellConfigs.Write(run, plan, experiment);
        Assert.Equal(100, CellConfigs.Read(run, plan.Rungs[0], StandardStages.All).Training.Model.Images);
    }

    [Theory]
    [InlineData("method: halfing, metric: alignment, rungs: [10]", "search.method: expected grid, random, sobol or halving, found 'halfing'")]
    [InlineData("method: halving, rungs: [10]", "search.metric: halving needs the metric that arms are ranked by")]
    [InlineData("method: halving, metric: alignmnet, rungs: [10]", "search.metric: nothing measures 'alignmnet'; did you mean 'alignment'?")]
    [InlineData("method: halving, metric: alignment*, rungs: [10]", "search.metric: 'alignment*' is a pattern; arms are ranked by one metric")]
    [InlineData("method: halving, metric: alignment", "search.rungs: halving needs the images after which arms are ranked")]
    [InlineData("method: halving, metric: alignment, rungs: [20, 10]", "search.rungs: must rise from one to the next")]
    [InlineData("method: halving, metric: alignment, rungs: [1000]", "search.rungs: 1000 is not below training.model.images, 1000")]
    [InlineData("method: halving, metric: alignment, rungs: [10], keep: 2", "search.keep: expected a number from 0.001 to 0.999, found '2'")]
    [InlineData("method: halving, metric: alignment, rungs: [10], gaol: minimize", "search.gaol: unknown key; did you mean 'goal'?")]
    [InlineData("method: random, over: { autoencoder.noiseStrength: { from: 0, to: 1 } }", "search.trials: is absent")]
    [InlineData("method: random, trials: 3", "search.over: is absent")]
    [InlineData("method: sobol, trials: 3, rungs: [10], over: { autoencoder.noiseStrength: { from: 0, to: 1 } }", "search.rungs: belongs to method: halving")]
    [InlineData("method: random, trials: 3, over: { autoencoder.noiseStrenght: { from: 0, to: 1 } }", "did you mean 'autoencoder.noiseStrength'?")]
    [InlineData("method: random, trials: 3, over: { autoencoder.noiseStrength: { from: 1, to: 0 } }", "search.over.autoencoder.noiseStrength: a range needs two numbers, from below to")]
    [InlineData("method: random, trials: 3, over: { autoencoder.noiseStrength: { from: 0, to: 1, count: 3 } }", "'count' is not part of a range to search")]
    [InlineData("method: halving, metric: alignment, rungs: [10], stop: [{ metric: loss, above: 1 }]", "search.stop: every rule has a metric of the log with its stage")]
    public void What_is_wrong_is_said_with_the_key(string node, string message)
    {
        string file = _folder.Write("e.yaml", $"training: {{ model: {{ images: 1000 }} }}\naxes: {{ autoencoder.latentChannels: [4, 8] }}\nsearch: {{ {node} }}\n");
        string said = Assert.Throws<ConfigException>(() => ExperimentFile.Load(file)).Message;
        Assert.Contains(message, said, StringComparison.Ordinal);
        Assert.StartsWith($"{file}:3: ", said, StringComparison.Ordinal);
    }
}
