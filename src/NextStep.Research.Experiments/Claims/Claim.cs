using System.Globalization;
using System.Text.Json.Serialization;

namespace NextStep.Research.Experiments;

/// <summary>
/// A sentence about the results and the test that decides it: comparisons joined by <c>and</c>, of numbers,
/// <c>metric[arm]</c>, <c>trend(metric)</c> or <c>trend(metric, axis)</c>, with + − * / and parentheses.
/// </summary>
/// <param name="Say">The sentence.</param>
/// <param name="Test">The test as written.</param>
public sealed record Claim(string Say, string Test)
{
    /// <summary>Where it stands.</summary>
    [JsonIgnore]
    public string File { get; init; } = "";

    /// <summary>The line there.</summary>
    [JsonIgnore]
    public int Line { get; init; }

    /// <summary>Checks the grammar.</summary>
    /// <exception cref="FormatException">One sentence with the column.</exception>
    public static Claim Parse(string say, string test)
    {
        _ = ClaimParser.Parse(test);
        return new Claim(say, test);
    }

    /// <summary>What is wrong with the arms or axes it names.</summary>
    internal IEnumerable<string> Check(IReadOnlyList<Arm> arms, IReadOnlyList<string> axes)
    {
        ArmPoint[] points = [.. arms.Select(ArmPoint.From)];
        return ClaimParser.Parse(Test).SelectMany(c => c.Left.Terms().Concat(c.Right.Terms())).Select(term => term switch
        {
            ClaimTerm.Metric m when ArmPoint.Find(points, m.Arm) is null => $"'{Test}' names the arm '{m.Arm}'; arms: {string.Join(", ", arms.Take(24).Select(a => a.Name))}",
            ClaimTerm.Trend t when ArmPoint.FindAxis(axes, t.Axis) is null => t.Axis is null
                ? $"'{Test}': trend needs exactly one axis, or its name: trend({t.Name}, axis)"
                : $"'{Test}' names the axis '{t.Axis}'; axes: {string.Join(", ", axes)}",
            _ => null,
        }).OfType<string>();
    }
}

/// <summary>An arm as claims address it.</summary>
internal sealed record ArmPoint(string Name, IReadOnlyDictionary<string, string> Coordinates)
{
    public static ArmPoint From(Arm arm) => new(arm.Name, arm.Coordinates);

    /// <summary>By name, or by its only coordinate: <c>[0.5]</c>.</summary>
    public static ArmPoint? Find(IReadOnlyList<ArmPoint> points, string arm) =>
        points.FirstOrDefault(p => p.Name == arm)
        ?? points.FirstOrDefault(p => p.Coordinates.Count == 1 && SameValue(p.Coordinates.Values.First(), arm))
        ?? points.FirstOrDefault(p => p.Coordinates.Count > 0 && MatchesAssignments(p, arm));

    /// <summary>An axis by its path or the end of it; null stands for the only one.</summary>
    public static string? FindAxis(IReadOnlyList<string> axes, string? name) => name is null
        ? axes.Count == 1 ? axes[0] : null
        : axes.FirstOrDefault(a => a == name) ?? axes.FirstOrDefault(a => a.EndsWith("." + name, StringComparison.Ordinal));

    /// <summary>Where the points lie on an axis: their values, or their places in the file where those are not all numbers.</summary>
    public static IReadOnlyList<double> Positions(IReadOnlyList<ArmPoint> points, string axis)
    {
        List<string> order = [.. points.Select(p => p.Coordinates[axis]).Distinct()];
        return order.All(o => ClaimParser.TryNumber(o, out _))
            ? [.. points.Select(p => double.Parse(p.Coordinates[axis], CultureInfo.InvariantCulture))]
            : [.. points.Select(p => (double)order.IndexOf(p.Coordinates[axis]))];
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
