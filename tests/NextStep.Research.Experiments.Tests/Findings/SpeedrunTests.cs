using System.Text.Json.Nodes;

namespace NextStep.Research.Experiments.Tests;

/// <summary>The time to an alignment, and the table of records.</summary>
[Collection(nameof(CommandLine))]
public sealed class SpeedrunTests : IDisposable
{
    private const string File = """
        name: speedrun
        threads: 1
        data: { imageSize: 16, images: 32, skills: [colors] }
        autoencoder: { width: 8, multipliers: [1, 1, 1], latentChannels: 2 }
        model: { size: nano }
        training:
          autoencoder: { images: 16, batchSize: 8, warmup: 8, logEvery: 8, checkpointEvery: 8 }
          model: { images: 24, snapshots: [8, 24], batchSize: 8, warmup: 8, logEvery: 8, checkpointEvery: 8 }
        sampling: { steps: 1 }
        evaluation: { samples: 2, heldOut: 4, reference: 0, verifierScenes: 0, latentNoise: [0], guidanceTrace: [], detectors: [], alignmentTarget: 0 }
        arms:
          muon: { training.model.optimizer: muon }
          a faster rate: { training.model.learningRate: 5e-3 }
        seeds: [0, 1]
        measure: [alignment.seconds, alignment.images, alignment]
        smoke: { seeds: [0] }
        """;

    private readonly TemporaryFolder _folder = new();

    public SpeedrunTests() => _folder.Write("speedrun.yaml", File);

    public void Dispose() => _folder.Dispose();

    private string Results => _folder.File("results/speedrun/muon.json");

    private (int Code, string Output, string Error) Call(params string[] more) => CommandLine.Call(["speedrun", "--experiment", _folder.File("speedrun.yaml"), .. more]);

