namespace NextStep.Research.Experiments;

/// <summary><c>note.json</c> of a cell: what a person wrote about it. No result depends on it.</summary>
/// <param name="Text">A few words; may be empty.</param>
/// <param name="Tags">Short words to find cells by.</param>
internal sealed record CellNote(string Text, IReadOnlyList<string> Tags)
{
    private const string FileName = "note.json";

    /// <summary>That of a cell; null where nobody wrote one.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static CellNote? Read(RunFolder folder, PlannedCell cell) => RunFolder.Read<CellNote>(FileOf(folder, cell));

    /// <summary>Writes it, or removes it where nothing is left of it.</summary>
    public void Write(RunFolder folder, PlannedCell cell)
    {
        string file = FileOf(folder, cell);
        if (Text.Length == 0 && Tags.Count == 0)
        {
            File.Delete(file);
        }
        else
        {
            RunFolder.Write(file, this);
        }
    }

    /// <summary>For people: <c>[good, to-do] looks washed out</c>.</summary>
    public override string ToString() => $"{(Tags.Count > 0 ? $"[{string.Join(", ", Tags)}] " : "")}{Text}".TrimEnd();

    private static string FileOf(RunFolder folder, PlannedCell cell) => Path.Combine((folder ?? throw new ArgumentNullException(nameof(folder))).Cell(cell), FileName);
}
