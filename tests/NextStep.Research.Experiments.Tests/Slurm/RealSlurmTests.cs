using System.Diagnostics;
using NextStep.Research.Experiments.Tests.EndToEnd;
using NextStep.Research.Experiments.Tests.Workers;

namespace NextStep.Research.Experiments.Tests.Slurm;

/// <summary>Against a real Slurm, whose nodes run this test program as worker. Skipped where Slurm is not installed.</summary>
public sealed class RealSlurmTests(SlurmCluster cluster) : IClassFixture<SlurmCluster>, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static SlurmSubmission Submit(StubSweep sweep, SlurmOptions options) => new SlurmLauncher(
        sweep.Folder, sweep.Plan, WorkerCommand.Of(typeof(StubWorker).Assembly, "worker"), ["finish"], options, new ClusterCommands()).Submit(new SweepOptions());

    [Fact]
    public async Task A_sweep_is_submitted_and_runs_to_the_results_of_one_process()
    {
        Assert.SkipUnless(cluster.IsThere, "slurmctld is not installed");
        StubSweep alone = new(_folder, "alone", StubSweep.Grid(2, 2, 2, 1)), submitted = new(_folder, "at 100%j/submitted", StubSweep.Grid(2, 2, 2, 1));
        Assert.Equal(4, Submit(submitted, new SlurmOptions { Partition = "main", Concurrency = 4, Time = "5", Flags = ["--comment=lab"] }).Jobs.Count); // 2 stages, 4 + 2 cells, the last job
        Assert.Equal((0, 6), (Submit(submitted, new SlurmOptions()).Cells, submitted.Plan.Cells.Count));
        await Until(() => File.Exists(Path.Combine(submitted.Folder.Path, "finished")), submitted);
        Assert.All(submitted.Plan.Cells, c => Assert.True(submitted.Folder.IsDone(c)));
        Assert.Equal(2 + 6 + 1, Directory.GetFiles(Path.Combine(submitted.Folder.Path, "slurm", "logs")).Length);
        alone.RunHere();
        Assert.Empty(alone.DifferencesTo(submitted));
    }

    [Fact]
    public async Task A_preempted_cell_saves_and_goes_on_where_it_was()
    {
        Assert.SkipUnless(cluster.IsThere, "slurmctld is not installed");
        StubSweep sweep = Long("preempted", 60);
        string task = Submit(sweep, new SlurmOptions { Time = "5" }).Jobs[0] + "_0";
        await Until(() => Images(sweep) > 3, sweep);
        SlurmCluster.Ask("sbatch", "--partition=high", "--exclusive", "--nodes=2", "--output=/dev/null", "--wrap=sleep 1");
        await StartAgain(task, sweep);
        await Done(sweep);
        Assert.Contains("SIGTERM", Log(sweep), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cells_go_on_whose_node_crashed_and_whose_time_was_over_and_meanwhile_others_use_components_of_their_own()
    {
        Assert.SkipUnless(cluster.IsThere, "slurmctld is not installed");
        await Task.WhenAll(CrashedNode(), TimeLimit(), OwnComponents());
    }

    private async Task CrashedNode()
    {
        StubSweep sweep = Long("lost", 60);
        string task = Submit(sweep, new SlurmOptions { Time = "5", Flags = ["--nodelist=n1"] }).Jobs[0] + "_0";
        await Until(() => Images(sweep) > 3, sweep);
        cluster.Lose("n1");
        await Until(() => State(task).StartsWith("PENDING", StringComparison.Ordinal), sweep);
        cluster.Mend("n1");
        await StartAgain(task, sweep);
        await Done(sweep);
        Assert.DoesNotContain("SIGTERM", Log(sweep), StringComparison.Ordinal);
    }

    // Slurm rounds limits to minutes, and may send the signal up to a minute early.
    private async Task TimeLimit()
    {
        StubSweep sweep = Long("limited", 520);
        string task = Submit(sweep, new SlurmOptions { Time = "1", Warning = 10, Flags = ["--nodelist=n2"] }).Jobs[0] + "_0";
        await StartAgain(task, sweep);
        await Done(sweep);
        Assert.Contains("queued again", Log(sweep), StringComparison.Ordinal);
    }

    // The program itself. Its tasks compile the copy in the run folder: the source is gone before they start.
    private async Task OwnComponents()
    {
        string head = _folder.Write("on-slurm-head.cs", Written.Head.Replace("NAME", "OnSlurm", StringComparison.Ordinal)
            .Replace("TokenHeadConfig { ", "TokenHeadConfig { public bool Breaks { get; init; } ", StringComparison.Ordinal)
            .Replace("new OnSlurmCode(context)", "new OnSlurmCode(context, Breaks)", StringComparison.Ordinal)
            .Replace("OnSlurmCode(TokenHeadContext context)", "OnSlurmCode(TokenHeadContext context, bool breaks)", StringComparison.Ordinal)
            .Replace("private readonly Linear net;", "private readonly Linear net; private readonly bool _breaks;", StringComparison.Ordinal)
            .Replace("RegisterComponents();", "_breaks = breaks; RegisterComponents();", StringComparison.Ordinal)
            // From the second step on: first biases are 0.
            .Replace("TokenLoss.Of(target", "TokenLoss.Of((_breaks && net.bias!.abs().max().item<float>() > 0 ? target.Times(double.NaN) : target)", StringComparison.Ordinal));
        string file = _folder.Write("on-slurm.yaml", """
            uses: [on-slurm-head.cs]
            data: { imageSize: 16, images: 24, skills: [colors] }
            autoencoder: { width: 8, multipliers: [1, 1], latentChannels: 2 }
            model: { size: nano, head: on-slurm }
            training: { autoencoder: { images: 16, batchSize: 8 }, model: { images: 32, batchSize: 8, logEvery: 8 } }
            evaluation: { samples: 2, heldOut: 8, reference: 16, verifierScenes: 1, latentNoise: [0], guidanceTrace: [] }
            arms: { broken: { model.head.breaks: true } }
            """), directory = _folder.File("on-slurm");
        (int code, string output) = await MicroExperiment.Run("sweep", file, "--out", directory, "--launcher", "slurm", "--slurm", "time=10", "--slurm", "flags=--nodelist=n2");
        Assert.True(code == 0, output);
        File.Delete(head);
        RunFolder run = new(directory);
        PlannedCell[] cells = [.. run.RequirePlan().Cells];
        await Until(() => File.Exists(run.ReportFile), directory);
        Assert.True(run.IsDone(cells[0]), Log(directory));
        Assert.Equal(("model", "DivergedException", 1L), run.ReadFailure(cells[1]) is { } failure ? (failure.Stage, failure.Type, failure.StepNumber ?? 0) : ("", "", 0));
        (code, output) = await MicroExperiment.Run("replay", directory, cells[1].Key);
        Assert.Equal(1, code);
        Assert.Contains("on-slurm-head.cs. Their code is run only with --trust", output, StringComparison.Ordinal);
        (code, output) = await MicroExperiment.Run("replay", directory, cells[1].Key, "--trust");
        Assert.Equal(1, code);
        Assert.Contains("now:  DivergedException", output, StringComparison.Ordinal);
    }

    // One cell whose model stage takes so many tenths of a second.
    private StubSweep Long(string name, int steps) => new(_folder, name, $"training: {{ autoencoder: {{ images: 1, batchSize: 1 }}, model: {{ images: {steps}, batchSize: 100 }} }}");

    private static long Images(StubSweep sweep) => TrainingLoop.ImagesSaved(sweep.Folder.Stage(sweep.Plan.Cells[0].Stages[1]) + ".partial") ?? 0;

    private static string Log(StubSweep sweep) => Log(sweep.Folder.Path);

    private static string Log(string folder) => string.Concat(Directory.GetFiles(Path.Combine(folder, "slurm", "logs")).Select(File.ReadAllText));

    // A requeued task may start two minutes later; it is pulled forward, but not before the old one is quite gone:
    // Slurm shows it as waiting some seconds earlier, and takes the old one's exit code for the task's if it is touched then.
    private static async Task StartAgain(string task, StubSweep sweep)
    {
        await Until(() => State(task) == "PENDING BeginTime", sweep);
        await Task.Delay(TimeSpan.FromSeconds(12), TestContext.Current.CancellationToken);
        SlurmCluster.Ask("scontrol", "update", $"jobid={task}", "StartTime=now");
    }

    private static string State(string task) => SlurmCluster.Ask("squeue", "-h", "-j", task, "-t", "all", "-o", "%T %r");

    private static async Task Done(StubSweep sweep)
    {
        // A node that fails counts as an end for afterany, so the last job may run before a cell that is queued again.
        await Until(() => sweep.Plan.Cells.All(sweep.Folder.IsDone) && File.Exists(Path.Combine(sweep.Folder.Path, "finished")), sweep);
        string chain = File.ReadAllText(Path.Combine(sweep.Folder.Stage(sweep.Plan.Cells[0].Stages[2]), "chain.txt"));
        Assert.Equal(StubStages.Expected(sweep.Plan.Cells[0].Seed, 1, Steps(sweep)), chain);
        Assert.Empty(sweep.Overlaps());
    }

    private static long Steps(StubSweep sweep) => long.Parse(sweep.Plan.Config["training.model.images"], System.Globalization.CultureInfo.InvariantCulture);

    private static Task Until(Func<bool> condition, StubSweep sweep) => Until(condition, sweep.Folder.Path);

    private static async Task Until(Func<bool> condition, string folder)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < Patience, $"nothing happened for {Patience}: {SlurmCluster.Ask("squeue", "-h", "-t", "all", "-o", "%i %T %r")}\n{Log(folder)}");
            await Task.Delay(200, TestContext.Current.CancellationToken);
        }
    }
}
