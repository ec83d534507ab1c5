using System.IO.Enumeration;

namespace NextStep.Research.Experiments;

/// <summary>
/// The numbers of a run by metric, arm and seed, and all that is said about them: means over seeds, paired differences to
/// the baseline, trends, effects. Numbers of one metric with different identities (<see cref="CellResult.Identities"/>) become
/// columns of their own, <c>frechet #1</c> and <c>frechet #2</c>, so that nothing here ever compares them.
/// </summary>
public sealed class RunStatistics
{
    private static readonly SortedDictionary<long, double> None = [];
    private readonly Dictionary<(string Metric, string Arm), SortedDictionary<long, double>> _values = [];
    private readonly Dictionary<string, string> _identities = [];
    private readonly Dictionary<string, IReadOnlyDictionary<string, PairedComparison>> _differences = [];
    private readonly Plan _plan;

    /// <summary>Over the results that are there; the plan's first arm is the baseline.</summary>
    public RunStatistics(Plan plan, IEnumerable<CellResult> results)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(results);
        _plan = plan;
        Dictionary<string, int> order = plan.Arms.Select((a, i) => (a.Name, i)).ToDictionary();
        CellResult[] all = [.. results.Where(r => order.ContainsKey(r.Arm)).OrderBy(r => order[r.Arm])];
        foreach (string metric in all.SelectMany(r => r.Metrics.Keys).Distinct())
        {
            foreach ((CellResult result, string column) in MetricColumns.Assign(metric, all))
            {
                string identity = MetricColumns.Identity(result, metric);
                _identities[column] = _identities.GetValueOrDefault(column, identity) == identity ? identity : MetricColumns.KindOf(identity);
                (_values.TryGetValue((column, result.Arm), out SortedDictionary<long, double>? seeds) ? seeds : _values[(column, result.Arm)] = [])[result.Seed] = result.Metrics[metric];
            }
        }
        string[] sorted = [.. _identities.Keys.Order(StringComparer.Ordinal)];
        Metrics = plan.Measure.Count == 0 ? sorted : [.. plan.Measure.SelectMany(pattern => sorted.Where(m => FileSystemName.MatchesSimpleExpression(pattern, NameOf(m), ignoreCase: false))).Distinct()];
    }

    /// <summary>Columns in the order of the experiment's <c>measure</c>, then by name.</summary>
    public IReadOnlyList<string> Metrics { get; }

    /// <summary>The metric's name without the number of its identity.</summary>
    public static string NameOf(string column) => (column ?? throw new ArgumentNullException(nameof(column))).Split(" #")[0];

    /// <summary>What a column's numbers depend on, without a reference set that changes with the seed; empty where they depend on nothing else.</summary>
    public string Identity(string column) => _identities.GetValueOrDefault(column, "");

    /// <summary>An arm's numbers by seed.</summary>
    public IReadOnlyDictionary<long, double> Values(string column, string arm) => _values.GetValueOrDefault((column, arm), None);

    /// <summary>An arm's mean over its seeds; null where it has none.</summary>
    public Estimate? Mean(string column, string arm) => Estimate.Of([.. Values(column, arm).Values]);

    /// <summary>Arm against baseline, paired by seed, with Holm's correction over all arms; null where no seed is in common.</summary>
    public PairedComparison? Difference(string column, string arm) => Differences(column).GetValueOrDefault(arm);

    /// <summary>Every other arm against the baseline.</summary>
    public IReadOnlyDictionary<string, PairedComparison> Differences(string column)
    {
        if (!_differences.TryGetValue(column, out IReadOnlyDictionary<string, PairedComparison>? found))
        {
            (string Arm, PairedComparison? Value)[] pairs = [.. _plan.Arms.Skip(1).Select(a => (a.Name, PairedComparison.Of(Values(column, a.Name), Values(column, _plan.Arms[0].Name))))];
            IReadOnlyList<double?> adjusted = Holm.Adjust([.. pairs.Select(p => p.Value?.Test.PValue)]);
            _differences[column] = found = pairs.Select((p, i) => (p.Arm, Value: p.Value is null ? null : p.Value with { AdjustedPValue = adjusted[i] }))
                .Where(p => p.Value is not null).ToDictionary(p => p.Arm, p => p.Value!);
        }
        return found;
    }

    /// <summary>Whether all arms have the same number throughout, so that a column would say nothing.</summary>
    public bool IsConstant(string column) =>
        _plan.Arms.Count > 1
        && _plan.Arms.All(a => Values(column, a.Name).Count > 0)
        && _plan.Arms.SelectMany(a => Values(column, a.Name).Values).Distinct().Count() == 1;

    /// <summary>Slope over an axis, over the values' places where they are not numbers; other axes are averaged over. Only seeds with every point count.</summary>
    public TrendTest? Trend(string column, string axis)
    {
        ArmPoint[] points = [.. _plan.Arms.Where(a => a.Coordinates.ContainsKey(axis)).Select(a => ArmPoint.From(a))];
        return TrendTest.Of(ArmPoint.Positions(points, axis), Complete(column, points));
    }

    /// <summary>Main effects and two-way interactions; null where the arms are no full grid or no seed has all of it.</summary>
    public GridEffects? Effects(string column)
    {
        ArmPoint[] points = [.. _plan.Arms.Where(a => a.Coordinates.Count > 0).Select(a => ArmPoint.From(a))];
        return points.Length == 0 ? null : GridEffects.Of(_plan.Axes, [.. points.Select(p => p.Coordinates)], Complete(column, points));
    }

    private double[][] Complete(string column, ArmPoint[] points)
    {
        IReadOnlyDictionary<long, double>[] values = [.. points.Select(p => Values(column, p.Name))];
        return values.Length == 0 ? [] : [.. values[0].Keys.Where(s => values.All(v => v.TryGetValue(s, out double value) && double.IsFinite(value))).Select(s => values.Select(v => v[s]).ToArray())];
    }
}
