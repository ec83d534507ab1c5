using System.CommandLine;
using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep sweep</c>: runs an experiment; the same command again continues it.</summary>
internal static class SweepCommand
{
    private const int ProofKills = 6;

    public static Command Create()
    {
        Argument<string> file = SharedOptions.ExperimentFile();
        Option<string?> output = SharedOptions.Out(), device = SharedOptions.Device();
        Option<string[]> set = SharedOptions.Set(), only = SharedOptions.OnlyArms();
        Option<bool> failFast = new("--fail-fast") { Description = "Stop at the first cell that fails." };
        Option<bool> retry = new("--retry-failed") { Description = "Run cells again that failed earlier." };
        Option<bool> accept = SharedOptions.AcceptChangedPlan();
        Option<int?> jobs = SharedOptions.Jobs();
        Option<string?> devices = SharedOptions.Devices();
        (Option<double?> hours, Option<string?> until) = SharedOptions.Budget();
        Option<string> launcher = new("--launcher") { Description = "local, or slurm: hands the cells to the cluster and returns.", DefaultValueFactory = _ => "local" };
        launcher.AcceptOnlyFromAmong("local", "slurm");
        Option<string[]> slurm = new("--slurm") { Description = $"key=value: overrides the file's slurm node; repeatable. Keys: {string.Join(", ", SlurmOptions.Names)}." };
        Option<bool> prove = new("--prove-resume")
        {
            Description = "Runs one cell twice (the baseline, shortened), left alone and killed again and again, compares all files, and ends.",
        };
        Command command = new("sweep", """
            Runs an experiment and writes its report. The same command again skips what is done and continues what is not.

            Examples:
              nextstep sweep experiments/quickstart.yaml
              nextstep sweep experiments/quickstart.yaml --out runs/longer --set training.model.images=200000 --only baseline
              nextstep sweep experiments/quickstart.yaml --devices cuda:0,cuda:1 --jobs 4 --until 07:00
            """)
        {
            file, output, set, only, failFast, retry, accept, device, jobs, devices, hours, until, launcher, slurm, prove,
        };
        command.Validators.Add(r =>
        {
            if (r.GetValue(launcher) == "slurm" && (r.GetValue(devices) is not null || r.GetValue(hours) is not null || r.GetValue(until) is not null))
            {
                r.AddError("--devices, --max-hours and --until are for this machine; with --launcher slurm say --slurm gpus=1 and --slurm time=4:00:00.");
            }
        });
        command.SetAction(parse =>
        {
            string path = parse.GetRequiredValue(file);
            Experiment read = ExperimentFile.Load(path, SharedOptions.Overrides(parse.GetValue(set), parse.GetValue(device)));
            string folder = parse.GetValue(output) ?? Path.Combine("runs", read.Name);
            SlurmOptions? cluster = parse.GetValue(launcher) == "slurm" ? SlurmWishes(read, parse.GetValue(slurm)) : null;
            Experiment experiment = CellThreads.Settle(read, new RunFolder(folder), cluster?.Cpus);
            if (parse.GetValue(prove))
            {
                return ProveResume(experiment, new RunFolder(folder));
            }
            using SweepBudget? budget = SharedOptions.Budget(parse.GetValue(hours), parse.GetValue(until));
            SweepJob job = new(path, experiment, StandardStages.All, folder)
            {
                Only = SharedOptions.Only(parse.GetValue(only), experiment),
                FailFast = parse.GetValue(failFast),
                RetryFailed = parse.GetValue(retry),
                AcceptChangedPlan = parse.GetValue(accept),
                Places = SharedOptions.Places(parse.GetValue(devices), parse.GetValue(jobs), experiment),
                Budget = budget,
                Slurm = cluster,
            };
            return job.Run(done =>
            {
                ComparisonView.Of(done).Write(all: false);
                ReportCommand.Write(done.Path, done.ReportFile);
            });
        });
        return command;
    }

    private static SlurmOptions SlurmWishes(Experiment experiment, string[]? settings)
    {
        SlurmOptions options = experiment.Slurm;
        foreach (string setting in settings ?? [])
        {
            string[] parts = setting.Split('=', 2);
            try
            {
                options = options.With(parts[0], parts.Length == 2 ? parts[1] : throw new FormatException("expected key=value"));
            }
            catch (FormatException e)
            {
                throw new ConfigException(new ConfigError("--slurm", 0, parts[0], e.Message));
            }
        }
        return options;
    }

    private static int ProveResume(Experiment experiment, RunFolder folder)
    {
        TorchBackend.EnsureUsable();
        using Interrupt interrupt = new();
        ResumeProof proof = ResumeProof.Make(folder, experiment, StandardStages.All, SweepJob.Worker, ProofKills, AnsiConsole.WriteLine, interrupt.Token);
        AnsiConsole.WriteLine($"{proof.Cell}, {proof.Shortened}: killed {proof.Kills} times, {proof.PowerCuts} of them with files cut short, {proof.Resumed} of them gone on from a whole checkpoint; "
            + $"{proof.FilesCompared} files compared, {(proof.Identical ? "all identical" : proof.Resumed == 0 ? "which proves nothing: it was over before a checkpoint" : $"{proof.Differences.Count} differ")} ({Path.Combine(folder.Path, ResumeProof.FileName)})");
        foreach (string difference in proof.Differences)
        {
            Console.Error.WriteLine($"differs: {difference}");
        }
        return proof.Identical ? 0 : 1;
    }
}