    [Fact]
    public void The_rising_line_pools_what_falls()
    {
        Assert.Equal([0.1, 0.3, 0.3, 0.6], AlignmentTime.Rising([0.1, 0.4, 0.2, 0.6]), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal([0.5, 0.5, 0.5], AlignmentTime.Rising([0.9, 0.5, 0.1]), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Empty(AlignmentTime.Rising([]));
    }

    [Fact]
    public void The_crossing_lies_on_a_line_over_the_logarithm()
    {
        Assert.Equal(200, AlignmentTime.Crossing([100, 400], [0.6, 0.8], 0.7)!.Value, 9);
        Assert.Equal(100, AlignmentTime.Crossing([100, 400], [0.7, 0.8], 0.7)!.Value, 9);
        Assert.Equal(400, AlignmentTime.Crossing([100, 400], [0.6, 0.7], 0.7)!.Value, 9);
        Assert.Null(AlignmentTime.Crossing([100, 400], [0.6, 0.69], 0.7));
        Assert.Null(AlignmentTime.Crossing([], [], 0.7));
    }

    [Fact]
    public void Ratios_are_paired_by_seed_and_a_seed_that_never_arrived_is_said()
    {
        Keep("muon", (0, 100, 50), (1, 400, 200));
        (int code, string output, _) = Call("--check", "--markdown");
        Assert.Equal(0, code);
        string[] lines = [.. output.Split('\n').Where(l => l.StartsWith("| ", StringComparison.Ordinal))];
        Assert.Equal("| date | commit | change | processor seconds to 0 % (95 % over seeds) | ratio to the first line, same run |", lines[0]);
        Assert.StartsWith("| 2026-11-29 | abc1234 | baseline | 250 (", lines[1], StringComparison.Ordinal);
        Assert.EndsWith("| 1 |", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("| 2026-11-29 | abc1234 | muon | 125 (", lines[2], StringComparison.Ordinal);
        Assert.EndsWith("| 0.50 (0.50 to 0.50; 2 seeds) |", lines[2], StringComparison.Ordinal);
        Assert.Equal("|  |  | a faster rate | not run yet |  |", lines[3]);
        Keep("muon", (0, 100, 50), (1, 400, null));
        Assert.Contains("| muon | not reached by 1 of 2 seeds |  |", Call("--check", "--markdown").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Edited_numbers_and_other_settings_are_refused()
    {
        Keep("muon", (0, 100, 50), (1, 400, 200));
        JsonNode kept = JsonNode.Parse(System.IO.File.ReadAllText(Results))!;
        kept["cells"]![1]!["metrics"]!["alignment.seconds"] = 5;
        System.IO.File.WriteAllText(Results, kept.ToJsonString());
        (int code, string output, string error) = Call("--check");
        Assert.Equal(1, code);
        Assert.Contains("not run yet", output, StringComparison.Ordinal);
        Assert.Contains("muon.json: cell 'muon, seed 0', field digest", error, StringComparison.Ordinal);
        Keep("muon", (0, 100, 50), (1, 400, 200));
        _folder.Write("speedrun.yaml", File.Replace("images: 24", "images: 32", StringComparison.Ordinal));
        Assert.Contains("or run nextstep speedrun muon again", Call("--check").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_use_is_said_in_a_sentence()
    {
        Assert.Equal(2, Call("--check", "--smoke").Code);
        Assert.Contains("'mion' is no record; did you mean 'muon'?", Call("mion", "--check").Error, StringComparison.Ordinal);
        _folder.Write("speedrun.yaml", File.Replace("a faster rate", "Muon", StringComparison.Ordinal));
        Assert.Contains("'muon' and 'Muon' would be kept in one file, muon.json; rename one", Call("--check").Error, StringComparison.Ordinal);
        _folder.Write("speedrun.yaml", File.Replace(", alignmentTarget: 0 ", " ", StringComparison.Ordinal).Replace("measure: [alignment.seconds, alignment.images, alignment]", "", StringComparison.Ordinal));
        Assert.Contains("is not set in arm 'baseline', so that no time is measured", Call("--check").Error, StringComparison.Ordinal);
        _folder.Write("speedrun.yaml", File.Replace("snapshots: [8, 24], ", "", StringComparison.Ordinal));
        Assert.Contains("there are no weights on the way to draw with: set training.model.snapshots to numbers of images up to 24", Call("--check").Error, StringComparison.Ordinal);
        _folder.Write("speedrun.yaml", File[..File.IndexOf("arms:", StringComparison.Ordinal)] + File[File.IndexOf("seeds:", StringComparison.Ordinal)..]);
        Assert.Contains("a record is an arm beside the baseline", Call("--check").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_newest_record_runs_beside_the_baseline_and_the_small_form_keeps_nothing()
    {
        (int code, string output, string error) = Call("--smoke", "--markdown", "--jobs", "1", "--runs", _folder.File("runs"));
        Assert.True(code == 0, error);
        Assert.Matches(@"\| baseline \| \d+ \(one seed\) \| 1 \|", output);
        Assert.Matches(@"\| a faster rate \| \d+ \(one seed\) \| \d+\.\d\d \(one seed\) \|", output);
        Assert.False(Directory.Exists(_folder.File("results")));
        JsonNode cell = JsonNode.Parse(System.IO.File.ReadAllText(Directory.GetFiles(_folder.File("runs"), "result.json", SearchOption.AllDirectories)[0]))!;
        Assert.Equal(8, cell["metrics"]!["alignment.images"]!.GetValue<double>());
        Assert.True(cell["metrics"]!["alignment.seconds"]!.GetValue<double>() > 0);
        _folder.Write("speedrun.yaml", File.Replace("5e-3", "4e-3", StringComparison.Ordinal));
        Assert.Contains("or --accept-changed-plan to go on", Call("--smoke", "--jobs", "1", "--runs", _folder.File("runs")).Error, StringComparison.Ordinal);
        (code, _, error) = Call("--smoke", "--jobs", "1", "--runs", _folder.File("runs"), "--accept-changed-plan");
        Assert.True(code == 0, error);
    }

    private void Keep(string arm, params (long Seed, double Baseline, double? Record)[] seconds)
    {
        SpeedRecord record = SpeedRecord.All(_folder.File("speedrun.yaml"), false).First(r => r.File.Name == arm);
        new ClaimResults
        {
            Version = ClaimResults.Current, Claim = arm, Experiment = ExperimentDigest.Of(record.Experiment), Command = $"nextstep speedrun {arm}", Date = "2026-11-29", Verdicts = [],
            Cells = [.. seconds.SelectMany(s => new[] { Cell(Arm.Baseline, s.Seed, s.Baseline), Cell(arm, s.Seed, s.Record) })],
        }.Write(record.File.Results);
    }

    private static ClaimCell Cell(string arm, long seed, double? seconds) => new ClaimCell
    {
        Arm = arm, Seed = seed, Commit = "abc1234abc1234", Code = new Dictionary<string, string>(),
        Metrics = new Dictionary<string, double>(seconds is { } known ? [new("alignment.seconds", known)] : []) { ["alignment"] = 0.5 },
    }.Sealed();
}
