using System.CommandLine;
using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep compare</c>: arms against the baseline.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        Argument<string> directory = SharedOptions.RunFolder();
        Command command = new("compare", """
            Shows the metrics of every arm, the mean over its seeds, and the difference to the baseline.

            Examples:
              nextstep compare runs/quickstart
              nextstep compare runs/noise-strength > noise.txt
            """)
        {
            directory,
        };
        command.SetAction(parse =>
        {
            RunFolder folder = new(parse.GetRequiredValue(directory));
            Plan plan = folder.RequirePlan();
            IReadOnlyList<CellResult> results = folder.ReadResults(plan);
            if (results.Count == 0)
            {
                AnsiConsole.WriteLine($"{folder.Path}: no cell is done yet");
                return 0;
            }
            AnsiConsole.Write(ComparisonTable.Make(plan, results));
            foreach (PlannedClaim claim in ClaimJudge.Judge(plan, results))
            {
                AnsiConsole.WriteLine($"{claim.Verdict}: {claim.Say} [{claim.Test}]: {claim.Evidence}");
            }
            return 0;
        });
        return command;
    }
}
