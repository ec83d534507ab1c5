namespace NextStep.Research;

/// <summary>Files that a source did not use for one reason.</summary>
/// <param name="Reason">In words.</param>
/// <param name="Names">All of them, by name.</param>
internal sealed record UnusedFiles(string Reason, IReadOnlyList<string> Names);

/// <summary>What a source holds and what it did not use.</summary>
/// <param name="Source">The source's name.</param>
/// <param name="Count">Pictures of the split.</param>
/// <param name="Unused">By reason, the most frequent first.</param>
/// <param name="Notes">What else a person should know, for instance that <c>data.images</c> cut the set.</param>
internal sealed record SourceReport(string Source, int Count, IReadOnlyList<UnusedFiles> Unused, IReadOnlyList<string> Notes)
{
    /// <summary>Names shown for each reason where not all are.</summary>
    public const int Shown = 12;

    /// <summary>Of an open source.</summary>
    public static SourceReport Of(IImageSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new SourceReport(source.Name, source.Count, Group(source.Unreadable), source.Notes);
    }

    /// <summary>By reason, the most frequent first.</summary>
    public static IReadOnlyList<UnusedFiles> Group(IEnumerable<UnreadablePicture> unused) =>
        [.. unused.GroupBy(u => u.Reason).OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal).Select(g => new UnusedFiles(g.Key, [.. g.Select(u => u.File)]))];

    /// <summary>A line for each reason, with its first names, and one for each note.</summary>
    /// <param name="most">Names of each reason.</param>
    public IReadOnlyList<string> Lines(int most = Shown) => [.. Unused.Select(u => Line(u, most)), .. Notes.Select(n => $"{Source}: {n}")];

    /// <summary>One reason in a line.</summary>
    public static string Line(UnusedFiles unused, int most = Shown)
    {
        ArgumentNullException.ThrowIfNull(unused);
        int more = unused.Names.Count - most;
        return FormattableString.Invariant($"{unused.Names.Count} not used: {unused.Reason}: {string.Join(", ", unused.Names.Take(most))}{(more > 0 ? FormattableString.Invariant($" and {more} more") : "")}");
    }
}
