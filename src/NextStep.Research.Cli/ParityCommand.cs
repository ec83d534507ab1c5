using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep parity</c>: holds this kit against recordings of the reference.</summary>
internal static class ParityCommand
{
    private static readonly Argument<string[]> Fixtures = new("fixture")
    {
        Description = "Safetensors files with recorded inputs, draws and outputs, or folders of them.",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<WeightScheme?> Quantization = SharedOptions.Quantization(new("--quantization")
    {
        Description = "The matrices are quantized before they are compared, with groups of 32, 64 or 128: how far the scheme is from the reference. Tolerances are the scheme's, in units of the largest number of a tensor: 5 % of int8, 50 % of int4; what needs gradients is left out.",
    });

    private static readonly Option<bool> AsJson = new("--json") { Description = "One JSON document instead of a table." };

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseUpper) },
    };

    /// <summary>The verb.</summary>
    public static Command Create()
    {
        Command command = new("parity", """
            Compares every recorded tensor with ours. Exit code 1 when any differs or any case could not be run.

            Examples:
              nextstep parity tests/fixtures/*.safetensors
              nextstep parity tests/fixtures --json > parity.json
              nextstep parity tests/fixtures --quantization int8:32
            """);
        command.Arguments.Add(Fixtures);
        command.Options.Add(Quantization);
        command.Options.Add(AsJson);
        command.SetAction(parse => Run(parse.GetRequiredValue(Fixtures), parse.GetValue(Quantization), parse.GetValue(AsJson)));
        return command;
    }

    private static int Run(string[] paths, WeightScheme? scheme, bool json)
    {
        string[] files = [.. paths.SelectMany(FilesOf)];
        ParityReport report = ParityRunner.Run(files, scheme: scheme);
        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new { report.Passed, report.Rows }, Json));
        }
        else
        {
            Draw(report);
        }
        return report.Passed ? 0 : 1;
    }

    private static IEnumerable<string> FilesOf(string path)
    {
        string[] files = Directory.Exists(path) ? Directory.GetFiles(path, "*.safetensors") : [path];
        return files.Length > 0 ? files.Order(StringComparer.Ordinal) : throw new InvalidDataException($"There are no fixtures (*.safetensors) in {path}.");
    }

    private static void Draw(ParityReport report)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumns("file", "case", "tensor");
        table.AddColumn(new TableColumn("worst |d|").RightAligned()).AddColumn(new TableColumn("tolerance").RightAligned()).AddColumns("verdict", "note");
        foreach (ParityRow row in report.Rows)
        {
            table.AddRow(
                new Text(Path.GetFileNameWithoutExtension(row.File)), new Text(row.Case), new Text(row.Tensor),
                new Text(Number(row.Worst)), new Text(Number(row.Tolerance)), new Markup(Colour(row.Verdict)), new Text(row.Note));
        }
        AnsiConsole.Write(table);
        AnsiConsole.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Count(ParityVerdict.Pass)} PASS, {report.Count(ParityVerdict.Fail)} FAIL, {report.Count(ParityVerdict.Error)} ERROR, {report.Count(ParityVerdict.Skip)} SKIP"));
    }

    private static string Number(double? value) => value?.ToString("0.0e+00", CultureInfo.InvariantCulture) ?? "";

    private static string Colour(ParityVerdict verdict) => verdict switch
    {
        ParityVerdict.Pass => "[green]PASS[/]",
        ParityVerdict.Skip => "[grey]SKIP[/]",
        ParityVerdict.Fail => "[red]FAIL[/]",
        _ => "[red]ERROR[/]",
    };
}
