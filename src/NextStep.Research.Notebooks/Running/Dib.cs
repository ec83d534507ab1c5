namespace NextStep.Research.Notebooks;

/// <summary>Reads <c>.dib</c>: sections of one language each, a line <c>#!language</c> before each of them.</summary>
internal static class Dib
{
    private static readonly string[] Code = ["csharp", "c#"];

    public static NotebookDocument Read(string path, string text)
    {
        List<NotebookCell> cells = [];
        string language = "csharp";
        List<string> lines = [];
        foreach (string line in text.Split('\n'))
        {
            if (Section(line) is { } next)
            {
                Close();
                language = next;
            }
            else
            {
                lines.Add(line);
            }
        }
        Close();
        return new NotebookDocument(path, cells, NotebookWriter.StandardMetadata());

        void Close()
        {
            string source = string.Join('\n', lines).Trim('\n');
            lines.Clear();
            if (source.Length > 0 && language != "meta")
            {
                NotebookCell cell = NotebookReader.Code(cells.Count + 1, source);
                cells.Add(language == "markdown"
                    ? cell with { Kind = CellKind.Markdown, Metadata = [] }
                    : cell with { Language = Code.Contains(language) ? "csharp" : language });
            }
        }
    }

    // Other magics (#!time, #!import) belong to the section they stand in.
    private static string? Section(string line) =>
        line.TrimEnd() is ['#', '!', .. var name] && (Code.Contains(name) || name is "meta" or "markdown" || CellParts.Languages.Contains(name)) ? name : null;
}
