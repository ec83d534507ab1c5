using System.CommandLine;
using NextStep.Research.Experiments;
using NextStep.Research.Reports;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep gc</c>: what a run folder's plan does not need.</summary>
internal static class GcCommand
{
    private const int MostRows = 40;

    public static Command Create()
    {
        Argument<string> directory = SharedOptions.RunFolder();
        Option<bool> cells = new("--cells") { Description = "Cells that the plan does not have, too, with their results." }, yes = new("--yes") { Description = "Remove it; without, it is only shown." };
        Command command = new("gc", """
            Shows which stages of a run folder no cell of its plan needs, left by earlier plans, and removes them with --yes. Results
            stay unless --cells is given. What a living process works on is left alone.

            Examples:
              nextstep gc runs/noise-strength
              nextstep gc runs/noise-strength --cells --yes
            """)
        {
            directory, cells, yes,
        };
        command.SetAction(parse =>
        {
            RunFolder folder = new(parse.GetRequiredValue(directory));
            bool remove = parse.GetValue(yes);
            IReadOnlyList<GarbageItem> items = remove ? RunGarbage.Remove(folder, parse.GetValue(cells)) : RunGarbage.Find(folder, parse.GetValue(cells));
            foreach (GarbageItem item in items.Take(MostRows))
            {
                AnsiConsole.WriteLine($"{item.Path}: {Numbers.Size(item.Bytes)}");
            }
            AnsiConsole.WriteLine(items.Count == 0 ? $"{folder.Path}: nothing that its plan does not need"
                : $"{items.Count} entries, {Numbers.Size(items.Sum(i => (double)i.Bytes))}{(remove ? " removed" : "; --yes removes them")}");
            return 0;
        });
        return command;
    }
}
