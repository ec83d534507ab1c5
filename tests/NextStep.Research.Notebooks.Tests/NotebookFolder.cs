using System.Text.Json.Nodes;
using NextStep.Research.Cli;

namespace NextStep.Research.Notebooks.Tests;

/// <summary>A folder for notebooks that a test makes and runs.</summary>
internal sealed class NotebookFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("nextstep-notebooks-").FullName;

    /// <summary>The repository that the tests were built from.</summary>
    public static string Repository { get; } = Up(AppContext.BaseDirectory);

    public static NotebookRunOptions Options { get; } = new() { Host = NotebookCommand.Host() };

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public string Write(string name, string text)
    {
        System.IO.File.WriteAllText(File(name), text);
        return File(name);
    }

    /// <summary>An <c>.ipynb</c> of code cells; a leading <c>@tag</c> line becomes the cell's tag.</summary>
    public string WriteNotebook(string name, params string[] cells) => Write(name, new JsonObject
    {
        ["cells"] = new JsonArray([.. cells.Select((source, i) => (JsonNode)Cell(source, i))]),
        ["metadata"] = new JsonObject { ["kernelspec"] = new JsonObject { ["display_name"] = ".NET (C#)", ["language"] = "C#", ["name"] = ".net-csharp" } },
        ["nbformat"] = 4,
        ["nbformat_minor"] = 5,
    }.ToJsonString());

    /// <summary>Runs a notebook; the executed one comes back parsed.</summary>
    public (NotebookOutcome Outcome, JsonArray Cells) Run(string file, NotebookRunOptions? options = null)
    {
        string output = File("executed.ipynb");
        NotebookOutcome outcome = NotebookRunner.Run(file, output, options ?? Options, TestContext.Current.CancellationToken);
        return (outcome, JsonNode.Parse(System.IO.File.ReadAllText(output))!["cells"]!.AsArray());
    }

    /// <summary>All that one cell put out: streams, data and errors, as text.</summary>
    public static string Output(JsonNode? cell) => string.Join('\n', cell!["outputs"]!.AsArray().Select(o => string.Join('\n',
        new[] { o!["text"] }.Concat(o["traceback"] as JsonArray ?? []).Concat((o["data"] as JsonObject ?? []).Select(d => d.Value)).Where(v => v is not null).Select(Text))));

    public static string Text(JsonNode? node) => node is JsonArray lines ? string.Concat(lines.Select(l => l!.GetValue<string>())) : node!.GetValue<string>();

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static JsonObject Cell(string source, int number)
    {
        JsonObject metadata = NotebookWriter.StandardCodeMetadata();
        if (source.StartsWith('@'))
        {
            metadata["tags"] = new JsonArray(source[1..source.IndexOf('\n', StringComparison.Ordinal)]);
            source = source[(source.IndexOf('\n', StringComparison.Ordinal) + 1)..];
        }
        return new JsonObject { ["cell_type"] = "code", ["execution_count"] = null, ["id"] = $"c{number}", ["metadata"] = metadata, ["outputs"] = new JsonArray(), ["source"] = source };
    }

    private static string Up(string folder) =>
        System.IO.File.Exists(System.IO.Path.Combine(folder, "NextStep.Research.sln")) ? folder : Up(System.IO.Path.GetDirectoryName(folder.TrimEnd('/', '\\'))!);
}
