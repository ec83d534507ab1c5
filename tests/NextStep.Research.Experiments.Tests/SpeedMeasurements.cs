using System.Diagnostics;
using System.Globalization;

namespace NextStep.Research.Experiments.Tests;

/// <summary>Times for the log, printed and never asserted: run with <c>-explicit only -class '*SpeedMeasurements' -showliveoutput</c>.</summary>
[Collection(nameof(CommandLine))]
public sealed class SpeedMeasurements(ITestOutputHelper print)
{
    /// <summary>2,000 finished cells over a folder of 10,000 pictures with their captions. NEXTSTEP_BIG_RUN names a folder that is kept, for measuring the program itself.</summary>
    [Fact(Explicit = true)]
    public void Plan_status_and_compare_on_2000_finished_cells()
    {
        using TemporaryFolder temporary = new();
        string place = Environment.GetEnvironmentVariable("NEXTSTEP_BIG_RUN") is { Length: > 0 } kept ? kept : temporary.Path, file = Path.Combine(place, "big.yaml");
        string pictures = Directory.CreateDirectory(Path.Combine(place, "pictures")).FullName;
        for (int i = 0; i < 10_000; i++)
        {
            using TorchSharp.torch.Tensor picture = TorchSharp.torch.full([3, 8, 8], (i % 255 / 127f) - 1);
            File.WriteAllBytes(Path.Combine(pictures, $"{i}.png"), ImageFile.EncodePng(picture));
            File.WriteAllText(Path.Combine(pictures, $"{i}.txt"), $"caption {i}");
        }
        Thread.Sleep(2500); // files changed a moment ago are not remembered
        File.WriteAllText(file, $$"""
            name: big
            data: { source: folder, path: {{pictures}}, imageSize: 32 }
            axes:
              autoencoder.width: { from: 4, to: 80, count: 20 }
              autoencoder.noiseStrength: { from: 0, to: 0.9, count: 10 }
            seeds: { from: 0, to: 9 }
            claims: [{ say: rises, test: "trend(flow.loss, noiseStrength) > 0" }]
            """);
        string run = Path.Combine(place, "run");
        GeneratedRun.Write(new RunFolder(run), ExperimentFile.Load(file));
        Stopwatch identity = Stopwatch.StartNew();
        ImageSources.Identity(new DataConfig { Source = DataSource.Folder, Path = pictures });
        print.WriteLine(string.Create(CultureInfo.InvariantCulture, $"identity of 10,000 unchanged pictures: {identity.Elapsed.TotalSeconds:0.00} s"));
        foreach (string[] call in new[] { new[] { "plan", file, "--out", run }, ["status", run], ["compare", run] })
        {
            Stopwatch clock = Stopwatch.StartNew();
            (int code, string _, string error) = CommandLine.Call(call);
            Assert.True(code == 0, error);
            print.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{call[0]}: {clock.Elapsed.TotalSeconds:0.00} s"));
        }
    }

    /// <summary>How often 95 % intervals cover the truth: normal numbers, and skewed ones (exponential).</summary>
    [Fact(Explicit = true)]
    public void Coverage_by_number_of_seeds()
    {
        foreach (int count in new[] { 3, 5, 8, 12, 20 })
        {
            foreach (bool skewed in new[] { false, true })
            {
                (int t, int bootstrap) = (0, 0);
                for (int i = 0; i < 4000; i++)
                {
                    SplitMix64 random = Streams.Managed(1, $"coverage{count}{skewed}", i);
                    double[] values = [.. Enumerable.Range(0, count).Select(_ => skewed ? -Math.Log(1 - random.NextDouble()) : 1 + (Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
                    t += Estimate.Of(values) is { } e && e.Low <= 1 && e.High >= 1 ? 1 : 0;
                    bootstrap += BootstrapTest.Of(values) is { } b && b.Low <= 1 && b.High >= 1 ? 1 : 0;
                }
                print.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count} seeds, {(skewed ? "exponential" : "normal")}: t {t / 40.0:0.0} %, BCa {bootstrap / 40.0:0.0} %"));
            }
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
