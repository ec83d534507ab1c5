namespace NextStep.Research;

/// <summary>Lists of faults for error messages.</summary>
internal static class Problems
{
    private const int Shown = 20;

    /// <summary>"3 tensors are missing: a, b, c", cut after twenty with a count of the rest.</summary>
    public static string List(IReadOnlyCollection<string> items, string one, string many) =>
        $"{items.Count} {(items.Count == 1 ? one : many)}: {string.Join(", ", items.Take(Shown))}{(items.Count > Shown ? $", … and {items.Count - Shown} more" : "")}";
}
