using NextStep.Research.Experiments.Tests.Workers;

namespace NextStep.Research.Experiments.Tests.Slurm;

public sealed class SlurmLauncherTests : IDisposable
{
    private static readonly WorkerCommand Program = new("/opt/dotnet", [], ["work"]);
    private readonly TemporaryFolder _folder = new();
    private readonly RecordedCluster _cluster = new();

    public void Dispose() => _folder.Dispose();

    // A program of one file, so that its snapshot is quick.
    private WorkerCommand Worker => Program with { Program = _folder.Write("program/it's nextstep", "#!/bin/sh") };

    private SlurmSubmission Submit(StubSweep sweep, SlurmOptions? options = null) =>
        new SlurmLauncher(sweep.Folder, sweep.Plan, Worker, ["report"], options ?? new SlurmOptions(), _cluster).Submit(new SweepOptions());

    [Fact]
    public void Shared_stages_go_first_then_the_cells_in_chunks_that_the_cluster_takes_then_the_report()
    {
        StubSweep sweep = new(_folder, "run", StubSweep.Grid(3, 2, 1, 1)); // two autoencoders, eight cells
        SlurmSubmission submitted = Submit(sweep, new SlurmOptions
        {
            Partition = "gpu", Time = "2:00:00", Memory = "16G", Gpus = 1, Cpus = 8, Concurrency = 5, Flags = ["--account=lab"],
        });
        Assert.Equal((8, 2, 0), (submitted.Cells, submitted.SharedStages, submitted.Waiting));
        Assert.Equal(["41", "42", "43", "44"], submitted.Jobs);
        string[] arrays = [.. _cluster.Submissions.Select(s => string.Join(' ', s.Where(a => a.StartsWith("--array", StringComparison.Ordinal) || a.StartsWith("--dependency", StringComparison.Ordinal))))];
        Assert.Equal(["--array=0-1%5", "--array=0-3%2 --dependency=afterany:41", "--array=0-3%2 --dependency=afterany:41", "--dependency=afterany:42:43"], arrays);
        string[] flags = ["--parsable", "--requeue", "--open-mode=append", "--signal=B:USR2@120", "--partition=gpu", "--time=2:00:00", "--mem=16G", "--gres=gpu:1", "--cpus-per-task=8", "--account=lab"];
        Assert.All(_cluster.Submissions.SkipLast(1), s => Assert.Subset(s.ToHashSet(), flags.ToHashSet()));
        IReadOnlyList<SlurmArray> maps = SlurmArray.ReadAll(sweep.Folder);
        Assert.Equal(sweep.Plan.Cells.Select(c => c.Key), maps.Where(m => m.Kind == SlurmArray.Cells).SelectMany(m => m.Keys));
        Assert.Equal(sweep.Plan.Cells.Select(c => c.Stages[0].Key).Distinct(), maps.Single(m => m.Kind == SlurmArray.Stages).Keys);
    }

    [Fact]
    public void The_report_runs_where_and_on_whose_account_the_tasks_run_and_is_queued_again()
    {
        Submit(new StubSweep(_folder, "run", StubSweep.Grid(2, 1, 1, 1)), new SlurmOptions { Partition = "gpu", Time = "2:00:00", Gpus = 1, Cpus = 8, Flags = ["--account=lab", "--time=9"] });
        string[] report = _cluster.Submissions[^1];
        Assert.Equal(["--partition=gpu", "--account=lab", "--time=9", "--requeue", "--open-mode=append", "--cpus-per-task=1", "--time=10", "--dependency=afterany:42"], report[3..]);
    }

    [Fact]
    public void The_report_comes_again_behind_tasks_that_were_queued_again()
    {
        StubSweep sweep = new(_folder, "run", StubSweep.Grid(3, 1, 1, 1));
        Submit(sweep, new SlurmOptions { Flags = ["--account=lab"] });
        _cluster.Queue = "41_0|COMPLETED|None\n42_[0,2]|COMPLETED|None\n42_1|PENDING|BeginTime\n42_3|NODE_FAIL|None\n43|RUNNING|None\n";
        Assert.Equal("44", SlurmReportAgain.SubmitIfOpen(sweep.Folder, _cluster));
        Assert.Equal(["--account=lab", "--dependency=afterany:42"], _cluster.Submissions[^1].Where(a => a.StartsWith("--account", StringComparison.Ordinal) || a.StartsWith("--dep", StringComparison.Ordinal)));
        Assert.Equal(_cluster.Calls.Where(c => c.Program == "sbatch").Select(c => c.Input).TakeLast(2).First(), _cluster.Calls[^1].Input);
        sweep.RunHere();
        Assert.Null(SlurmReportAgain.SubmitIfOpen(sweep.Folder, _cluster));
    }

