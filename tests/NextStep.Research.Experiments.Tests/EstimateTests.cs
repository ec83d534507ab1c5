using System.Diagnostics;

namespace NextStep.Research.Experiments.Tests;

/// <summary>Why keys differ, what is left and how long it will take, and where results come from.</summary>
public sealed class EstimateTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private RunFolder Run(string name) => new(_folder.File(Path.Combine("runs", name)));

    private Experiment Load(string yaml) => ExperimentFile.Load(_folder.Write("e.yaml", yaml));

    // Takes 1 ms an image, leaves 10 bytes an image.
    private static IReadOnlyList<StageDefinition> Stages =>
    [
        new("autoencoder", 1, ["autoencoder"], [], true, context => Write(context, 10)) { Work = new StageWork("evaluation.samples", 1) },
        new("model", 1, ["model", "training.model"], ["autoencoder"], true, context =>
        {
            Thread.Sleep((int)context.Config.Training.Model.Images / 2);
            Write(context, 10 * context.Config.Training.Model.Images);
        })
        {
            Work = new StageWork("training.model.images", 20),
        },
    ];

    private static void Write(StageContext context, long bytes)
    {
        context.Progress(new StageProgress(1, 1, "images", new Dictionary<string, double>()));
        File.WriteAllBytes(Path.Combine(context.Directory, "out.bin"), new byte[bytes]);
    }

    [Fact]
    public void Sharing_names_the_keys_that_differ_and_what_follows_from_earlier_stages()
    {
        Experiment e = Load("axes: { autoencoder.noiseStrength: [0, 0.5], model.head.size: [small, base] }\nseeds: [0, 1]");
        IReadOnlyList<StageSharing> sharing = StageSharing.Of(e, Plan.Make(e, Stages), Stages);
        Assert.Equal((4, 8), (sharing[0].Keys, sharing[1].Keys));
        Assert.Equal(["autoencoder.noiseStrength", "seed"], sharing[0].Differs.Select(d => d.Path));
        Assert.Equal(["0.5", "0"], sharing[0].Differs[0].Values);
        Assert.Equal(["model.head.size", "seed"], sharing[1].Differs.Select(d => d.Path));
        Assert.Equal(["autoencoder"], sharing[1].Through);
    }

    private PlanEstimate Estimate(string yaml, string run, int jobs = 1)
    {
        Experiment e = Load(yaml);
        return PlanEstimate.FromEarlierRuns(e, Plan.Make(e, Stages), Stages, Run(run), jobs);
    }

    private void Sweep(string yaml, string run)
    {
        Experiment e = Load(yaml);
        Plan plan = Experiments.Sweep.Prepare(Run(run), Plan.Make(e, Stages), false);
        Assert.Empty(new SweepRunner(Run(run), plan, e, Stages, new SweepOptions()).Run(CancellationToken.None).Failed);
    }

    private void Retime(string run, double seconds, string? machine = null)
    {
        foreach (string file in Directory.EnumerateFiles(Run(run).Path, StageRecord.FileName, SearchOption.AllDirectories))
        {
            StageRecord record = RunFolder.Read<StageRecord>(file)!;
            Assert.Equal(Provenance.Processor, record.Machine);
            File.WriteAllText(file, System.Text.Json.JsonSerializer.Serialize(record with { Seconds = seconds, Machine = machine ?? record.Machine }, RunFolder.Json));
        }
    }

    [Fact]
    public void Earlier_runs_beside_the_folder_tell_time_and_disk()
    {
        const string yaml = "training.model.images: 40";
        Assert.Null(Estimate(yaml, "new").Seconds);
        Sweep(yaml, "old");
        Retime("old", 8);
        PlanEstimate same = Estimate(yaml, "new");
        Assert.Equal((16.0, 2), (same.Seconds, same.Stages.Sum(s => s.Exact)));
        Assert.InRange(same.Bytes!.Value, 410, 2000);
        // Twice the images: the model takes twice as long; the autoencoder was measured as it is.
        Assert.Equal(24, Estimate("training.model.images: 80", "new").Seconds);
        // Another width is no exact match, but better than nothing.
        PlanEstimate other = Estimate("autoencoder.width: 64\ntraining.model.images: 40", "new");
        Assert.Equal((16.0, 0), (other.Seconds, other.Stages.Sum(s => s.Exact)));
        // What is done needs no time.
        Assert.Empty(Estimate(yaml, "old").Stages);
        Retime("old", 8, "another processor, 64 cores");
        Assert.Null(Estimate(yaml, "new").Seconds);
    }

    [Fact]
    public void Processes_wait_for_stages_that_they_share()
    {
        const string yaml = "training.model.images: 40\naxes: { model.head.size: [small, base] }";
        Sweep(yaml, "old");
        Retime("old", 8);
        Assert.Equal(24, Estimate(yaml, "new", 1).Seconds);
        Assert.Equal(16, Estimate(yaml, "new", 2).Seconds);
        Assert.Equal(16, Estimate(yaml, "new", 8).Seconds);
        Assert.Equal(24, Estimate(yaml, "new", 2).Work);
        // The second process waits 8 s for the autoencoder and then trains for 16.
        Assert.Equal(24, Estimate("training.model.images: 40\naxes: { training.model.images: [40, 80] }", "new", 2).Seconds);
    }

    [Fact]
    public void A_probe_lays_a_line_through_two_amounts_and_leaves_nothing_behind()
    {
        Experiment e = Load("training.model.images: 4000\naxes: { model.head.size: [small, base] }");
        List<string> probed = [];
        PlanEstimate estimate = PlanEstimate.FromProbe(e, Plan.Make(e, Stages), Stages, Run("new"), 1, probed.Add, CancellationToken.None);
        Assert.Equal(e.Arms.Select(a => a.Name), probed);
        // At least the time that the stages sleep; how much more is the machine's business.
        Assert.True(estimate.Seconds >= 2, $"{estimate.Seconds}");
        Assert.Equal((2 * 40_000) + 10, estimate.Bytes!.Value, 6);
        Assert.False(Directory.Exists(Run("new").Path));
    }

    [Fact]
    public void Results_carry_commit_changes_packages_machine_and_command()
    {
        string place = Directory.CreateDirectory(_folder.File("repository")).FullName;
        void Git(params string[] args)
        {
            using Process git = Process.Start(new ProcessStartInfo("git", ["-c", "user.name=t", "-c", "user.email=t@t", .. args]) { WorkingDirectory = place, RedirectStandardOutput = true })!;
            git.StandardOutput.ReadToEnd();
            git.WaitForExit();
            Assert.Equal(0, git.ExitCode);
        }
        string file = Path.Combine(place, "e.yaml");
        File.WriteAllText(file, "seed: 1\n");
        Git("init", "-q");
        Git("add", ".");
        Git("commit", "-q", "-m", "x");
        SourceTree tree = new(place, "HEAD");
        IReadOnlyDictionary<string, string> clean = Provenance.Collect(Run("p"), file, "cpu", "nextstep sweep e.yaml", tree);
        Assert.Equal(("HEAD", "none", CodeIdentity.Current), (clean["commit"], clean["changes"], clean["code"]));
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(place, "experiments", "results")).FullName, "claim.json"), "{}");
        Assert.Equal("none", Provenance.Collect(Run("p"), file, "cpu", "nextstep sweep e.yaml", tree)["changes"]);
        File.WriteAllText(file, "seed: 2\n");
        File.WriteAllText(Path.Combine(place, "Head.cs"), "class Head;\n");
        File.WriteAllBytes(Path.Combine(place, "weights.bin"), [1, 0, 2]);
        IReadOnlyDictionary<string, string> dirty = Provenance.Collect(Run("p"), file, "cpu", "nextstep sweep e.yaml", tree);
        string kept = Path.Combine(Run("p").Path, dirty["changes"].Split(", ")[1]);
        Assert.All(["+seed: 2", "new file Head.cs\n+class Head;", "new file weights.bin\n[3 bytes, sha256 "], part => Assert.Contains(part, File.ReadAllText(kept), StringComparison.Ordinal));
        Assert.Contains("of packages.lock.json", dirty["packages"], StringComparison.Ordinal);
        Assert.Equal(("nextstep sweep e.yaml", "cpu", clean["commit"]), (dirty["command"], dirty["device"], dirty["commit"]));

        Experiment e = ExperimentFile.Load(file);
        Plan plan = Experiments.Sweep.Prepare(Run("p"), Plan.Make(e, Stages), false);
        new SweepRunner(Run("p"), plan, e, Stages, new SweepOptions { Provenance = dirty }).Run(CancellationToken.None);
        Assert.Equal(dirty, Run("p").ReadResult(plan.Cells[0])!.Provenance);
        Plan noted = Experiments.Sweep.NoteOrigin(Run("p"), plan, dirty);
        Assert.Equal(["nextstep sweep e.yaml"], noted.Commands);
        Assert.False(noted.Provenance.ContainsKey("command"));
    }
}
