using System.CommandLine;
using NextStep.Research.Experiments;
using NextStep.Research.Notebooks;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep notebook</c>: notebooks without a notebook host.</summary>
internal static class NotebookCommand
{
    public static Command Create()
    {
        Command command = new("notebook", """
            Runs C# notebooks without a notebook host.

            Examples:
              nextstep notebook run notebooks/*.ipynb --in-place
              nextstep notebook run notebooks/01-quickstart.ipynb --out runs/notebooks --html
            """);
        command.Subcommands.Add(CreateRun());
        command.Subcommands.Add(CreateHost());
        return command;
    }

    private static Command CreateRun()
    {
        Argument<string[]> files = new("FILE") { Description = ".ipynb, .dib or .csx.", Arity = ArgumentArity.OneOrMore };
        Option<string?> output = new("--out") { Description = "Folder for the executed notebooks; default: runs/notebooks." };
        Option<bool> inPlace = new("--in-place") { Description = "Write the outputs into the .ipynb itself." };
        Option<double> timeout = new("--timeout") { Description = "Seconds that one cell may take.", DefaultValueFactory = _ => 600 };
        Option<bool> html = new("--html") { Description = "Also write each notebook as an HTML page." };
        Option<bool> interactive = new("--interactive") { Description = "Charts as scripts to zoom in (over 1 MB a notebook) instead of drawings." };
        timeout.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<double>() is not (> 0 and < 1e6))
            {
                r.AddError("--timeout wants a number of seconds above 0.");
            }
        });
        Command command = new("run", """
            Runs the cells from first to last in a process for each notebook and writes the executed notebook.
            Exit code 0: every cell did what it should. A cell tagged raises-exception should fail; one tagged skip-ci is not run.

            Examples:
              nextstep notebook run notebooks/*.ipynb --in-place
              nextstep notebook run notebooks/01-quickstart.ipynb --out runs/notebooks --html
            """)
        {
            files, output, inPlace, timeout, html, interactive,
        };
        command.Validators.Add(r =>
        {
            if (r.GetValue(inPlace) && (r.GetValue(output) is not null || (r.GetValue(files) ?? []).Any(f => Path.GetExtension(f) != ".ipynb")))
            {
                r.AddError("--in-place is for .ipynb, and goes without --out.");
            }
            if ((r.GetValue(files) ?? []).GroupBy(Path.GetFileNameWithoutExtension).FirstOrDefault(g => g.Count() > 1) is { } twins && !r.GetValue(inPlace))
            {
                r.AddError($"{string.Join(" and ", twins)} would be written to the same file; run them one by one.");
            }
        });
        command.SetAction(parse =>
        {
            NotebookRunOptions options = new()
            {
                Host = Host(),
                CellTimeout = TimeSpan.FromSeconds(parse.GetValue(timeout)),
                Interactive = parse.GetValue(interactive),
                Report = AnsiConsole.WriteLine,
            };
            string folder = parse.GetValue(output) ?? Path.Combine("runs", "notebooks");
            return Watched(options, o => Run(parse.GetRequiredValue(files), f => parse.GetValue(inPlace) ? f : Path.Combine(folder, Path.GetFileNameWithoutExtension(f) + ".ipynb"), parse.GetValue(html), o));
        });
        return command;
    }

    /// <summary>The process that runs cells; started by <c>run</c>.</summary>
    private static Command CreateHost()
    {
        Argument<string> file = new("FILE");
        Option<string> pipe = new("--pipe") { Required = true };
        Option<bool> interactive = new("--interactive");
        Command command = new("host") { file, pipe, interactive };
        command.Hidden = true;
        command.SetAction(async (parse, _) =>
        {
            await NotebookRunner.RunCells(parse.GetRequiredValue(file), parse.GetRequiredValue(pipe), parse.GetValue(interactive));
            return 0;
        });
        return command;
    }

    /// <summary>On a terminal a line says which cell runs.</summary>
    private static int Watched(NotebookRunOptions options, Func<NotebookRunOptions, int> run) =>
        AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected
            ? AnsiConsole.Status().Start("starting", status => run(options with { Begin = cell => status.Status(Markup.Escape(cell)) }))
            : run(options);

    private static int Run(string[] files, Func<string, string> output, bool html, NotebookRunOptions options)
    {
        using Interrupt interrupt = new();
        List<NotebookOutcome> outcomes = [];
        foreach (string file in files)
        {
            NotebookOutcome outcome = One(file, output(file), html, options, interrupt.Token);
            outcomes.Add(outcome);
            if (outcome.Problem is { } problem)
            {
                Console.Error.WriteLine(problem);
            }
            if (outcome.Stopped)
            {
                break;
            }
        }
        foreach (NotebookOutcome outcome in outcomes)
        {
            AnsiConsole.WriteLine(outcome.ToString());
        }
        return outcomes.All(o => o.Failed == 0 && !o.Stopped) ? 0 : 1;
    }

    /// <summary>A file that cannot be run is that notebook's failure, and the others are run all the same.</summary>
    private static NotebookOutcome One(string file, string output, bool html, NotebookRunOptions options, CancellationToken cancellation)
    {
        try
        {
            NotebookOutcome outcome = NotebookRunner.Run(file, output, options, cancellation);
            if (!outcome.Stopped)
            {
                if (html)
                {
                    NotebookRunner.WriteHtml(output, Path.ChangeExtension(output, ".html"));
                }
                AnsiConsole.WriteLine($"wrote {output}");
            }
            return outcome;
        }
        catch (InvalidDataException e)
        {
            return new NotebookOutcome(Path.GetFileName(file), 0, 1, 0, e.Message, false, null);
        }
    }

    /// <summary>This program, to be started again.</summary>
    internal static IReadOnlyList<string> Host() => [.. WorkerCommand.Of(typeof(NotebookCommand).Assembly, "notebook", "host").Line()];
}
