using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NextStep.Research.Notebooks;

/// <summary>Reads <c>.ipynb</c> (nbformat 4), <c>.dib</c> and <c>.csx</c>.</summary>
internal static class NotebookReader
{
    private const long MaximumBytes = 64L << 20;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 64 };

    /// <summary>Reads a notebook; what kind it is the extension says.</summary>
    /// <exception cref="NotebookFileException">Absent, truncated, too large, of another language, or no notebook.</exception>
    public static NotebookDocument Read(string path)
    {
        string text = Text(path);
        return Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".ipynb" => Ipynb(path, text),
            ".dib" => Dib.Read(path, text),
            ".csx" or ".cs" => new NotebookDocument(path, [Code(1, text)], NotebookWriter.StandardMetadata()),
            _ => throw new NotebookFileException($"{path} is no notebook: known are .ipynb, .dib and .csx."),
        };
    }

    /// <summary>A code cell that has no metadata of its own.</summary>
    internal static NotebookCell Code(int number, string source) =>
        new($"cell-{number}", CellKind.Code, "csharp", source, NotebookWriter.StandardCodeMetadata());

    private static string Text(string path)
    {
        FileInfo file = new(path);
        if (!file.Exists)
        {
            throw new NotebookFileException(Directory.Exists(path) ? $"{path} is a folder, not a notebook." : $"There is no notebook {path}.");
        }
        if (file.Length > MaximumBytes)
        {
            throw new NotebookFileException($"{path} is larger than {MaximumBytes >> 20} MB.");
        }
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path)).TrimStart('\uFEFF').ReplaceLineEndings("\n");
        }
        catch (DecoderFallbackException)
        {
            throw new NotebookFileException($"{path} is not UTF-8 text.");
        }
        catch (UnauthorizedAccessException)
        {
            throw new NotebookFileException($"{path} may not be read.");
        }
    }

    private static NotebookDocument Ipynb(string path, string text)
    {
        JsonNode? root;
        try
        {
            root = JsonNode.Parse(text, documentOptions: Strict);
            Touch(root); // duplicate keys only show when an object is first looked into
        }
        catch (JsonException e)
        {
            throw new NotebookFileException($"{path} is no notebook: not JSON at line {e.LineNumber + 1} (truncated?).");
        }
        catch (ArgumentException)
        {
            throw new NotebookFileException($"{path} is no notebook: a key occurs twice in one object.");
        }
        if (root is not JsonObject notebook || notebook["cells"] is not JsonArray cells || notebook["nbformat"] is not JsonValue format)
        {
            throw new NotebookFileException($"{path} is no notebook: it has no list of cells and no nbformat.");
        }
        if (!format.TryGetValue(out int major) || major != 4)
        {
            throw new NotebookFileException($"{path} has nbformat {format.ToJsonString()}; 4 is read.");
        }
        JsonObject metadata = notebook["metadata"] as JsonObject ?? [];
        string language = Word(metadata["kernelspec"]?["language"]) ?? Word(metadata["language_info"]?["name"]) ?? "C#";
        if (language is not ("C#" or "csharp" or "polyglot-notebook"))
        {
            throw new NotebookFileException($"{path} is a notebook in {language}; only C# runs here.");
        }
        HashSet<string> ids = [];
        return new NotebookDocument(path, [.. cells.Select((cell, i) => Cell(path, i + 1, cell, ids))], Take(metadata));
    }

    private static NotebookCell Cell(string path, int number, JsonNode? node, HashSet<string> ids)
    {
        if (node is not JsonObject cell || Source(cell["source"]) is not { } source)
        {
            throw new NotebookFileException($"{path}: cell {number} has no source.");
        }
        CellKind kind = Word(cell["cell_type"]) switch
        {
            "code" => CellKind.Code,
            "markdown" => CellKind.Markdown,
            "raw" => CellKind.Raw,
            _ => throw new NotebookFileException($"{path}: cell {number} is neither code, markdown nor raw."),
        };
        string id = Word(cell["id"]) is { } given && IsId(given) && ids.Add(given) ? given : Fresh(number, ids);
        JsonObject metadata = Take(cell["metadata"] as JsonObject ?? []);
        string language = Word(metadata["polyglot_notebook"]?["kernelName"]) ?? Word(metadata["dotnet_interactive"]?["language"]) ?? "csharp";
        return new NotebookCell(id, kind, language, source, metadata)
        {
            Attachments = cell["attachments"] is JsonObject attachments ? Take(attachments) : null,
            Outputs = cell["outputs"] is JsonArray outputs ? (JsonArray)outputs.DeepClone() : [],
        };
    }

    private static string? Source(JsonNode? node) => node switch
    {
        JsonValue value when value.TryGetValue(out string? text) => text.ReplaceLineEndings("\n"),
        JsonArray lines when lines.All(l => Word(l) is not null) => string.Concat(lines.Select(Word)).ReplaceLineEndings("\n"),
        _ => null,
    };

    private static bool IsId(string id) => id.Length is > 0 and <= 64 && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    private static string Fresh(int number, HashSet<string> ids)
    {
        string id = $"cell-{number}";
        while (!ids.Add(id))
        {
            id += "-";
        }
        return id;
    }

    private static string? Word(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    private static JsonObject Take(JsonObject part) => (JsonObject)part.DeepClone();

    private static void Touch(JsonNode? node)
    {
        foreach (JsonNode? child in node switch { JsonObject o => o.Select(p => p.Value), JsonArray a => a, _ => Enumerable.Empty<JsonNode?>() })
        {
            Touch(child);
        }
    }
}
