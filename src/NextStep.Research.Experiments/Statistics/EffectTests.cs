namespace NextStep.Research.Experiments;

/// <summary>The p-value of an effect, an interaction or a trend, corrected for all that are looked at together.</summary>
/// <param name="PValue">As tested; null where the seeds give no test.</param>
/// <param name="AdjustedPValue">After the correction.</param>
/// <param name="IsExploratory">Whether the correction is that of Benjamini and Hochberg, because <c>measure</c> does not name the metric; otherwise it is Holm's.</param>
public sealed record CorrectedTest(double? PValue, double? AdjustedPValue, bool IsExploratory);

/// <summary>What the axes of a grid do to every metric, tested together: one family for the metrics that <c>measure</c> names and one for the others.</summary>
public sealed class EffectTests
{
    private readonly Dictionary<(string Column, string What), CorrectedTest> _tests = [];

    internal EffectTests(Plan plan, RunStatistics statistics)
    {
        foreach (bool exploratory in new[] { false, true })
        {
            (string Column, string What, double? PValue)[] tests = [.. statistics.Columns.Where(c => statistics.IsAnnounced(c) != exploratory && !statistics.IsConstant(c)).SelectMany(c => Of(plan, statistics, c))];
            double?[] p = [.. tests.Select(t => t.PValue)];
            IReadOnlyList<double?> adjusted = statistics.IsMixed ? RunStatistics.Refuse(p) : exploratory ? BenjaminiHochberg.Adjust(p) : Holm.Adjust(p);
            for (int i = 0; i < tests.Length; i++)
            {
                _tests[(tests[i].Column, tests[i].What)] = new CorrectedTest(p[i], adjusted[i], exploratory);
            }
        }
    }

    /// <summary>Of the main effect of a factor.</summary>
    public CorrectedTest? Effect(string column, MainEffect effect) => _tests.GetValueOrDefault((column, Name(effect)));

    /// <summary>Of an interaction.</summary>
    public CorrectedTest? Interaction(string column, Interaction interaction) => _tests.GetValueOrDefault((column, Name(interaction)));

    /// <summary>Of the trend over an axis; null over two values, where the slope is the effect again.</summary>
    public CorrectedTest? Trend(string column, string axis) => _tests.GetValueOrDefault((column, $"trend {axis}"));

    private static IEnumerable<(string Column, string What, double? PValue)> Of(Plan plan, RunStatistics statistics, string column)
    {
        GridEffects? effects = statistics.Effects(column);
        IEnumerable<(string, string, double?)> grid = effects is null ? [] : effects.MainEffects.Select(e => (column, Name(e), e.Test?.PValue)).Concat(effects.Interactions.Select(i => (column, Name(i), i.Test?.PValue)));
        IEnumerable<(string, string, double?)> trends = plan.Axes.Where(a => effects is null || statistics.Scale(a) is { Values.Count: > 2 })
            .Select(a => (a, Trend: statistics.Trend(column, a))).Where(t => t.Trend is not null).Select(t => (column, $"trend {t.a}", t.Trend!.Slope.PValue));
        return grid.Concat(trends);
    }

    private static string Name(MainEffect effect) => $"effect {effect.Factor}";

    private static string Name(Interaction interaction) => $"{interaction.First} × {interaction.Second}";
}
