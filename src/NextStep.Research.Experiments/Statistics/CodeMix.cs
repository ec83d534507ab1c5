using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>Whether numbers that are to be compared were computed by one and the same code, stage by stage.</summary>
internal static class CodeMix
{
    private const string Unknown = "code that was not noted";

    /// <summary>What is mixed and what follows, in two sentences; null where each kind of stage was run by one code in all cells.</summary>
    public static string? Of(IEnumerable<CellResult> results) => Found(results) is not { } found ? null
        : $"{found} A difference between them may be one of the code, so none is called significant: run the sweep into another folder, or give --mix-code where the change cannot matter.";

    /// <summary>What is mixed, in a sentence; null where nothing is.</summary>
    public static string? Found(IEnumerable<CellResult> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        string[] mixed = [.. results.SelectMany(r => r.Code).GroupBy(c => c.Key, c => c.Value).Where(g => g.Distinct().Count() > 1).Select(Describe)];
        return mixed.Length == 0 ? null : $"The cells were computed by different code: {string.Join("; ", mixed)}.";
    }

    private static string Describe(IGrouping<string, string> kind) => $"{kind.Key} by {string.Join(" and ", kind.GroupBy(c => c)
        .Select(g => string.Create(CultureInfo.InvariantCulture, $"{(g.Key.Length > 0 ? g.Key : Unknown)} ({g.Count()} cells)")))}";
}
