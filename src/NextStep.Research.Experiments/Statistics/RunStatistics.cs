using System.IO.Enumeration;

namespace NextStep.Research.Experiments;

/// <summary>
/// The numbers of a run by metric, arm and seed, and all that is said about them: means over seeds, paired differences to
/// the baseline, trends, effects. Numbers of one metric with different identities (<see cref="CellResult.Identities"/>) become
/// columns of their own, <c>frechet #1</c> and <c>frechet #2</c>, so that nothing here ever compares them.
/// What a metric's name in <c>measure</c> announces is tested with Holm's correction over all of it; everything else is exploratory,
/// with that of Benjamini and Hochberg, and never called significant.
/// </summary>
public sealed class RunStatistics
{
    private static readonly SortedDictionary<long, double> None = [];
    private readonly Dictionary<(string Metric, string Arm), SortedDictionary<long, double>> _values = [];
    private readonly Dictionary<(string Arm, long Seed), CellResult> _results = [];
    private readonly Dictionary<string, string> _identities = [];
    private readonly Dictionary<string, GridEffects?> _effects = [];
    private readonly Dictionary<string, AxisScale?> _scales = [];
    private readonly Plan _plan;
    private readonly Lazy<Dictionary<string, IReadOnlyDictionary<string, PairedComparison>>> _announced;
    private readonly Lazy<Dictionary<string, IReadOnlyDictionary<string, PairedComparison>>> _others;
    private readonly Lazy<EffectTests> _effectTests;

