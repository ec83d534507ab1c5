using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace NextStep.Research.Notebooks;

/// <summary>Writes nbformat 4.5, in Jupyter's own layout (indent 1, keys sorted as it sorts them): the same bytes for the same content.</summary>
internal static partial class NotebookWriter
{
    private static readonly JsonWriterOptions Layout = new() { Indented = true, IndentSize = 1, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Metadata of a C# notebook that Jupyter, VS Code and GitHub understand.</summary>
    public static JsonObject StandardMetadata() => new()
    {
        ["kernelspec"] = new JsonObject { ["display_name"] = ".NET (C#)", ["language"] = "C#", ["name"] = ".net-csharp" },
        ["language_info"] = new JsonObject
        {
            ["file_extension"] = ".cs",
            ["mimetype"] = "text/x-csharp",
            ["name"] = "C#",
            ["pygments_lexer"] = "csharp",
            ["version"] = "14.0",
        },
        ["polyglot_notebook"] = new JsonObject
        {
            ["kernelInfo"] = new JsonObject { ["defaultKernelName"] = "csharp", ["items"] = new JsonArray(new JsonObject { ["aliases"] = new JsonArray(), ["name"] = "csharp" }) },
        },
    };

    /// <summary>Metadata of a C# code cell.</summary>
    public static JsonObject StandardCodeMetadata() => new()
    {
        ["dotnet_interactive"] = new JsonObject { ["language"] = "csharp" },
        ["polyglot_notebook"] = new JsonObject { ["kernelName"] = "csharp" },
    };

    /// <summary>Writes <paramref name="notebook"/> with what its cells put out.</summary>
    /// <param name="notebook">Cells and metadata.</param>
    /// <param name="outputs">One per cell; null where a cell did not run.</param>
    /// <param name="tensorsLeft">Tensors that its variables held at the end.</param>
    /// <param name="path">The file, written whole or not at all.</param>
    public static void Write(NotebookDocument notebook, IReadOnlyList<JsonArray?> outputs, int? tensorsLeft, string path)
    {
        JsonArray cells = [];
        int executed = 0;
        for (int i = 0; i < notebook.Cells.Count; i++)
        {
            NotebookCell cell = notebook.Cells[i];
            JsonObject node = [];
            if (cell.Attachments is { } attachments)
            {
                node["attachments"] = attachments.DeepClone();
            }
            node["cell_type"] = cell.Kind switch { CellKind.Code => "code", CellKind.Markdown => "markdown", _ => "raw" };
            if (cell.Kind == CellKind.Code)
            {
                node["execution_count"] = outputs[i] is null ? null : ++executed;
            }
            node["id"] = cell.Id;
            node["metadata"] = cell.Metadata.DeepClone();
            if (cell.Kind == CellKind.Code)
            {
                node["outputs"] = Numbered(outputs[i] ?? [], executed);
            }
            node["source"] = Lines(cell.Source);
            cells.Add(node);
        }
        JsonObject metadata = (JsonObject)notebook.Metadata.DeepClone();
        metadata["nextstep"] = new JsonObject { ["source"] = SourceHash.Of(notebook), ["tensorsLeft"] = tensorsLeft };
        JsonObject root = new() { ["cells"] = cells, ["metadata"] = metadata, ["nbformat"] = 4, ["nbformat_minor"] = 5 };
        AtomicFile.Write(path, stream =>
        {
            using MemoryStream json = new();
            using (Utf8JsonWriter writer = new(json, Layout))
            {
                root.WriteTo(writer);
            }
            stream.Write(Encoding.UTF8.GetBytes(Readable(Encoding.UTF8.GetString(json.GetBuffer(), 0, (int)json.Length)) + "\n"));
        });
    }

    // Every encoder of .NET escapes what needs two UTF-16 units, emoji among them; Jupyter writes them as they are.
    private static string Readable(string json) =>
        SurrogatePair().Replace(json, m => $"{(char)Convert.ToUInt16(m.Groups[1].Value, 16)}{(char)Convert.ToUInt16(m.Groups[2].Value, 16)}");

    // A backslash that is itself escaped begins nothing.
    [GeneratedRegex(@"(?<=(?<!\\)(?:\\\\)*)\\u(D[89AB][0-9A-F]{2})\\u(D[C-F][0-9A-F]{2})", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex SurrogatePair();

    /// <summary>Text as nbformat keeps it: a list of lines, each with its line feed.</summary>
    public static JsonArray Lines(string text)
    {
        JsonArray lines = [];
        for (int start = 0; start < text.Length;)
        {
            int end = text.IndexOf('\n', start);
            end = end < 0 ? text.Length : end + 1;
            lines.Add(text[start..end]);
            start = end;
        }
        return lines;
    }

    private static JsonArray Numbered(JsonArray outputs, int count)
    {
        JsonArray numbered = (JsonArray)outputs.DeepClone();
        foreach (JsonNode? output in numbered)
        {
            if (output is JsonObject { } o && o["output_type"]?.GetValue<string>() == "execute_result")
            {
                o["execution_count"] = count;
            }
        }
        return numbered;
    }
}
