using System.CommandLine;
using NextStep.Research.Experiments;
using NextStep.Research.Reports;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep report</c>: the results of a run folder as one HTML file.</summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        Argument<string> directory = SharedOptions.RunFolder();
        Option<string?> output = new("--output", "-o") { Description = "The HTML file; default: report.html in the folder." };
        Option<string?> figures = new("--figures") { Description = "Writes every figure of the report as a picture of its own into this folder instead, for papers." };
        Option<FigureFormat> format = new("--format") { Description = "svg or png (twice the size on screen); with --figures.", DefaultValueFactory = _ => FigureFormat.Svg };
        Option<bool> mix = SharedOptions.MixCode();
        Option<bool> slurm = new("--after-slurm") { Hidden = true, Description = "The last job of a submission: comes again behind tasks that were queued again." };
        Command command = new("report", """
            Writes the results of a run folder, finished or not, as one HTML file that needs no network, or its figures one by one.

            Examples:
              nextstep report runs/quickstart
              nextstep report runs/noise-strength -o noise-strength.html
              nextstep report runs/noise-strength --figures figures --format png
            """)
        {
            directory, output, figures, format, mix, slurm,
        };
        command.SetAction(parse =>
        {
            RunFolder folder = new(parse.GetRequiredValue(directory));
            if (parse.GetValue(figures) is { } into)
            {
                IReadOnlyList<string> files = [];
                Showing("drawing the figures", () => files = FigureFiles.Write(folder.Path, into, parse.GetValue(format), parse.GetValue(mix)));
                AnsiConsole.WriteLine($"{files.Count} figures in {into}");
                return 0;
            }
            Write(folder.Path, parse.GetValue(output) ?? folder.ReportFile, parse.GetValue(mix));
            if (parse.GetValue(slurm) && SlurmReportAgain.SubmitIfOpen(folder, new ClusterCommands()) is { } job)
            {
                AnsiConsole.WriteLine($"tasks are not over: job {job} writes the report again after them");
            }
            return 0;
        });
        return command;
    }

    /// <summary>Writes the report and says where it is.</summary>
    public static void Write(string runFolder, string outputFile, bool mixCode = false)
    {
        Showing("writing the report", () => HtmlReport.Write(runFolder, outputFile, mixCode));
        AnsiConsole.WriteLine($"report: {outputFile}");
    }

    // Hundreds of cells take some seconds.
    private static void Showing(string what, Action work)
    {
        if (AnsiConsole.Profile.Capabilities.Interactive)
        {
            AnsiConsole.Status().Start(what, _ => work());
        }
        else
        {
            work();
        }
    }
}
