namespace NextStep.Research.Notebooks;

/// <summary>A stretch of a cell that is handled in one way.</summary>
/// <param name="Line">Its first line in the cell, from 1.</param>
internal abstract record CellPart(int Line)
{
    /// <summary>C#; <paramref name="Text"/> is padded with empty lines so that line numbers are the cell's.</summary>
    internal sealed record CSharp(int Line, string Text) : CellPart(Line);

    /// <summary>Markup to show.</summary>
    internal sealed record Markup(int Line, string MimeType, string Text) : CellPart(Line);

    /// <summary><c>#!import</c> of a notebook or script.</summary>
    internal sealed record Import(int Line, string Path) : CellPart(Line);

    /// <summary><c>#!about</c>.</summary>
    internal sealed record About(int Line) : CellPart(Line);

    /// <summary><c>#!time</c>: says how long the rest of the cell took.</summary>
    internal sealed record Time(int Line) : CellPart(Line);

    /// <summary>One of ours: <c>#!sweep</c>, <c>#!status</c>, <c>#!report</c>.</summary>
    internal sealed record Magic(int Line, Action Run) : CellPart(Line);
}

/// <summary>A line that this runner does not understand.</summary>
internal sealed class CellSyntaxException(int line, string message) : Exception(message)
{
    public int Line { get; } = line;
}

/// <summary>Splits a cell at its magic commands.</summary>
internal static class CellParts
{
    /// <summary>Languages of other kernels, which do not run here.</summary>
    internal static readonly string[] Languages =
        ["fsharp", "f#", "pwsh", "powershell", "javascript", "js", "html", "sql", "kql", "http", "mermaid", "python", "r", "value"];

    private const string Known = "#!import, #!html, #!markdown, #!csharp, #!time, #!about, #!sweep, #!status and #!report are understood here";

    /// <summary>The parts in order; directives of Roslyn (<c>#load</c>, <c>#r</c> of a path) stay in the C#.</summary>
    /// <exception cref="CellSyntaxException">A magic command, language or package reference that cannot be honoured.</exception>
    public static IReadOnlyList<CellPart> Split(string source, string language = "csharp")
    {
        List<CellPart> parts = [];
        string mode = Language(language, 1);
        List<string> lines = [];
        int first = 1, number = 0;
        foreach (string line in source.Split('\n'))
        {
            number++;
            string trimmed = line.Trim();
            if (trimmed.StartsWith("#!", StringComparison.Ordinal) && !(number == 1 && trimmed.StartsWith("#!/", StringComparison.Ordinal)))
            {
                string[] words = trimmed[2..].Split(' ', 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
                Close();
                Magic(words.Length > 0 ? words[0] : "", words.Length > 1 ? words[1] : "");
                first = number + 1;
            }
            else
            {
                lines.Add(mode == "csharp" ? Directive(line, trimmed, number) : line);
            }
        }
        Close();
        return parts;

        void Close()
        {
            string text = string.Join('\n', lines);
            lines.Clear();
            if (string.IsNullOrWhiteSpace(text))
            {
                return;
            }
            parts.Add(mode switch
            {
                "csharp" => new CellPart.CSharp(first, new string('\n', first - 1) + text),
                "html" => new CellPart.Markup(first, "text/html", text),
                _ => new CellPart.Markup(first, "text/markdown", text),
            });
        }

        void Magic(string name, string rest)
        {
            switch (name)
            {
                case "import" when rest.Length > 0:
                    parts.Add(new CellPart.Import(number, rest.Trim('"')));
                    break;
                case "time":
                    parts.Add(new CellPart.Time(number));
                    break;
                case "about":
                    parts.Add(new CellPart.About(number));
                    break;
                case "sweep" or "status" or "report":
                    parts.Add(new CellPart.Magic(number, MagicLine.Parse(number, name, rest)));
                    break;
                default:
                    mode = Language(name, number);
                    break;
            }
        }
    }

    /// <summary>Paths that a cell imports, as written.</summary>
    public static IEnumerable<string> Imports(string source) =>
        source.Split('\n').Select(l => l.Trim()).Where(l => l.StartsWith("#!import ", StringComparison.Ordinal)).Select(l => l["#!import ".Length..].Trim().Trim('"'));

    private static string Language(string name, int line) => name switch
    {
        "csharp" or "c#" => "csharp",
        "html" => "html",
        "markdown" => "markdown",
        _ when Languages.Contains(name) => throw new CellSyntaxException(line, $"cells in {name} do not run here; only C#, html and markdown do"),
        _ => throw new CellSyntaxException(line, $"'#!{name}' is unknown; {Known}"),
    };

    private static string Directive(string line, string trimmed, int number)
    {
        if (trimmed.StartsWith("#i ", StringComparison.Ordinal))
        {
            return ""; // a package source: packages come with this program
        }
        if (!trimmed.StartsWith("#r ", StringComparison.Ordinal))
        {
            return line;
        }
        string reference = trimmed[3..].Trim().Trim('"');
        if (reference.StartsWith("nuget:", StringComparison.OrdinalIgnoreCase))
        {
            if (InstalledPackages.Problem(reference["nuget:".Length..]) is { } problem)
            {
                throw new CellSyntaxException(number, problem);
            }
            return "";
        }
        // One copy of each type: an assembly that this program has already is the one the notebook gets.
        return File.Exists(Path.Combine(AppContext.BaseDirectory, Path.GetFileName(reference.Replace('\\', '/')))) ? "" : line;
    }
}
