namespace NextStep.Research.Experiments;

/// <summary>The numbers that the terms of one comparison have for one seed.</summary>
/// <param name="grid">The arms and their axes.</param>
/// <param name="byArm">The seed's results.</param>
/// <param name="kinds">By metric what its numbers must agree in over the seeds; filled on the way.</param>
internal sealed class ClaimNumbers(ClaimGrid grid, IReadOnlyDictionary<string, CellResult> byArm, Dictionary<string, string> kinds)
{
    private readonly Dictionary<string, string> _identities = [];

    /// <summary>What has no number, and metrics whose numbers cannot be compared.</summary>
    public HashSet<string> Missing { get; } = [];

    /// <summary>Null where a number is missing.</summary>
    public double? Value(ClaimTerm.Measured term)
    {
        double? value = term switch
        {
            ClaimTerm.Metric m => Metric(m.Name, ArmPoint.Find(grid.Points, m.Arm)!.Name),
            ClaimTerm.Trend t => Slope(t.Name, grid.Axis(t.Axis)),
            ClaimTerm.Effect e => Effect(e.Name, grid.Axis(e.Axis), grid.On(grid.Axis(e.Axis))),
            ClaimTerm.Interaction i => Interaction(i.Name, grid.Axis(i.First), grid.Axis(i.Second)),
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

    // Null with a reason: a plan of an earlier version, whose words have no order.
    private AxisScale? Scale(string axis)
    {
        AxisScale? scale = grid.Scale(axis);
        if (scale is null)
        {
            Missing.Add($"the order of {axis}'s values is not in this plan.json: the same sweep command writes it");
        }
        return scale;
    }

    // Over part of the axis it would not be the claimed one: every point must have its number.
    private double? Slope(string metric, string axis)
    {
        ArmPoint[] onAxis = grid.On(axis);
        if (Scale(axis) is not { Values.Count: > 1 } scale)
        {
            return null;
        }
        double?[] values = [.. onAxis.Select(p => Metric(metric, p.Name))];
        return values.Any(v => v is null) ? null : TrendTest.SlopeOf([.. onAxis.Select(p => scale.Position(p.Coordinates[axis]))], [.. values.Select(v => v!.Value)]);
    }

    private double? Effect(string metric, string axis, IReadOnlyList<ArmPoint> among)
    {
        return Scale(axis) is not { Values: { Count: > 1 } values } ? null : Mean(values[^1]) - Mean(values[0]);

        double? Mean(string value)
        {
            double?[] numbers = [.. among.Where(p => p.Coordinates[axis] == value).Select(p => Metric(metric, p.Name))];
            return numbers.Length == 0 || numbers.Any(n => n is null) ? null : numbers.Average();
        }
    }

    private double? Interaction(string metric, string first, string second)
    {
        ArmPoint[] both = grid.On(first, second);
        return Scale(second) is not { Values: { Count: > 1 } values } ? null : At(values[^1]) - At(values[0]);

        double? At(string value) => Effect(metric, first, [.. both.Where(p => p.Coordinates[second] == value)]);
    }
}

/// <summary>The arms of a plan as claims address them.</summary>
internal sealed class ClaimGrid(Plan plan)
{
    private readonly Dictionary<string, AxisScale?> _scales = [];

    public ArmPoint[] Points { get; } = [.. plan.Arms.Select(ArmPoint.From)];

    /// <summary>An axis that a checked claim names.</summary>
    public string Axis(string? name) => ArmPoint.FindAxis(plan.Axes, name)!;

    public AxisScale? Scale(string axis) => _scales.TryGetValue(axis, out AxisScale? known) ? known : _scales[axis] = AxisScale.Of(plan, axis);

    /// <summary>The points that lie on all the axes.</summary>
    public ArmPoint[] On(params string[] axes) => [.. Points.Where(p => axes.All(p.Coordinates.ContainsKey))];

    /// <summary>The arms whose numbers a term needs.</summary>
    public IEnumerable<string> Arms(ClaimTerm term) => term switch
    {
        ClaimTerm.Metric m => [ArmPoint.Find(Points, m.Arm)!.Name],
        ClaimTerm.Trend t => On(Axis(t.Axis)).Select(p => p.Name),
        ClaimTerm.Effect e => On(Axis(e.Axis)).Select(p => p.Name),
        ClaimTerm.Interaction i => On(Axis(i.First), Axis(i.Second)).Select(p => p.Name),
        _ => [],
    };
}
