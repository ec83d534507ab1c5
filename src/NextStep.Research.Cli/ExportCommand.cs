using System.CommandLine;
using NextStep.Research.Experiments;
using NextStep.Research.Reports;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep export</c>: the numbers of a run folder for other tools.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        Argument<string> directory = SharedOptions.RunFolder();
        Option<string> format = new("--format", "-f") { Description = string.Join(", ", RunExport.Formats) + ".", Required = true };
        format.AcceptOnlyFromAmong([.. RunExport.Formats]);
        Option<string?> output = new("--output", "-o") { Description = "A folder; default: export in the run folder." };
        Command command = new("export", """
            Writes the numbers of a run folder for other tools: a table of cells (settings, final numbers, times, provenance) and one of
            training curves; for TensorBoard an event file a finished cell, with its hyperparameters; for MLflow a file store.

            Examples:
              nextstep export runs/quickstart --format parquet
              nextstep export runs/noise-strength --format tensorboard -o logs && tensorboard --logdir logs
              nextstep export runs/noise-strength --format mlflow -o mlruns && mlflow ui --backend-store-uri mlruns
            """)
        {
            directory, format, output,
        };
        command.SetAction(parse =>
        {
            RunFolder folder = new(parse.GetRequiredValue(directory));
            IReadOnlyList<string> files = RunExport.Write(folder, parse.GetRequiredValue(format), parse.GetValue(output) ?? Path.Combine(folder.Path, "export"), Console.Error.WriteLine);
            foreach (string file in files.Take(20))
            {
                AnsiConsole.WriteLine(file);
            }
            AnsiConsole.WriteLine(files.Count switch { 0 => "no cell is done yet, nothing written", > 20 => $"… {files.Count} files in all", _ => $"{files.Count} files" });
            return 0;
        });
        return command;
    }
}
