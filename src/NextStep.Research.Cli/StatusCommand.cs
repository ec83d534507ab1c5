using System.CommandLine;
using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep status</c>: what every cell of a run folder is doing.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);

    public static Command Create()
    {
        Argument<string> directory = SharedOptions.RunFolder();
        Option<bool> watch = new("--watch", "-w") { Description = "Keep the table up to date until all cells are done or failed; Ctrl-C ends it." };
        Option<bool> all = SharedOptions.All(), json = SharedOptions.Json();
        Command command = new("status", """
            Shows what every cell of a run folder is doing, the rate and the time left, and why cells failed. Needs no running sweep.

            Examples:
              nextstep status runs/quickstart --watch
              nextstep status runs/noise-strength --json
            """)
        {
            directory, watch, all, json,
        };
        command.SetAction(parse =>
        {
            RunFolder folder = new(parse.GetRequiredValue(directory));
            StatusView view = new(RunStatus.Read(folder), folder, parse.GetValue(all));
            if (parse.GetValue(json))
            {
                Console.Out.WriteLine(view.Json());
            }
            else if (parse.GetValue(watch))
            {
                Watch(folder, parse.GetValue(all));
            }
            else
            {
                AnsiConsole.Write(view.Render());
            }
            return 0;
        });
        return command;
    }

    private static void Watch(RunFolder folder, bool all)
    {
        using Interrupt interrupt = new();
        AnsiConsole.Live(new Text("")).Start(live =>
        {
            RunStatus status;
            do
            {
                status = RunStatus.Read(folder);
                live.UpdateTarget(new StatusView(status, folder, all).Render());
            }
            while (!status.IsOver && !interrupt.Token.WaitHandle.WaitOne(Every));
        });
    }
}
