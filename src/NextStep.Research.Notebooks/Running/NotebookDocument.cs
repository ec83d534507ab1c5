using System.Text.Json.Nodes;

namespace NextStep.Research.Notebooks;

/// <summary>What a cell holds.</summary>
internal enum CellKind
{
    /// <summary>Code that runs.</summary>
    Code,

    /// <summary>Prose.</summary>
    Markdown,

    /// <summary>Text that is neither.</summary>
    Raw,
}

/// <summary>One cell as it was read.</summary>
/// <param name="Id">Unique in the notebook: letters, digits, '-' and '_', at most 64.</param>
/// <param name="Kind">Code, prose or neither.</param>
/// <param name="Language">Kernel of a code cell; <c>csharp</c> runs.</param>
/// <param name="Source">Text with line feeds only.</param>
/// <param name="Metadata">The cell's metadata, as read.</param>
internal sealed record NotebookCell(string Id, CellKind Kind, string Language, string Source, JsonObject Metadata)
{
    /// <summary>Pictures of a prose cell that its text refers to.</summary>
    public JsonObject? Attachments { get; init; }

    /// <summary>Outputs that the file held; empty for prose.</summary>
    public JsonArray Outputs { get; init; } = [];

    /// <summary>Whether <c>metadata.tags</c> has the tag.</summary>
    public bool HasTag(string tag) => Metadata["tags"] is JsonArray tags && tags.Any(t => t is JsonValue v && v.TryGetValue(out string? text) && text == tag);
}

/// <summary>A notebook as it was read.</summary>
/// <param name="Path">The file.</param>
/// <param name="Cells">In order.</param>
/// <param name="Metadata">The notebook's metadata, as read.</param>
internal sealed record NotebookDocument(string Path, IReadOnlyList<NotebookCell> Cells, JsonObject Metadata)
{
    /// <summary>File name, for messages.</summary>
    public string Name => System.IO.Path.GetFileName(Path);

    /// <summary>The folder that relative paths in cells start from, as in every host.</summary>
    public string Folder => System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;
}

/// <summary>A notebook file that cannot be used; the message names the file and what is wrong.</summary>
internal sealed class NotebookFileException(string message) : Exception(message);
