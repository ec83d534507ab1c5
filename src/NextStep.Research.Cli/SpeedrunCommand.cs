using System.CommandLine;
using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep speedrun</c>: the time to a wanted alignment, the newest record against the baseline, and the table of all.</summary>
internal static class SpeedrunCommand
{
    public static Command Create()
    {
        Argument<string?> record = new("RECORD") { Description = "The record to run, an arm of the file; default: the newest, its last arm.", Arity = ArgumentArity.ZeroOrOne };
        Option<bool> check = new("--check") { Description = "Train nothing: print the table from the kept numbers and fail where a file is damaged or edited." };
        Option<bool> smoke = new("--smoke") { Description = "Run the small form of the file, seconds in all, to see that everything works; nothing is kept." };
        Option<bool> markdown = new("--markdown") { Description = "Print the table in Markdown." };
        Option<string> file = new("--experiment") { Description = "The experiment file with the records.", DefaultValueFactory = _ => Path.Combine("experiments", "speedrun.yaml") };
        Option<string?> runs = new("--runs") { Description = "Where the run folders go, one a record; default: runs/speedrun, with --smoke runs/speedrun-smoke." };
        Option<bool> retry = new("--retry-failed") { Description = "Run cells again that failed earlier." };
        Option<bool> accept = SharedOptions.AcceptChangedPlan();
        Option<int?> jobs = SharedOptions.Jobs();
        (Option<double?> hours, Option<string?> until) = SharedOptions.Budget();
        Command command = new("speedrun", """
            How soon does a model that knows nothing draw 70 % of its pictures right, its autoencoder included? Runs the newest record of
            experiments/speedrun.yaml beside the baseline (the same command goes on where it was stopped), keeps the numbers in
            experiments/results/speedrun/RECORD.json, and prints one line a record. Time is processor time of the training, all threads; the
            drawings that judge the weights on the way do not count. A ratio is to the baseline of the same run on the same machine.

            Examples:
              nextstep speedrun --check
              nextstep speedrun --check --markdown
              nextstep speedrun --jobs 1 --until 07:00
              nextstep speedrun --smoke
            """)
        {
            record, check, smoke, markdown, file, runs, retry, accept, jobs, hours, until,
        };
        command.Validators.Add(r =>
        {
            if (r.GetValue(check) && (r.GetValue(smoke) || r.GetValue(retry) || r.GetValue(accept) || r.GetValue(jobs) is not null || r.GetValue(hours) is not null || r.GetValue(until) is not null))
            {
                r.AddError("--check runs nothing; leave --smoke, --retry-failed, --accept-changed-plan, --jobs, --max-hours and --until out.");
            }
        });
        command.SetAction(parse =>
        {
            IReadOnlyList<SpeedRecord> records = SpeedRecord.All(parse.GetValue(file)!, parse.GetValue(smoke));
            SpeedRecord chosen = Choose(records, parse.GetValue(record));
            ClaimResults? measured = null;
            if (!parse.GetValue(check))
            {
                using SweepBudget? budget = SharedOptions.Budget(parse.GetValue(hours), parse.GetValue(until));
                string place = parse.GetValue(runs) ?? Path.Combine("runs", parse.GetValue(smoke) ? "speedrun-smoke" : "speedrun");
                measured = Run(chosen, new RunFolder(Path.Combine(place, chosen.FolderName)), parse.GetValue(jobs), parse.GetValue(retry), parse.GetValue(accept), budget);
                if (measured is null)
                {
                    return 1;
                }
                if (!parse.GetValue(smoke))
                {
                    measured.Write(chosen.File.Results);
                    AnsiConsole.WriteLine($"kept: {chosen.File.Results}");
                }
            }
            return Show(parse.GetValue(smoke) ? [(chosen, measured, [])] : [.. records.Select(r => (r, r.Read())).Select(r => (r.r, r.Item2.Kept, r.Item2.Faults))], parse.GetValue(markdown));
        });
        return command;
    }

    private static SpeedRecord Choose(IReadOnlyList<SpeedRecord> records, string? name)
    {
        string[] known = [.. records.Select(r => r.File.Name)];
        return name is null ? records[^1] : records.FirstOrDefault(r => r.File.Name == name)
            ?? throw new ConfigException(new ConfigError(records[0].File.Path, 0, "arms", $"'{name}' is no record{NearestName.Hint(name, known)}"));
    }

    // Null: stopped, or a cell failed.
    private static ClaimResults? Run(SpeedRecord record, RunFolder folder, int? jobs, bool retry, bool accept, SweepBudget? budget)
    {
        Experiment experiment = CellThreads.Settle(record.Experiment, folder);
        SweepJob job = new(record.File.Path, experiment, StandardStages.All, folder.Path) { RetryFailed = retry, AcceptChangedPlan = accept, Places = SharedOptions.Places(null, jobs, experiment), Budget = budget };
        return job.Run(done => ReportCommand.Write(done.Path, done.ReportFile, false)) == 0 ? record.Measured(folder) : null;
    }

    private static int Show(IReadOnlyList<(SpeedRecord Record, ClaimResults? Kept, IReadOnlyList<string> Faults)> records, bool markdown)
    {
        IReadOnlyList<SpeedRow> rows = SpeedRow.Of([.. records.Select(r => (r.Record, r.Kept))]);
        double target = records[0].Record.Experiment.Arms[0].Config.Evaluation.AlignmentTarget!.Value;
        if (markdown)
        {
            Console.Out.WriteLine(SpeedRow.Markdown(rows, target));
        }
        else
        {
            Table table = new Table().AddColumns(SpeedRow.Heads(target));
            foreach (SpeedRow row in rows)
            {
                table.AddRow([.. row.Fields.Select(t => new Text(t))]);
            }
            AnsiConsole.Write(table);
        }
        string[] faults = [.. records.SelectMany(r => r.Faults)];
        Array.ForEach(faults, f => Console.Error.WriteLine($"error: {f}"));
        return faults.Length == 0 ? 0 : 1;
    }
}
