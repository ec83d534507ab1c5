using System.IO.Hashing;
using System.Text;

namespace NextStep.Research.Notebooks;

/// <summary>Tells whether a notebook's outputs belong to its code.</summary>
internal static class SourceHash
{
    /// <summary>Stable over the code cells, their tags and the files that they import; prose does not count.</summary>
    public static string Of(NotebookDocument notebook)
    {
        XxHash64 hash = new();
        foreach (NotebookCell cell in notebook.Cells.Where(c => c.Kind == CellKind.Code))
        {
            Add(hash, $"{cell.Language}\0{cell.HasTag("raises-exception")}{cell.HasTag("skip-ci")}\0{cell.Source.TrimEnd()}\0");
            foreach (string import in CellParts.Imports(cell.Source))
            {
                string file = Path.Combine(notebook.Folder, import);
                Add(hash, File.Exists(file) ? File.ReadAllText(file).ReplaceLineEndings("\n") : "absent");
            }
        }
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    private static void Add(XxHash64 hash, string text) => hash.Append(Encoding.UTF8.GetBytes(text));
}