    [Fact]
    public void Of_two_submissions_at_once_the_second_sees_what_the_first_has_handed_over()
    {
        StubSweep sweep = new(_folder, "run", StubSweep.Grid(3, 1, 1, 1));
        SlowCluster cluster = new();
        SlurmSubmission[] both = new SlurmSubmission[2];
        string program = Worker.Program;
        Parallel.For(0, 2, new ParallelOptions { MaxDegreeOfParallelism = 2 }, i => both[i] =
            new SlurmLauncher(sweep.Folder, sweep.Plan, Program with { Program = program }, ["report"], new SlurmOptions(), cluster).Submit(new SweepOptions()));
        Assert.Equal([(0, 4), (4, 0)], both.Select(s => (s.Cells, s.Waiting)).Order());
        Assert.Equal(2, SlurmArray.ReadAll(sweep.Folder).Count);
        Assert.False(File.Exists(Path.Combine(sweep.Folder.Path, "slurm", "submit.lock")));
    }

    // Takes a while over everything, and has in its queue what was submitted.
    private sealed class SlowCluster : IClusterCommands
    {
        private readonly List<string> _queue = [];
        private int _job = 40;

        public ProgramReply Run(string program, IReadOnlyList<string> arguments, string input = "")
        {
            Thread.Sleep(30);
            lock (_queue)
            {
                switch (program)
                {
                    case "sbatch":
                        _job++;
                        if (arguments.FirstOrDefault(a => a.StartsWith("--array=", StringComparison.Ordinal)) is { } array)
                        {
                            _queue.Add($"{_job}_[{array["--array=".Length..]}]|PENDING|Priority");
                        }
                        return new ProgramReply(0, $"{_job}\n", "");
                    case "squeue":
                        return new ProgramReply(0, string.Join('\n', _queue), "");
                    default:
                        return new ProgramReply(0, "MaxArraySize = 1001\n", "");
                }
            }
        }
    }

    [Fact]
    public void A_percent_sign_in_the_path_is_no_symbol_for_sbatch()
    {
        Submit(new StubSweep(_folder, "at 100%a/run", "seed: 0"));
        Assert.All(_cluster.Submissions, s => Assert.Contains($"{Path.DirectorySeparatorChar}at 100%%a{Path.DirectorySeparatorChar}", s.Single(a => a.StartsWith("--output=", StringComparison.Ordinal)), StringComparison.Ordinal));
        Assert.EndsWith("report-%j.log", _cluster.Submissions[^1][2], StringComparison.Ordinal);
    }

    [Fact]
    public void The_script_becomes_a_copy_of_the_program()
    {
        StubSweep sweep = new(_folder, "run", "seed: 0");
        Submit(sweep);
        string script = _cluster.Calls.First(c => c.Program == "sbatch").Input, map = Path.Combine(sweep.Folder.Path, "slurm", "0001.json");
        string copy = Directory.GetDirectories(Path.Combine(sweep.Folder.Path, "slurm"), "program-*").Single();
        Assert.EndsWith($"\nexec '{copy}/it'\\''s nextstep' 'work' '{sweep.Folder.Path}' '--map' '{map}' '--index' \"$SLURM_ARRAY_TASK_ID\"\n", script, StringComparison.Ordinal);
        Assert.StartsWith("#!/bin/bash\n", script, StringComparison.Ordinal);
        File.WriteAllText(Worker.Program, "#!/bin/sh\n# built anew");
        Assert.Equal("#!/bin/sh", File.ReadAllText(Path.Combine(copy, "it's nextstep")));
    }

    [Fact]
    public void What_slurm_still_has_is_not_submitted_again_and_what_ended_without_a_result_is()
    {
        StubSweep sweep = new(_folder, "run", StubSweep.Grid(3, 1, 1, 1));
        Submit(sweep);
        _cluster.Queue = "41_0|COMPLETED|None\n42_[1-2%2]|PENDING|JobArrayTaskLimit\n42_0|CANCELLED by 0|None\n42_3|COMPLETING|None\n7|RUNNING|None\n";
        SlurmSubmission second = Submit(sweep);
        Assert.Equal((1, 3), (second.Cells, second.Waiting));
        Assert.Contains("42_0 ended as CANCELLED", Assert.Single(second.Notes), StringComparison.Ordinal);
        Assert.Equal([sweep.Plan.Cells[0].Key], SlurmArray.ReadAll(sweep.Folder)[^1].Keys);

        sweep.RunHere();
        Assert.Empty(Submit(sweep).Jobs);
    }

