using System.Diagnostics;
using System.Globalization;

namespace NextStep.Research.Experiments.Tests;

/// <summary>Times for the log, printed and never asserted: run with <c>-explicit only -class '*SpeedMeasurements' -showliveoutput</c>.</summary>
[Collection(nameof(CommandLine))]
public sealed class SpeedMeasurements(ITestOutputHelper print)
{
    /// <summary>2,000 finished cells. NEXTSTEP_BIG_RUN names a folder that is kept, for measuring the program itself.</summary>
    [Fact(Explicit = true)]
    public void Plan_status_and_compare_on_2000_finished_cells()
    {
        using TemporaryFolder temporary = new();
        string place = Environment.GetEnvironmentVariable("NEXTSTEP_BIG_RUN") is { Length: > 0 } kept ? kept : temporary.Path, file = Path.Combine(place, "big.yaml");
        Directory.CreateDirectory(place);
        File.WriteAllText(file, """
            name: big
            axes:
              autoencoder.width: { from: 4, to: 80, count: 20 }
              autoencoder.noiseStrength: { from: 0, to: 0.9, count: 10 }
            seeds: { from: 0, to: 9 }
            claims: [{ say: rises, test: "trend(flow.loss, noiseStrength) > 0" }]
            """);
        string run = Path.Combine(place, "run");
        GeneratedRun.Write(new RunFolder(run), ExperimentFile.Load(file));
        foreach (string[] call in new[] { new[] { "plan", file, "--out", run }, ["status", run], ["compare", run] })
        {
            Stopwatch clock = Stopwatch.StartNew();
            Assert.Equal(0, CommandLine.Call(call).Code);
            print.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{call[0]}: {clock.Elapsed.TotalSeconds:0.00} s"));
        }
    }

    [Fact(Explicit = true)]
    public void Launcher_overhead_of_50_cells_that_do_nothing()
    {
        using TemporaryFolder folder = new();
        StageDefinition[] stages = [.. StandardStages.All.Select(s => s with { Run = context => context.Progress(new StageProgress(1, 1, "images", new Dictionary<string, double> { ["loss"] = 1 })) })];
        Experiment experiment = ExperimentFile.Load(folder.Write("e.yaml", "axes: { autoencoder.width: { from: 4, to: 53 } }"));
        Stopwatch clock = Stopwatch.StartNew();
        RunFolder run = new(folder.File("run"));
        Plan plan = Sweep.Prepare(run, Plan.Make(experiment, stages), false);
        SweepOutcome outcome = new SweepRunner(run, plan, experiment, stages, new SweepOptions()).Run(CancellationToken.None);
        Sweep.Judge(run, plan);
        print.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{outcome.Ran} cells: {clock.Elapsed.TotalSeconds:0.00} s, {clock.Elapsed.TotalMilliseconds / outcome.Ran:0} ms a cell"));
    }
}
