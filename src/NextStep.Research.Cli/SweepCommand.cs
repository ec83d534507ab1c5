using System.CommandLine;
using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep sweep</c>: runs an experiment; the same command again continues it.</summary>
internal static class SweepCommand
{
    public static Command Create()
    {
        Argument<string> file = SharedOptions.ExperimentFile();
        Option<string?> output = SharedOptions.Out(), device = SharedOptions.Device();
        Option<string[]> set = SharedOptions.Set(), only = SharedOptions.OnlyArms();
        Option<bool> failFast = new("--fail-fast") { Description = "Stop at the first cell that fails." };
        Option<bool> retry = new("--retry-failed") { Description = "Run cells again that failed earlier." };
        Option<bool> accept = new("--accept-changed-plan") { Description = "Go on in a folder that was begun with another plan." };
        Option<int?> jobs = SharedOptions.Jobs();
        Option<bool> worker = new("--worker") { Hidden = true };
        Command command = new("sweep", """
            Runs an experiment and writes its report. The same command again skips what is done and continues what is not.

            Examples:
              nextstep sweep experiments/quickstart.yaml
              nextstep sweep experiments/quickstart.yaml --out runs/longer --set training.model.images=200000 --only baseline
            """)
        {
            file, output, set, only, failFast, retry, accept, device, jobs, worker,
        };
        command.SetAction(parse =>
        {
            string path = parse.GetRequiredValue(file);
            Experiment experiment = ExperimentFile.Load(path, SharedOptions.Overrides(parse.GetValue(set), parse.GetValue(device)));
            SweepJob job = new(path, experiment, StandardStages.All, parse.GetValue(output) ?? Path.Combine("runs", experiment.Name))
            {
                Only = SharedOptions.Only(parse.GetValue(only), experiment),
                FailFast = parse.GetValue(failFast),
                RetryFailed = parse.GetValue(retry),
                AcceptChangedPlan = parse.GetValue(accept),
                Jobs = parse.GetValue(jobs) ?? SharedOptions.DefaultJobs(experiment),
                Worker = parse.GetValue(worker),
                Arguments = [.. parse.Tokens.Select(t => t.Value)],
            };
            return job.Run(folder =>
            {
                ComparisonView.Of(folder).Write(all: false);
                ReportCommand.Write(folder.Path, folder.ReportFile);
            });
        });
        return command;
    }
}
