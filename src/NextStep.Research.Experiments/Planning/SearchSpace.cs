using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary>A config path that a search varies: the value at every number of [0, 1).</summary>
internal sealed record SearchRange(ConfigKey Key, Func<double, YamlScalarNode> At);

/// <summary>Draws the trials of a search: pure functions of seed and method, whatever is done already.</summary>
internal static class SearchSpace
{
    private const int Attempts = 20;

    /// <summary>Values by range, one a trial: distinct points; fewer than asked for where the ranges have no more.</summary>
    public static IReadOnlyList<YamlScalarNode[]> Draw(IReadOnlyList<SearchRange> ranges, SearchMethod method, int trials, long seed)
    {
        List<YamlScalarNode[]> points = [];
        HashSet<string> seen = [];
        SobolSequence sobol = new([.. ranges.Select((_, d) => (uint)(Streams.Managed(seed, "search.shift", d).NextDouble() * 4294967296.0))]);
        for (int i = 0; i < trials * Attempts && points.Count < trials; i++)
        {
            SplitMix64 random = Streams.Managed(seed, "search.trial", i);
            double[] at = method == SearchMethod.Random ? [.. ranges.Select(_ => random.NextDouble())] : sobol.Next();
            YamlScalarNode[] point = [.. ranges.Zip(at, (r, u) => r.At(u))];
            if (seen.Add(string.Join('\n', point.Select(p => p.Value))))
            {
                points.Add(point);
            }
        }
        return points;
    }

    /// <summary>A list of values, of which each is as likely, or <c>{ from, to, scale: linear|log }</c>; null and a sentence where it is wrong.</summary>
    public static SearchRange? Read(ConfigKey key, YamlNode node, out string? problem)
    {
        problem = null;
        if (node is YamlSequenceNode { Children.Count: > 0 } list && list.Children.All(c => c is YamlScalarNode))
        {
            return new SearchRange(key, u => (YamlScalarNode)list.Children[(int)(u * list.Children.Count)]);
        }
        bool whole = key.Type == typeof(int) || key.Type == typeof(long);
        if (node is not YamlMappingNode mapping || (!whole && key.Type != typeof(double)))
        {
            problem = $"expected a list of values{(whole || key.Type == typeof(double) ? " or a range such as { from: 1e-4, to: 1e-2, scale: log }" : "")}, found {ConfigValue.Describe(node)}";
            return null;
        }
        Dictionary<string, string> parts = mapping.Children.ToDictionary(c => (c.Key as YamlScalarNode)?.Value ?? "", c => (c.Value as YamlScalarNode)?.Value ?? "");
        string scale = parts.GetValueOrDefault("scale", "linear");
        bool log = scale == "log", numbers = ClaimParser.TryNumber(parts.GetValueOrDefault("from", ""), out double from) & ClaimParser.TryNumber(parts.GetValueOrDefault("to", ""), out double to);
        problem = parts.Keys.FirstOrDefault(k => k is not ("from" or "to" or "scale")) is { } unknown ? $"'{unknown}' is not part of a range to search{NearestName.Hint(unknown, ["from", "to", "scale"])}"
            : !numbers || !(from < to) ? "a range needs two numbers, from below to"
            : scale is not ("log" or "linear") ? $"scale: expected linear or log, found '{scale}'"
            : log && from <= 0 ? "a log range needs positive ends"
            : null;
        return problem is not null ? null : new SearchRange(key, u =>
        {
            (double low, double high) = whole ? (from - 0.5, to + 0.5) : (from, to);
            double value = log ? from * Math.Pow(to / from, u) : low + ((high - low) * u);
            // Three digits name an arm, and more do not matter to a search.
            string text = whole ? Math.Clamp(Math.Round(value), from, to).ToString("F0", CultureInfo.InvariantCulture)
                : Math.Clamp(double.Parse(value.ToString("G3", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture), from, to).ToString("R", CultureInfo.InvariantCulture);
            return new YamlScalarNode(text) { Style = YamlDotNet.Core.ScalarStyle.Plain };
        });
    }
}
