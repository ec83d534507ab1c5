using System.Text.RegularExpressions;

namespace NextStep.Research.Experiments;

/// <summary>An arm as claims address it.</summary>
internal sealed partial record ArmPoint(string Name, IReadOnlyDictionary<string, string> Coordinates)
{
    public static ArmPoint From(Arm arm) => new(arm.Name, arm.Coordinates);

    public static ArmPoint From(PlannedArm arm) => new(arm.Name, arm.Coordinates);

    /// <summary>By name, or by its only coordinate: <c>[0.5]</c>.</summary>
    public static ArmPoint? Find(IReadOnlyList<ArmPoint> points, string arm) =>
        points.FirstOrDefault(p => p.Name == arm)
        ?? points.FirstOrDefault(p => p.Coordinates.Count == 1 && SameValue(p.Coordinates.Values.First(), arm))
        ?? points.FirstOrDefault(p => p.Coordinates.Count > 0 && MatchesAssignments(p, arm));

    /// <summary>An axis by its path or the end of it; null stands for the only one.</summary>
    public static string? FindAxis(IReadOnlyList<string> axes, string? name) => name is null
        ? axes.Count == 1 ? axes[0] : null
        : axes.FirstOrDefault(a => a == name) ?? axes.FirstOrDefault(a => a.EndsWith("." + name, StringComparison.Ordinal));

    // noiseStrength=0.5,width=32 finds the point of the grid with these values on all axes, the baseline's included.
    private static bool MatchesAssignments(ArmPoint point, string arm)
    {
        string[] parts = [.. TopLevelComma().Split(arm).Select(p => p.Trim())];
        return parts.Length == point.Coordinates.Count && parts.All(part =>
            part.Split('=', 2) is [string axis, string value]
            && FindAxis([.. point.Coordinates.Keys], axis.Trim()) is { } path && SameValue(point.Coordinates[path], value.Trim()));
    }

    // Not those inside of lists.
    [GeneratedRegex(@",(?![^\[]*\])", RegexOptions.CultureInvariant)]
    private static partial Regex TopLevelComma();

    private static bool SameValue(string a, string b) =>
        a.Replace(" ", "", StringComparison.Ordinal) == b.Replace(" ", "", StringComparison.Ordinal) || (ClaimParser.TryNumber(a, out double x) && ClaimParser.TryNumber(b, out double y) && x == y);
}
