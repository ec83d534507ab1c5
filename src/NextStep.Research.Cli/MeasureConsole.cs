using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using NextStep.Research.Experiments;
using Spectre.Console;
using TorchSharp;

namespace NextStep.Research.Cli;

/// <summary>Which detectors measure, and what was found.</summary>
internal static class MeasureConsole
{
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The configured detectors, or the kit's; with those of this call's <c>--uses</c>.</summary>
    public static IReadOnlyList<DetectorConfig> Detectors(IReadOnlyList<DetectorConfig>? configured, ParseResult parse)
    {
        IReadOnlyList<DetectorConfig> there = configured ?? ArtifactSuite.Kit;
        string[] used = [.. (parse.GetValue(Program.Uses) ?? []).Select(file => UsedComponents.Use(file).Hash)];
        return [.. there, .. ComponentCatalog.Of(typeof(DetectorConfig))
            .Where(t => ComponentCatalog.SourceOf(t) is { } source && used.Contains(source.Hash) && there.All(d => d.GetType() != t)).Select(t => (DetectorConfig)Activator.CreateInstance(t)!)];
    }

    /// <summary>Everything that was found as one JSON document.</summary>
    public static void WriteJson(Measurements all) => Console.Out.WriteLine(JsonSerializer.Serialize(
        new { metrics = all.Numbers, identities = all.Identities, curves = all.Curves, gaps = all.Gaps }, Json));

    /// <summary>Numbers with what they depend on; then what could not be measured.</summary>
    public static void WriteTable(Measurements all)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumn("metric").AddColumn(new TableColumn("value").RightAligned()).AddColumn("depends on");
        foreach ((string name, double value) in all.Numbers)
        {
            table.AddRow(new Text(name), new Text(Number(value)), new Text(all.Identities.GetValueOrDefault(name) ?? ""));
        }
        AnsiConsole.Write(table);
        foreach (string gap in all.Gaps)
        {
            AnsiConsole.WriteLine(gap);
        }
    }

    public static string Number(double value) => double.IsFinite(value) ? value.ToString("0.####", CultureInfo.InvariantCulture) : "–";

    /// <summary>Heat maps as <c>NAME.png</c> sheets in a folder.</summary>
    public static void SaveMaps(Measurements all, string folder)
    {
        Directory.CreateDirectory(folder);
        foreach ((string name, torch.Tensor maps) in all.Maps)
        {
            int columns = (int)Math.Ceiling(Math.Sqrt(maps.size(0)));
            using torch.Tensor sheet = ImageGrid.Make(maps, columns, background: -1, enlarge: (int)Math.Max(1, 96 / maps.size(2)));
            ImageFile.Save(Path.Combine(folder, name + ".png"), sheet);
        }
    }
}
