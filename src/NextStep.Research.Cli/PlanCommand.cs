using System.CommandLine;
using System.Globalization;
using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep plan</c>: what a sweep would do, and every error of the file.</summary>
internal static class PlanCommand
{
    public static Command Create()
    {
        Argument<string> file = SharedOptions.ExperimentFile();
        Option<string?> output = SharedOptions.Out(), device = SharedOptions.Device();
        Option<string[]> set = SharedOptions.Set();
        Command command = new("plan", """
            Shows the cells of an experiment and the stages they share, or everything that is wrong with the file. Runs nothing.

            Examples:
              nextstep plan experiments/quickstart.yaml
              nextstep plan experiments/quickstart.yaml --set model.size=tiny
            """)
        {
            file, output, set, device,
        };
        command.SetAction(parse =>
        {
            Experiment experiment = ExperimentFile.Load(parse.GetRequiredValue(file), SharedOptions.Overrides(parse.GetValue(set), parse.GetValue(device)));
            RunFolder folder = new(parse.GetValue(output) ?? Path.Combine("runs", experiment.Name));
            Plan plan = Plan.Make(experiment, StandardStages.All);
            Show(plan, folder);
            if (folder.ReadPlan()?.DifferencesTo(plan) is { Count: > 0 } differences)
            {
                throw new PlanChangedException(folder.Path, differences);
            }
            return 0;
        });
        return command;
    }

    private static void Show(Plan plan, RunFolder folder)
    {
        AnsiConsole.WriteLine(plan.Question.Length > 0 ? $"{plan.Name}: {plan.Question}" : plan.Name);
        Table table = new Table().Border(TableBorder.Simple).AddColumns("cell", "arm", "seed");
        string[] kinds = [.. plan.Cells.SelectMany(c => c.Stages.Select(s => s.Kind)).Distinct()];
        table.AddColumns(kinds);
        HashSet<string> seen = [];
        foreach (PlannedCell cell in plan.Cells)
        {
            IEnumerable<string> stages = cell.Stages.Select(s => Directory.Exists(folder.Stage(s)) ? $"{s.Key[..8]} done" : seen.Add(s.Key) ? $"{s.Key[..8]} run" : $"{s.Key[..8]} shared");
            table.AddRow([.. new[] { cell.Key, cell.Arm, cell.Seed.ToString(CultureInfo.InvariantCulture) }.Concat(stages).Select(t => new Text(t))]);
        }
        AnsiConsole.Write(table);
        foreach (PlannedArm arm in plan.Arms.Skip(1))
        {
            AnsiConsole.WriteLine($"{arm.Name}: {string.Join(", ", arm.Settings.Where(s => plan.Arms[0].Settings[s.Key] != s.Value).Select(s => $"{s.Key} {plan.Arms[0].Settings[s.Key]} → {s.Value}"))}");
        }
        AnsiConsole.WriteLine($"{plan.Cells.Count} cells; to run: {string.Join(", ", kinds.Select(k => $"{plan.Cells.SelectMany(c => c.Stages).Where(s => s.Kind == k && !Directory.Exists(folder.Stage(s))).DistinctBy(s => s.Key).Count()} {k}"))}");
    }
}
