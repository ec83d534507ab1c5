namespace NextStep.Research.Experiments;

/// <summary>The numbers that the terms of one comparison have for one seed.</summary>
/// <param name="points">The arms.</param>
/// <param name="axes">Config paths.</param>
/// <param name="byArm">The seed's results.</param>
/// <param name="kinds">By metric what its numbers must agree in over the seeds; filled on the way.</param>
internal sealed class ClaimNumbers(
    IReadOnlyList<ArmPoint> points, IReadOnlyList<string> axes, IReadOnlyDictionary<string, CellResult> byArm, Dictionary<string, string> kinds)
{
    private readonly Dictionary<string, string> _identities = [];

    /// <summary>What has no number, and metrics whose numbers cannot be compared.</summary>
    public HashSet<string> Missing { get; } = [];

    /// <summary>Null where a number is missing.</summary>
    public double? Value(ClaimTerm.Measured term)
    {
        double? value = term switch
        {
            ClaimTerm.Metric m => Metric(m.Name, ArmPoint.Find(points, m.Arm)!.Name),
            ClaimTerm.Trend t => Slope(t.Name, ArmPoint.FindAxis(axes, t.Axis)!),
            ClaimTerm.Effect e => Effect(e.Name, ArmPoint.FindAxis(axes, e.Axis)!, On(ArmPoint.FindAxis(axes, e.Axis)!)),
            ClaimTerm.Interaction i => Interaction(i.Name, ArmPoint.FindAxis(axes, i.First)!, ArmPoint.FindAxis(axes, i.Second)!),
            _ => throw new InvalidOperationException($"{term} has no number"),
        };
        if (value is null && Missing.Count == 0)
        {
            Missing.Add($"{term} missing{NearestName.Find(term.Name, Known) switch { { } near when near != term.Name => $" (is {near} meant?)", _ => "" }}");
        }
        return value;
    }

    private string[] Known => [.. byArm.Values.SelectMany(r => r.Metrics.Keys).Distinct()];

    private double? Metric(string metric, string arm)
    {
        if (!byArm.TryGetValue(arm, out CellResult? result) || !result.Metrics.TryGetValue(metric, out double value) || !double.IsFinite(value))
        {
            return null;
        }
        string identity = MetricColumns.Identity(result, metric), kind = MetricColumns.KindOf(identity);
        _identities.TryAdd(metric, identity);
        kinds.TryAdd(metric, kind);
        if (_identities[metric] == identity && kinds[metric] == kind)
        {
            return value;
        }
        Missing.Add($"the numbers of {metric} have different identities ('{(kinds[metric] == kind ? _identities[metric] : kinds[metric])}' and '{identity}') and are not compared");
        return null;
    }

    private ArmPoint[] On(params string[] path) => [.. points.Where(p => path.All(p.Coordinates.ContainsKey))];

    // Over part of the axis it would not be the claimed one: every point must have its number.
    private double? Slope(string metric, string axis)
    {
        ArmPoint[] onAxis = On(axis);
        double?[] values = [.. onAxis.Select(p => Metric(metric, p.Name))];
        IReadOnlyList<double> positions = ArmPoint.Positions(onAxis, axis);
        return values.Length == 0 || values.Any(v => v is null) || positions.Distinct().Count() < 2
            ? null
            : TrendTest.SlopeOf(positions, [.. values.Select(v => v!.Value)]);
    }

    private double? Effect(string metric, string axis, IReadOnlyList<ArmPoint> among)
    {
        IReadOnlyList<string> values = ArmPoint.Values(On(axis), axis);
        return values.Count < 2 ? null : Mean(values[^1]) - Mean(values[0]);

        double? Mean(string value)
        {
            double?[] numbers = [.. among.Where(p => p.Coordinates[axis] == value).Select(p => Metric(metric, p.Name))];
            return numbers.Length == 0 || numbers.Any(n => n is null) ? null : numbers.Average();
        }
    }

    private double? Interaction(string metric, string first, string second)
    {
        ArmPoint[] both = On(first, second);
        IReadOnlyList<string> values = ArmPoint.Values(both, second);
        return values.Count < 2 ? null : At(values[^1]) - At(values[0]);

        double? At(string value) => Effect(metric, first, [.. both.Where(p => p.Coordinates[second] == value)]);
    }
}