    [Fact]
    public void The_state_of_a_task_is_known_without_accounting_and_unknown_is_no_state()
    {
        StubSweep sweep = new(_folder, "run", StubSweep.Grid(3, 1, 1, 1));
        Assert.Empty(SlurmQueue.Read(sweep.Folder, _cluster));
        Submit(sweep);
        _cluster.Queue = "42_[0,2-3%1]|PENDING|BeginTime\n42_1|RUNNING|None\n";
        IReadOnlyDictionary<string, SlurmTaskState> states = SlurmQueue.Read(sweep.Folder, _cluster);
        Assert.Equal(["42_0 PENDING BeginTime", "42_1 RUNNING ", "42_2 PENDING BeginTime", "42_3 PENDING BeginTime"], sweep.Plan.Cells.Select(c => states[c.Key]).Select(s => $"{s.Id} {s.State} {s.Reason}"));
        Assert.All(states.Values, s => Assert.False(s.IsOver));
        Assert.Contains(_cluster.Calls, c => c.Program == "sacct"); // asked about the array that squeue has forgotten, in vain
    }

    [Fact]
    public void The_status_of_a_run_says_what_slurm_says_of_cells_that_are_not_over()
    {
        StubSweep sweep = new(_folder, "run", StubSweep.Grid(3, 1, 1, 1));
        Submit(sweep);
        _cluster.Queue = "41_0|COMPLETED|None\n42_[0,2-3%1]|PENDING|Priority\n42_1|RUNNING|None\n";
        RunStatus status = RunStatus.Read(sweep.Folder, _cluster);
        Assert.Equal(sweep.Plan.Cells.Select(c => c.Key).Order(), status.Slurm.Keys.Order());
        Assert.Equal("PENDING Priority", $"{status.Slurm[sweep.Plan.Cells[2].Key].State} {status.Slurm[sweep.Plan.Cells[2].Key].Reason}");
        sweep.RunHere();
        Assert.Empty(RunStatus.Read(sweep.Folder, _cluster).Slurm);
    }

    [Fact]
    public void A_refusal_is_told_in_slurms_words()
    {
        _cluster.Refusal = "sbatch: error: invalid partition specified: gpu";
        Assert.Contains("invalid partition specified: gpu", Assert.Throws<InvalidOperationException>(() => Submit(new StubSweep(_folder, "run", "seed: 0"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("time: 4:00:00\n  flags: [--account=lab, --qos=low]", null)]
    [InlineData("tiem: 1", "slurm.tiem: unknown key; did you mean 'time'?")]
    [InlineData("time: soon", "slurm.time: 'soon' is no time; write minutes, hours:minutes:seconds or days-hours")]
    [InlineData("memory: 16 gigabytes", "slurm.memory: '16 gigabytes' is no amount of memory; write for instance 16G")]
    [InlineData("cpus: 0", "slurm.cpus: '0' is not a whole number from 1 to 4096")]
    [InlineData("flags: [account]", "slurm.flags: 'account' is no flag for sbatch; flags begin with a dash")]
    public void The_slurm_node_is_checked_with_the_rest_of_the_file(string node, string? problem)
    {
        string file = _folder.Write("e.yaml", $"seed: 1\nslurm:\n  {node}\n");
        if (problem is null)
        {
            Assert.Equal(["--account=lab", "--qos=low"], ExperimentFile.Load(file).Slurm.Flags);
        }
        else
        {
            Assert.Equal($"{file}:3: {problem}", Assert.Throws<ConfigException>(() => ExperimentFile.Load(file)).Message);
        }
    }

    [Theory]
    [InlineData("90", 5400)]
    [InlineData("1:30", 90)]
    [InlineData("4:00:00", 14400)]
    [InlineData("2-12", 216000)]
    [InlineData("1-0:30", 88200)]
    [InlineData("1-2-3", null)]
    [InlineData("a", null)]
    public void Times_are_read_as_slurm_reads_them(string text, int? seconds) => Assert.Equal(seconds, SlurmOptions.Seconds(text));
}
