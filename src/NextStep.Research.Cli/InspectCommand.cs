using System.CommandLine;
using System.Text.Json;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep inspect</c>: what a checkpoint holds, without reading its values.</summary>
internal static class InspectCommand
{
    private static readonly Argument<string> Path = new("path") { Description = "A .safetensors, .pt, .gguf or index file, or a folder with such files; or a PNG file." };
    private static readonly Option<bool> Json = new("--json") { Description = "Print JSON instead of tables." };
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static Command Create()
    {
        Command command = new("inspect", """
            Lists the tensors of a checkpoint: names, shapes, dtypes, parameter counts, metadata. Nothing is executed and no value is read.
            Of a PNG file it prints what the file says of itself; one that "generate" or "edit" drew says its model, prompts, seed and settings.

            Examples:
              nextstep inspect runs/quickstart/cells/3f2a/checkpoint
              nextstep inspect NextStep-1.1/vae/checkpoint.pt --json
              nextstep inspect out.png
            """);
        command.Arguments.Add(Path);
        command.Options.Add(Json);
        command.SetAction(parse =>
        {
            if (System.IO.Path.GetExtension(parse.GetRequiredValue(Path)).Equals(".png", StringComparison.OrdinalIgnoreCase))
            {
                Texts(parse.GetRequiredValue(Path), parse.GetValue(Json), parse.InvocationConfiguration.Output);
                return 0;
            }
            var parts = CheckpointFiles.Find(parse.GetRequiredValue(Path)).Select(Describe).ToArray();
            if (parse.GetValue(Json))
            {
                // Not through the console, which wraps lines.
                parse.InvocationConfiguration.Output.WriteLine(JsonSerializer.Serialize(parts, Indented));
                return 0;
            }
            foreach (var part in parts)
            {
                Show(part);
            }
            return 0;
        });
        return command;
    }

    // Line by line and as they stand; a record of a drawing is JSON already.
    private static void Texts(string file, bool json, TextWriter output)
    {
        IReadOnlyDictionary<string, string> texts = PngTexts.Read(file);
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(texts.ToDictionary(t => t.Key, t => t.Key == DrawingRecord.Keyword ? (object)DrawingRecord.Read(file).ToJson() : t.Value), Indented));
            return;
        }
        output.WriteLine(texts.Count == 0 ? $"{file} says nothing of itself." : $"{file}:");
        foreach ((string keyword, string text) in texts)
        {
            output.WriteLine($"{keyword}: {(keyword == DrawingRecord.Keyword ? DrawingRecord.Read(file).ToJson().ToJsonString(Indented) : text)}");
        }
    }

    private static Part Describe(string file)
    {
        using var source = TensorSource.OpenAny(file);
        var scheme = QuantizedWeights.SchemeOf(source);
        var tensors = source.Entries.Values.Select(entry => scheme is null ? entry : QuantizedWeights.Matrix(entry, scheme)).OrderBy(entry => entry.Name, StringComparer.Ordinal)
            .Select(entry => new Row(entry.Name, entry.StoredType, entry.Shape, entry.Count, entry.ByteLength)).ToArray();
        var groups = tensors.GroupBy(tensor => tensor.Name.Split('.')[0]).Select(group => new Group(group.Key, group.Count(), group.Sum(tensor => tensor.Count), group.Sum(tensor => tensor.Bytes))).ToArray();
        return new Part(file, tensors.Length, tensors.Sum(tensor => tensor.Count), tensors.Sum(tensor => tensor.Bytes), groups, source.Metadata, source.Others, tensors);
    }

    private static void Show(Part part)
    {
        AnsiConsole.MarkupLineInterpolated($"[bold]{part.Path}[/]");
        var tensors = new Table().Border(TableBorder.Simple).AddColumns("tensor", "dtype", "shape").AddColumn(new TableColumn("values").RightAligned());
        foreach (var row in part.Tensors)
        {
            tensors.AddRow(Markup.Escape(row.Name), row.Dtype, Markup.Escape($"[{string.Join(", ", row.Shape)}]"), Number(row.Count));
        }
        AnsiConsole.Write(tensors);
        var groups = new Table().Border(TableBorder.Simple).AddColumn("prefix")
            .AddColumn(new TableColumn("tensors").RightAligned()).AddColumn(new TableColumn("values").RightAligned()).AddColumn(new TableColumn("MB").RightAligned());
        foreach (var group in part.Prefixes)
        {
            groups.AddRow(Markup.Escape(group.Prefix), Number(group.Tensors), Number(group.Count), Megabytes(group.Bytes));
        }
        groups.AddRow("total", Number(part.TensorCount), Number(part.Count), Megabytes(part.Bytes));
        AnsiConsole.Write(groups);
        foreach (var other in part.Others)
        {
            AnsiConsole.MarkupLineInterpolated($"[grey]not a tensor, not read:[/] {other}");
        }
        foreach (var (key, value) in part.Metadata)
        {
            AnsiConsole.MarkupLineInterpolated($"[grey]{key}:[/] {(value.Length > 200 ? value[..200] + "…" : value)}");
        }
        AnsiConsole.WriteLine();
    }

    private static string Number(long value) => FormattableString.Invariant($"{value:n0}");

    private static string Megabytes(long bytes) => FormattableString.Invariant($"{bytes / 1e6:n1}");

    private sealed record Row(string Name, string Dtype, IReadOnlyList<long> Shape, long Count, long Bytes);

    private sealed record Group(string Prefix, int Tensors, long Count, long Bytes);

    private sealed record Part(string Path, int TensorCount, long Count, long Bytes, Group[] Prefixes, IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<string> Others, Row[] Tensors);
}
