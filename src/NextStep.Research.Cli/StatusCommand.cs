using System.CommandLine;
using System.Globalization;
using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep status</c>: what every cell of a run folder is doing.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        Argument<string> directory = SharedOptions.RunFolder();
        Command command = new("status", """
            Shows what every cell of a run folder is doing.

            Examples:
              nextstep status runs/quickstart
              watch -n 5 nextstep status runs/noise-strength
            """)
        {
            directory,
        };
        command.SetAction(parse =>
        {
            RunFolder folder = new(parse.GetRequiredValue(directory));
            CellStatus[] cells = [.. folder.RequirePlan().Cells.Select(c => CellStatus.Read(folder, c))];
            Table table = new Table().Border(TableBorder.Simple).AddColumns("cell", "arm", "seed", "state", "stage", "progress", "seconds");
            foreach (CellStatus cell in cells)
            {
                table.AddRow([.. Row(cell).Select(t => new Text(t))]);
            }
            AnsiConsole.Write(table);
            AnsiConsole.WriteLine(string.Join(", ", Enum.GetValues<CellState>().Select(s => $"{cells.Count(c => c.State == s)} {Name(s)}")));
            return 0;
        });
        return command;
    }

    private static string[] Row(CellStatus s)
    {
        (string stage, string progress, double? seconds) = s switch
        {
            { Result: { } result } => ("", "", result.Seconds.Values.Sum()),
            { State: CellState.Failed, Failure: { } failure } => (failure.Stage, failure.Message, null),
            { Progress: { } p } => (p.Stage, string.Create(CultureInfo.InvariantCulture, $"{p.Done}/{p.Total} {p.Unit}"), p.Seconds),
            _ => ("", "", (double?)null),
        };
        return
        [
            s.Cell.Key, s.Cell.Arm, s.Cell.Seed.ToString(CultureInfo.InvariantCulture), Name(s.State), stage, progress,
            seconds?.ToString("F1", CultureInfo.InvariantCulture) ?? "",
        ];
    }

    private static string Name(CellState state) => state switch
    {
        CellState.Done => "done",
        CellState.Failed => "failed",
        CellState.Running => "running",
        _ => "waiting",
    };
}
