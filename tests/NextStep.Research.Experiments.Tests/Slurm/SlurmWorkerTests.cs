using NextStep.Research.Experiments.Tests.Workers;

namespace NextStep.Research.Experiments.Tests.Slurm;

public sealed class SlurmWorkerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RecordedCluster _cluster = new();
    private readonly StubSweep _sweep;
    private readonly string _map;

    public SlurmWorkerTests()
    {
        _sweep = new StubSweep(_folder, "run", StubSweep.Grid(1, 1, 4, 1));
        _map = Path.Combine(_sweep.Folder.Path, "slurm", "0002.json");
        RunFolder.Write(_map, new SlurmArray(SlurmArray.Cells, [.. _sweep.Plan.Cells.Select(c => c.Key)], "42"));
    }

    public void Dispose() => _folder.Dispose();

    private PlannedCell Cell => _sweep.Plan.Cells[1];

    private CellFailure? Failure => _sweep.Folder.ReadFailure(Cell);

    // Stopped by a signal after so many steps of the cell's stages.
    private int Run(int? stopAfter = null, bool timeIsOver = false, int restarts = 0)
    {
        using CancellationTokenSource stop = new();
        int steps = 0;
        SlurmWorker worker = new(_sweep.Folder, StubStages.All, new SlurmTask("42_1", restarts, null, 1), _cluster, new SweepOptions
        {
            Report = e =>
            {
                if (e is SweepEvent.StageProgressed && ++steps == stopAfter)
                {
                    stop.Cancel();
                }
            },
        });
        if (stopAfter == 0)
        {
            stop.Cancel();
        }
        return worker.Run(_map, 1, () => timeIsOver, stop.Token);
    }

    private string[] Requeued => [.. _cluster.Calls.Where(c => c.Program == "scontrol").Select(c => string.Join(' ', c.Arguments))];

    [Fact]
    public void Before_the_time_limit_it_asks_to_be_started_again_and_then_goes_on()
    {
        Assert.Equal(0, Run(stopAfter: 2, timeIsOver: true));
        Assert.Equal(["requeue 42_1"], Requeued);
        Assert.Null(Failure);
        Assert.Equal(0, Run(restarts: 1));
        Assert.True(_sweep.Folder.IsDone(Cell));
        Assert.False(_sweep.Folder.IsDone(_sweep.Plan.Cells[0]));
    }

    [Fact]
    public void A_task_that_gets_nowhere_within_its_time_limit_fails_instead()
    {
        Assert.Equal(1, Run(stopAfter: 0, timeIsOver: true));
        Assert.Empty(Requeued);
        Assert.Contains("time limit", Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Preempted_or_cancelled_it_leaves_the_rest_to_slurm()
    {
        Assert.Equal(1, Run(stopAfter: 2));
        Assert.Empty(Requeued);
        Assert.Null(Failure);
    }

    [Fact]
    public void Started_again_and_again_without_progress_it_gives_up()
    {
        for (int start = 0; start < 4; start++)
        {
            Assert.Equal(1, Run(stopAfter: 0, restarts: start));
            Assert.Null(Failure);
        }
        Assert.Equal(1, Run(stopAfter: 0, restarts: 4));
        Assert.Contains("started it 5 times", Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cell_that_another_process_works_on_is_left_to_it()
    {
        using Lease? other = Lease.TryTake(Lease.FileOf(_sweep.Folder, Cell), LeaseWatch.Shared);
        Assert.Equal(0, Run());
        Assert.False(_sweep.Folder.IsDone(Cell));
    }

    [Fact]
    public void A_task_is_named_by_array_and_index()
    {
        Dictionary<string, string> variables = new() { ["SLURM_JOB_ID"] = "57", ["SLURM_ARRAY_JOB_ID"] = "42", ["SLURM_ARRAY_TASK_ID"] = "3", ["SLURM_RESTART_COUNT"] = "2" };
        Assert.Equal(new SlurmTask("42_3", 2, null, null), SlurmTask.Read(variables.GetValueOrDefault));
        Assert.Null(SlurmTask.Read(_ => null));
    }
}
