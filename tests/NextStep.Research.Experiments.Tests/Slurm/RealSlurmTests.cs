using System.Diagnostics;
using NextStep.Research.Experiments.Tests.Workers;

namespace NextStep.Research.Experiments.Tests.Slurm;

/// <summary>Against a real Slurm, whose nodes run this test program as worker. Skipped where Slurm is not installed.</summary>
public sealed class RealSlurmTests(SlurmCluster cluster) : IClassFixture<SlurmCluster>, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
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
    public async Task Cells_go_on_whose_node_crashed_and_whose_time_was_over()
    {
        Assert.SkipUnless(cluster.IsThere, "slurmctld is not installed");
        await Task.WhenAll(CrashedNode(), TimeLimit());
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

    // One cell whose model stage takes so many tenths of a second.
    private StubSweep Long(string name, int steps) => new(_folder, name, $"training: {{ autoencoder: {{ images: 1, batchSize: 1 }}, model: {{ images: {steps}, batchSize: 100 }} }}");

    private static long Images(StubSweep sweep) => TrainingLoop.ImagesSaved(sweep.Folder.Stage(sweep.Plan.Cells[0].Stages[1]) + ".partial") ?? 0;

    private static string Log(StubSweep sweep) => string.Concat(Directory.GetFiles(Path.Combine(sweep.Folder.Path, "slurm", "logs")).Select(File.ReadAllText));

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

    private static async Task Until(Func<bool> condition, StubSweep sweep)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < Patience, $"nothing happened for {Patience}: {SlurmCluster.Ask("squeue", "-h", "-t", "all", "-o", "%i %T %r")}\n{Log(sweep)}");
            await Task.Delay(200, TestContext.Current.CancellationToken);
        }
    }
}
