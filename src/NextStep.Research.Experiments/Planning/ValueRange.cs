using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary><c>{ from: 8, to: 128, count: 5, scale: log }</c>: evenly spaced numbers, ends included, written as a list of values.</summary>
internal static class ValueRange
{
    private const int MostValues = 10_000;

    public static IReadOnlyList<string> Keys { get; } = ["from", "to", "count", "step", "scale"];

    /// <summary>The values as a list node at the place of <paramref name="range"/>; null and a sentence where it is wrong.</summary>
    /// <param name="range">Keys from, to, one of count and step (with scale log: the factor), scale linear or log.</param>
    /// <param name="whole">Values are rounded to whole numbers; a range without count and step then takes steps of 1.</param>
    /// <param name="problem">What is wrong.</param>
    public static YamlSequenceNode? Read(YamlMappingNode range, bool whole, out string? problem)
    {
        Dictionary<string, string> texts = range.Children.Where(c => c.Value is YamlScalarNode).ToDictionary(c => ((YamlScalarNode)c.Key).Value ?? "", c => ((YamlScalarNode)c.Value).Value ?? "");
        problem = range.Children.Keys.Select(k => (k as YamlScalarNode)?.Value ?? "").FirstOrDefault(k => !Keys.Contains(k)) is { } unknown
            ? $"'{unknown}' is not part of a range{NearestName.Hint(unknown, Keys)}"
            : null;
        problem ??= range.Children.Where(c => c.Value is not YamlScalarNode).Select(c => $"{c.Key}: expected {(c.Key is YamlScalarNode { Value: "scale" } ? "linear or log" : "a number")}, found {ConfigValue.Describe(c.Value)}").FirstOrDefault();
        if (problem is not null)
        {
            return null;
        }
        double? from = Number(texts, "from", ref problem), to = Number(texts, "to", ref problem), count = Number(texts, "count", ref problem), step = Number(texts, "step", ref problem);
        bool log = texts.GetValueOrDefault("scale", "linear") == "log";
        if (whole && count is null && step is null && !log)
        {
            step = to < from ? -1 : 1;
        }
        problem ??= (from, to) is not ({ } a, { } b) ? "a range needs from and to, and count or step, as in { from: 1, to: 100, count: 5, scale: log }"
            : texts.TryGetValue("scale", out string? scale) && scale is not ("log" or "linear") ? $"scale: expected linear or log, found '{scale}'"
            : count is null == step is null ? "a range needs either count or step"
            : log && (a <= 0 || b <= 0) ? $"a log range needs positive ends, found {Text(a)} and {Text(b)}"
            : count is { } n && (n < 2 || n > MostValues || n != Math.Floor(n)) ? $"count: expected a whole number from 2 to {MostValues}, found {Text(n)}"
            : step is { } s && !Leads(a, b, s, log) ? log ? $"step: with scale log it is a factor that leads from {Text(a)} to {Text(b)}, found {Text(s)}" : $"step: {Text(s)} does not lead from {Text(a)} to {Text(b)}"
            : step is { } size && Steps(a, b, size, log) >= MostValues ? $"the range has more than {MostValues} values"
            : null;
        if (problem is not null)
        {
            return null;
        }
        IEnumerable<double> values = count is { } points
            ? Enumerable.Range(0, (int)points).Select(i => i / (points - 1)).Select(t => log ? from!.Value * Math.Pow(to!.Value / from.Value, t) : from!.Value + ((to!.Value - from.Value) * t))
            : Enumerable.Range(0, (int)Steps(from!.Value, to!.Value, step!.Value, log) + 1).Select(i => log ? from.Value * Math.Pow(step.Value, i) : from.Value + (i * step.Value));
        return new YamlSequenceNode(values.Select(v => new YamlScalarNode(Text(whole ? Math.Round(v) : v)) { Style = ScalarStyle.Plain }));
    }

    // 0.1 + 2 · 0.1 is meant to be 0.3.
    private static string Text(double value) => double.Parse(value.ToString("G12", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture).ToString("R", CultureInfo.InvariantCulture);

    private static bool Leads(double from, double to, double step, bool log) => log
        ? step > 0 && step != 1 && (to == from || (step > 1) == (to > from))
        : step != 0 && (to == from || step > 0 == to > from);

    // A last value that misses the end by rounding only still counts.
    private static double Steps(double from, double to, double step, bool log) =>
        Math.Floor((log ? Math.Log(to / from) / Math.Log(step) : (to - from) / step) + 1e-9);

    private static double? Number(Dictionary<string, string> texts, string key, ref string? problem)
    {
        if (!texts.TryGetValue(key, out string? text))
        {
            return null;
        }
        if (ClaimParser.TryNumber(text.Replace("_", "", StringComparison.Ordinal), out double value) && double.IsFinite(value))
        {
            return value;
        }
        problem ??= $"{key}: expected a number, found '{text}'";
        return null;
    }
}
