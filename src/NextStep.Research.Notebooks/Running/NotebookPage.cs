using System.Text.Json.Nodes;
using Markdig;
using NextStep.Research.Reports;

namespace NextStep.Research.Notebooks;

/// <summary>An executed notebook as one HTML page that needs no network.</summary>
internal static class NotebookPage
{
    private static readonly MarkdownPipeline Markdown = new MarkdownPipelineBuilder().UsePipeTables().UseEmphasisExtras().UseAutoLinks().Build();

    // Best first: of one output a page shows one rendering.
    private static readonly string[] Renderings = ["text/html", "image/svg+xml", "image/png", "image/jpeg", "text/markdown", "application/json", "text/plain"];

    /// <summary>Writes the page, whole or not at all.</summary>
    public static void Write(NotebookDocument notebook, string output)
    {
        string title = notebook.Cells.Where(c => c.Kind == CellKind.Markdown).SelectMany(c => c.Source.Split('\n'))
            .FirstOrDefault(l => l.StartsWith("# ", StringComparison.Ordinal))?[2..] ?? notebook.Name;
        AtomicFile.WriteText(output, Html.Of($"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{title}</title>
            <style>
            {new Html(Style)}
            </style>
            </head>
            <body>
            {notebook.Cells.Select(Cell)}</body>
            </html>

            """).Markup);
    }

    private static Html Cell(NotebookCell cell) => cell.Kind switch
    {
        CellKind.Markdown => Html.Of($"<section>\n{new Html(Markdig.Markdown.ToHtml(cell.Source, Markdown))}</section>\n"),
        CellKind.Raw => Html.Of($"<pre>{cell.Source}</pre>\n"),
        _ => Html.Of($"<pre class=\"code\"><code>{cell.Source}</code></pre>\n{cell.Outputs.OfType<JsonObject>().Select(Output)}"),
    };

    private static Html Output(JsonObject output) => output["output_type"]?.GetValue<string>() switch
    {
        "stream" => Html.Of($"<pre class=\"{output["name"]?.GetValue<string>()}\">{Text(output["text"])}</pre>\n"),
        "error" => Html.Of($"<pre class=\"stderr\">{string.Join('\n', output["traceback"]!.AsArray().Select(t => t!.GetValue<string>()))}</pre>\n"),
        _ => Html.Of($"<div class=\"output\">{Data(output["data"] as JsonObject ?? [], output["metadata"] as JsonObject ?? [])}</div>\n"),
    };

    private static Html Data(JsonObject data, JsonObject metadata)
    {
        string? best = Renderings.FirstOrDefault(data.ContainsKey);
        return best switch
        {
            null => Html.Empty,
            "text/html" or "image/svg+xml" => new Html(Text(data[best])),
            "image/png" or "image/jpeg" => Html.Of($"<img alt=\"output\"{Width(metadata[best] as JsonObject)} src=\"data:{best};base64,{Text(data[best]).Trim()}\">"),
            "text/markdown" => new Html(Markdig.Markdown.ToHtml(Text(data[best]), Markdown)),
            "application/json" => Html.Of($"<pre>{data[best]!.ToJsonString()}</pre>"),
            _ => Html.Of($"<pre>{Text(data[best])}</pre>"),
        };
    }

    private static Html Width(JsonObject? picture) => picture?["width"] is JsonValue width && width.TryGetValue(out int pixels) ? Html.Of($" width=\"{pixels}\"") : Html.Empty;

    private static string Text(JsonNode? node) => node switch
    {
        JsonArray lines => string.Concat(lines.Select(l => l!.GetValue<string>())),
        JsonValue value => value.GetValue<string>(),
        _ => "",
    };

    private const string Style = """
        :root { color-scheme: light; }
        body { max-width: 56rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.55 system-ui, sans-serif; color: #1b1f24; background: #fff; }
        pre { overflow-x: auto; padding: .7rem .9rem; border-radius: 6px; font: 13px/1.5 ui-monospace, monospace; background: #f6f8fa; }
        pre.code { border-left: 3px solid #3b82c4; }
        pre.stderr { background: #fdecea; }
        .output { margin: .6rem 0; overflow-x: auto; }
        img, svg { max-width: 100%; height: auto; }
        table { border-collapse: collapse; font-size: 14px; }
        th, td { padding: .25rem .7rem; border-bottom: 1px solid #d8dee4; }
        blockquote { margin-left: 0; padding-left: 1rem; border-left: 3px solid #d8dee4; color: #57606a; }
        """;
}
