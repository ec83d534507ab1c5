using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>An arm as claims address it.</summary>
internal sealed record ArmPoint(string Name, IReadOnlyDictionary<string, string> Coordinates)
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

    /// <summary>The values on an axis in its order: of numbers ascending, otherwise as in the file.</summary>
    public static IReadOnlyList<string> Values(IReadOnlyList<ArmPoint> points, string axis)
    {
        string[] values = [.. points.Select(p => p.Coordinates[axis]).Distinct()];
        return values.All(v => ClaimParser.TryNumber(v, out _)) ? [.. values.OrderBy(v => double.Parse(v, CultureInfo.InvariantCulture))] : values;
    }

    /// <summary>Where the points lie on an axis: their values, or their places in the file where those are not all numbers.</summary>
    public static IReadOnlyList<double> Positions(IReadOnlyList<ArmPoint> points, string axis)
    {
        string[] order = [.. Values(points, axis)];
        return order.All(o => ClaimParser.TryNumber(o, out _))
            ? [.. points.Select(p => double.Parse(p.Coordinates[axis], CultureInfo.InvariantCulture))]
            : [.. points.Select(p => (double)Array.IndexOf(order, p.Coordinates[axis]))];
    }

    // noiseStrength=0.5,width=32 finds the point of the grid with these values on all axes, the baseline's included.
    private static bool MatchesAssignments(ArmPoint point, string arm)
    {
        string[] parts = arm.Split(',', StringSplitOptions.TrimEntries);
        return parts.Length == point.Coordinates.Count && parts.All(part =>
            part.Split('=', 2) is [string axis, string value]
            && FindAxis([.. point.Coordinates.Keys], axis.Trim()) is { } path && SameValue(point.Coordinates[path], value.Trim()));
    }

    private static bool SameValue(string a, string b) =>
        a == b || (ClaimParser.TryNumber(a, out double x) && ClaimParser.TryNumber(b, out double y) && x == y);
}
