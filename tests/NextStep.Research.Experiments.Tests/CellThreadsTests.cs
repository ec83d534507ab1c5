using System.Text.Json.Nodes;

namespace NextStep.Research.Experiments.Tests;

/// <summary>The number of threads is the plan's, not that of the processes that happen to work on it.</summary>
public sealed class CellThreadsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static readonly IReadOnlyList<StageDefinition> Stages = [new("work", 1, ["autoencoder", "threads"], [], false, context =>
        File.WriteAllText(Path.Combine(context.Directory, "summary.json"), $"{{\"threads.seen\": {CpuThreads.Current}}}"))];

    private Experiment Load(string yaml) => ExperimentFile.Load(_folder.Write("e.yaml", yaml));

    [Theory]
    [InlineData(1, 1, 1, 1)]
    [InlineData(1, 16, 16, 1)]
    [InlineData(2, 2, 1, 2)]
    [InlineData(3, 16, 5, 3)]
    [InlineData(9, 16, 1, 9)]
    [InlineData(40, 8, 1, 8)]
    public void Without_a_number_in_the_file_cells_share_the_cores(int seeds, int cores, int threads, int jobs)
    {
        Experiment settled = CellThreads.Settle(Load($"seeds: {{ from: 1, to: {seeds} }}"), null, cores);
        Assert.Equal(threads, settled.Arms[0].Config.Threads);
        Assert.Equal(jobs, CellThreads.Jobs(settled, cores));
    }

    [Fact]
    public void The_file_decides_then_the_folder_then_the_machine()
    {
        RunFolder run = new(_folder.File("run"));
        Sweep.Prepare(run, Plan.Make(CellThreads.Settle(Load("seeds: [1]"), run, 6), Stages), false);
        Assert.Equal(6, CellThreads.Settle(Load("seeds: [1, 2, 3]"), run, 2).Arms[0].Config.Threads);
        Assert.Equal(4, CellThreads.Settle(Load("baseline: { threads: 4 }"), run, 2).Arms[0].Config.Threads);
        Plan other = Plan.Make(Load("baseline: { threads: 4 }\nseeds: [1]"), Stages);
        PlanChangedException refused = Assert.Throws<PlanChangedException>(() => Sweep.Prepare(run, other, false));
        Assert.Contains("threads: 6 → 4", refused.Differences);
    }

    [Fact]
    public void A_cell_computes_with_the_plan_s_number_and_its_records_say_so()
    {
        RunFolder run = new(_folder.File("run"));
        Experiment experiment = Load("baseline: { threads: 3 }\nseeds: [1]");
        Plan plan = Sweep.Prepare(run, Plan.Make(experiment, Stages), false);
        int before = CpuThreads.Current;
        Assert.Empty(new SweepRunner(run, plan, experiment, Stages, new SweepOptions()).Run(TestContext.Current.CancellationToken).Failed);
        Assert.Equal(before, CpuThreads.Current);
        CellResult result = run.ReadResult(plan.Cells[0])!;
        Assert.Equal(3, result.Metrics["threads.seen"]);
        Assert.Equal(3, result.Threads["work"]);
        JsonNode stage = JsonNode.Parse(File.ReadAllText(Path.Combine(run.Stage(plan.Cells[0].Stages[0]), "stage.json")))!;
        Assert.Equal(3, (int)stage["threads"]!);
    }

    [Fact]
    public void Another_number_is_another_stage_so_that_nothing_is_continued_across_two()
    {
        string Key(int threads) => Plan.Make(Load($"baseline: {{ threads: {threads} }}"), StandardStages.All).Cells[0].Stages.First(s => s.Kind == "model").Key;
        Assert.NotEqual(Key(1), Key(2));
    }

    [Fact]
    public void Training_in_float16_is_refused_where_the_file_says_it()
    {
        ConfigException e = Assert.Throws<ConfigException>(() => Load("baseline:\n  training.model.precision: float16"));
        Assert.Contains("use bfloat16 or float32", e.Message, StringComparison.Ordinal);
        Assert.Contains("e.yaml:2:", e.Message, StringComparison.Ordinal);
    }
}
