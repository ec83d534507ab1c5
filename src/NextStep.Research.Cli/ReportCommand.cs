using System.CommandLine;
using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep report</c>: the results of a run folder as one HTML file.</summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        Argument<string> directory = SharedOptions.RunFolder();
        Option<string?> output = new("--output", "-o") { Description = "The HTML file; default: report.html in the folder." };
        Command command = new("report", """
            Writes the results of a run folder, finished or not, as one HTML file that needs no network.

            Examples:
              nextstep report runs/quickstart
              nextstep report runs/noise-strength -o noise-strength.html
            """)
        {
            directory, output,
        };
        command.SetAction(parse =>
        {
            RunFolder folder = new(parse.GetRequiredValue(directory));
            Sweep.Judge(folder, folder.RequirePlan());
            Write(folder.Path, parse.GetValue(output) ?? folder.ReportFile);
            return 0;
        });
        return command;
    }

    /// <summary>Writes the report and says where it is.</summary>
    public static void Write(string runFolder, string outputFile)
    {
        NextStep.Research.Reports.HtmlReport.Write(runFolder, outputFile);
        AnsiConsole.WriteLine($"report: {outputFile}");
    }
}