    /// <summary>Over the results that are there; the plan's first arm is the baseline.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="results">Of the cells that are done.</param>
    /// <param name="shown">Names or patterns of the metrics to show; null: as the plan says. What is announced stays what the plan says.</param>
    /// <param name="mixCode">Whether numbers of different code may be tested against each other; otherwise they are shown without adjusted p-values.</param>
    public RunStatistics(Plan plan, IEnumerable<CellResult> results, IReadOnlyList<string>? shown = null, bool mixCode = false)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(results);
        _plan = plan;
        Dictionary<string, int> order = plan.Arms.Select((a, i) => (a.Name, i)).ToDictionary();
        CellResult[] all = [.. CountMetrics.Complete([.. results.Where(r => order.ContainsKey(r.Arm))]).OrderBy(r => order[r.Arm])];
        string[] names = [.. all.SelectMany(r => r.Metrics.Keys).Distinct()];
        foreach (string metric in names.Except(IntervalEnds.Of(names)))
        {
            foreach ((CellResult result, string column) in MetricColumns.Assign(metric, all))
            {
                string identity = MetricColumns.Identity(result, metric);
                _identities[column] = _identities.GetValueOrDefault(column, identity) == identity ? identity : MetricColumns.KindOf(identity);
                (_values.TryGetValue((column, result.Arm), out SortedDictionary<long, double>? seeds) ? seeds : _values[(column, result.Arm)] = [])[result.Seed] = result.Metrics[metric];
            }
        }
        foreach (CellResult result in all)
        {
            _results[(result.Arm, result.Seed)] = result;
        }
        Columns = [.. _identities.Keys.Order(StringComparer.Ordinal)];
        IReadOnlyList<string> patterns = shown ?? plan.Measure;
        Metrics = patterns.Count == 0 ? Columns : [.. patterns.SelectMany(pattern => Columns.Where(m => FileSystemName.MatchesSimpleExpression(pattern, NameOf(m), ignoreCase: false))).Distinct()];
        IsMixed = !mixCode && CodeMix.Found(all) is not null;
        _announced = new(() => Compare(IsAnnounced, IsMixed ? Refuse : Holm.Adjust));
        _others = new(() => Compare(c => !IsAnnounced(c), IsMixed ? Refuse : BenjaminiHochberg.Adjust));
        _effectTests = new(() => new EffectTests(plan, this));
    }

    /// <summary>Columns to show: in the order of the experiment's <c>measure</c>, then by name.</summary>
    public IReadOnlyList<string> Metrics { get; }

    /// <summary>Whether the cells were computed by different code and nothing is called significant because of that (<see cref="CodeMix"/>).</summary>
    public bool IsMixed { get; }

    /// <summary>All columns there are.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>The metric's name without the number of its identity.</summary>
    public static string NameOf(string column) => (column ?? throw new ArgumentNullException(nameof(column))).Split(" #")[0];

    /// <summary>Whether <c>measure</c> names the metric itself: only then is a difference called significant. A pattern is a net, and what it catches is exploratory.</summary>
    public bool IsAnnounced(string column) => _plan.Measure.Contains(NameOf(column));

    /// <summary>What a column's numbers depend on, without a reference set that changes with the seed; empty where they depend on nothing else.</summary>
    public string Identity(string column) => _identities.GetValueOrDefault(column, "");

    /// <summary>An arm's numbers by seed.</summary>
    public IReadOnlyDictionary<long, double> Values(string column, string arm) => _values.GetValueOrDefault((column, arm), None);

    /// <summary>An arm's mean over its seeds; null where it has none.</summary>
    public Estimate? Mean(string column, string arm) => Estimate.Of([.. Values(column, arm).Values]);

    /// <summary>The interval that the metric itself has within one trained model (of <c>alignment</c> over its pictures, <c>alignment.low</c> to <c>alignment.high</c>); null where it has none, and for several seeds, whose own interval says more.</summary>
    public (double Low, double High)? WithinModel(string column, string arm) =>
        Values(column, arm) is { Count: 1 } one && _results.TryGetValue((arm, one.Keys.First()), out CellResult? result)
        && result.Metrics.TryGetValue(NameOf(column) + IntervalEnds.Low, out double low) && result.Metrics.TryGetValue(NameOf(column) + IntervalEnds.High, out double high)
            ? (low, high) : null;

    /// <summary>Arm against baseline, paired by seed, corrected; null where no seed is in common.</summary>
    public PairedComparison? Difference(string column, string arm) => Differences(column).GetValueOrDefault(arm);

    /// <summary>Every other arm against the baseline, corrected over all arms and announced metrics, or over all arms and other metrics.</summary>
    public IReadOnlyDictionary<string, PairedComparison> Differences(string column) =>
        (IsAnnounced(column) ? _announced : _others).Value.GetValueOrDefault(column) ?? new Dictionary<string, PairedComparison>();

    /// <summary>Whether all arms have the same number throughout, so that a column would say nothing.</summary>
    public bool IsConstant(string column) =>
        _plan.Arms.Count > 1
        && _plan.Arms.All(a => Values(column, a.Name).Count > 0)
        && _plan.Arms.SelectMany(a => Values(column, a.Name).Values).Distinct().Count() == 1;

    /// <summary>The order of an axis and where its values lie; null where no arm lies on it.</summary>
    public AxisScale? Scale(string axis) => _scales.TryGetValue(axis, out AxisScale? known) ? known : _scales[axis] = AxisScale.Of(_plan, axis);

    /// <summary>Slope over an axis at the positions of its <see cref="AxisScale"/>; other axes are averaged over. Only seeds with every point count.</summary>
    public TrendTest? Trend(string column, string axis)
    {
        if (Scale(axis) is not { } scale)
        {
            return null;
        }
        ArmPoint[] points = [.. _plan.Arms.Where(a => a.Coordinates.ContainsKey(axis)).Select(a => ArmPoint.From(a))];
        return TrendTest.Of([.. points.Select(p => scale.Position(p.Coordinates[axis]))], Complete(column, points));
    }

    /// <summary>Main effects and two-way interactions; null where the arms are no full grid or no seed has all of it.</summary>
    public GridEffects? Effects(string column)
    {
        if (!_effects.TryGetValue(column, out GridEffects? known))
        {
            ArmPoint[] points = [.. _plan.Arms.Where(a => a.Coordinates.Count > 0).Select(a => ArmPoint.From(a))];
            IReadOnlyDictionary<string, IReadOnlyList<string>> order = _plan.Axes.Select(a => Scale(a)).OfType<AxisScale>().ToDictionary(s => s.Axis, s => s.Values);
            _effects[column] = known = points.Length == 0 ? null : GridEffects.Of(_plan.Axes, [.. points.Select(p => p.Coordinates)], Complete(column, points), order);
        }
        return known;
    }

    /// <summary>The p-values of main effects, interactions and trends, corrected like the differences, in a family of their own.</summary>
    public EffectTests EffectTests => _effectTests.Value;

    private Dictionary<string, IReadOnlyDictionary<string, PairedComparison>> Compare(Predicate<string> belongs, Func<IReadOnlyList<double?>, IReadOnlyList<double?>> adjust)
    {
        (string Column, string Arm, PairedComparison Value)[] pairs = [.. Columns.Where(c => belongs(c)).SelectMany(column => _plan.Arms.Skip(1)
            .Select(a => (column, a.Name, Value: PairedComparison.Of(Values(column, a.Name), Values(column, _plan.Arms[0].Name)))).Where(p => p.Value is not null).Select(p => (p.column, p.Name, p.Value!)))];
        IReadOnlyList<double?> adjusted = adjust([.. pairs.Select(p => p.Value.Test.PValue)]);
        return pairs.Select((p, i) => (p.Column, p.Arm, Value: p.Value with { AdjustedPValue = adjusted[i], IsExploratory = !IsAnnounced(p.Column) }))
            .GroupBy(p => p.Column).ToDictionary(g => g.Key, g => (IReadOnlyDictionary<string, PairedComparison>)g.ToDictionary(p => p.Arm, p => p.Value));
    }

    /// <summary>No adjusted p-value for any.</summary>
    internal static IReadOnlyList<double?> Refuse(IReadOnlyList<double?> values) => new double?[values.Count];

    private double[][] Complete(string column, ArmPoint[] points)
    {
        IReadOnlyDictionary<long, double>[] values = [.. points.Select(p => Values(column, p.Name))];
        return values.Length == 0 ? [] : [.. values[0].Keys.Where(s => values.All(v => v.TryGetValue(s, out double value) && double.IsFinite(value))).Select(s => values.Select(v => v[s]).ToArray())];
    }
}
