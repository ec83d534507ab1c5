using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary>Reads the <c>search</c> node of an experiment file: the plan of the search, and its trials as lists that are walked together.</summary>
internal sealed class SearchReader(ExperimentSections sections, List<ConfigError> errors)
{
    private const int MostTrials = 10_000;
    private static readonly string[] Keys = ["method", "trials", "over", "seed", "metric", "goal", "rungs", "keep", "stop"];

    /// <summary>The trials; empty without <c>over</c>.</summary>
    public List<Axis> Axes { get; } = [];

    /// <summary>Null where the file has no such node, or a wrong one.</summary>
    public SearchPlan? Read()
    {
        if (sections.Find("search") is not { } found || ConfigValue.IsNull(found.Value))
        {
            return null;
        }
        int before = errors.Count;
        if (found.Value is not YamlMappingNode mapping)
        {
            Report("search", found.Line, $"expected keys with values, found {ConfigValue.Describe(found.Value)}; keys: {string.Join(", ", Keys)}");
            return null;
        }
        Dictionary<string, YamlNode> parts = mapping.Children.ToDictionary(c => (c.Key as YamlScalarNode)?.Value ?? "", c => c.Value);
        foreach (YamlNode key in mapping.Children.Keys.Where(k => !Keys.Contains((k as YamlScalarNode)?.Value)))
        {
            Report($"search.{(key as YamlScalarNode)?.Value}", (int)key.Start.Line, "unknown key" + NearestName.Hint((key as YamlScalarNode)?.Value ?? "", Keys));
        }
        string method = Text(parts, "method") ?? (parts.ContainsKey("stop") ? "grid" : "");
        if (!Enum.TryParse(method, ignoreCase: true, out SearchMethod chosen) || char.IsAsciiDigit(method.FirstOrDefault()))
        {
            Report("search.method", parts.TryGetValue("method", out YamlNode? at) ? (int)at.Start.Line : found.Line, $"expected grid, random, sobol or halving, found '{method}'");
        }
        bool halving = chosen == SearchMethod.Halving;
        SearchPlan plan = new()
        {
            Method = chosen,
            Metric = Text(parts, "metric") ?? "",
            Maximize = Text(parts, "goal") is not { } goal || Goal(goal, parts["goal"]),
            Rungs = [.. Items(parts, "rungs").Select(n => Number(n, "search.rungs", 1, long.MaxValue)).OfType<double>().Select(n => (long)n)],
            Keep = parts.TryGetValue("keep", out YamlNode? keep) ? Number(keep, "search.keep", 1e-3, 0.999) ?? 0.5 : 0.5,
            Stop = [.. Items(parts, "stop").Select(Rule).OfType<StopRule>()],
        };
        foreach (string missing in halving ? ((string[])["metric", "rungs"]).Where(k => !parts.ContainsKey(k)) : [])
        {
            Report($"search.{missing}", found.Line, missing == "metric" ? "halving needs the metric that arms are ranked by, for instance alignment" : "halving needs the images after which arms are ranked, for instance [5000, 10000]");
        }
        foreach (string extra in halving ? [] : ((string[])["metric", "goal", "rungs", "keep"]).Where(parts.ContainsKey))
        {
            Report($"search.{extra}", (int)parts[extra].Start.Line, "belongs to method: halving");
        }
        if (!plan.Rungs.SequenceEqual(plan.Rungs.Distinct().Order()))
        {
            Report("search.rungs", (int)parts["rungs"].Start.Line, "must rise from one to the next");
        }
        ReadTrials(parts, plan.Method, found.Line);
        return errors.Count == before ? plan : null;
    }

    /// <summary>What can only be told once the arms are known.</summary>
    public void Check(SearchPlan plan, IReadOnlyList<Arm> arms)
    {
        int line = sections.Find("search")!.Value.Line;
        if (plan.Rungs.Count == 0 || arms.Count == 0)
        {
            return;
        }
        if (arms.Any(a => a.Differences.ContainsKey("training.model.images")))
        {
            Report("search.rungs", line, "arms that differ in training.model.images cannot be halved by it");
        }
        else if (arms[0].Config.Training.Model.Images is var images && plan.Rungs[^1] >= images)
        {
            Report("search.rungs", line, string.Create(CultureInfo.InvariantCulture, $"{plan.Rungs[^1]} is not below training.model.images, {images}"));
        }
        if (arms.Count < 2)
        {
            Report("search", line, "there is one arm, so nothing to choose from; give axes, arms or over");
        }
    }

    private void ReadTrials(Dictionary<string, YamlNode> parts, SearchMethod method, int line)
    {
        if (!parts.TryGetValue("over", out YamlNode? over))
        {
            if (method is SearchMethod.Random or SearchMethod.Sobol || parts.ContainsKey("trials"))
            {
                Report("search.over", line, "is absent: give the ranges to draw from, as in { training.model.learningRate: { from: 1e-4, to: 1e-2, scale: log } }");
            }
            return;
        }
        if (method == SearchMethod.Grid)
        {
            Report("search.over", (int)over.Start.Line, "belongs to method: random, sobol or halving");
        }
        if (over is not YamlMappingNode { Children.Count: > 0 } mapping || mapping.Children.Count > SobolSequence.MostDimensions)
        {
            Report("search.over", (int)over.Start.Line, $"expected 1 to {SobolSequence.MostDimensions} config keys with ranges, found {ConfigValue.Describe(over)}");
            return;
        }
        if (sections.Find("zip") is not null)
        {
            Report("search.over", (int)over.Start.Line, "goes without zip: trials are lists walked together");
        }
        double? trials = parts.TryGetValue("trials", out YamlNode? count) ? Number(count, "search.trials", 1, MostTrials) : null, seed = parts.TryGetValue("seed", out YamlNode? given) ? Number(given, "search.seed", 0, long.MaxValue) : 0;
        if (count is null)
        {
            Report("search.trials", line, "is absent: say how many points to draw");
        }
        List<SearchRange> ranges = [];
        foreach ((YamlNode keyNode, YamlNode node) in mapping.Children)
        {
            string path = (keyNode as YamlScalarNode)?.Value ?? "";
            string? problem = ConfigSchema.Find(path) is not { } key ? ConfigSchema.UnknownMessage(path) : key.IsGroup || path == "seed" ? "is no key that a search can vary" : null;
            if (problem is null && SearchSpace.Read(ConfigSchema.Find(path)!, node, out problem) is { } range)
            {
                ranges.Add(range);
            }
            else
            {
                Report($"search.over.{path}", (int)keyNode.Start.Line, problem!);
            }
        }
        if (trials is null || seed is null || ranges.Count < mapping.Children.Count)
        {
            return;
        }
        IReadOnlyList<YamlScalarNode[]> points = SearchSpace.Draw(ranges, method, (int)trials, (long)seed);
        for (int i = 0; i < ranges.Count; i++)
        {
            ConfigKey key = ranges[i].Key;
            List<object?> values = [];
            foreach (YamlScalarNode text in points.Select(p => p[i]))
            {
                values.Add(ConfigValue.Read(key, text, out string? problem));
                if (problem is not null)
                {
                    Report($"search.over.{key.Path}", (int)over.Start.Line, problem);
                    return;
                }
            }
            Axes.Add(new Axis(key, values, true, []));
        }
    }

    private StopRule? Rule(YamlNode node)
    {
        Dictionary<string, YamlNode> parts = node is YamlMappingNode mapping ? mapping.Children.ToDictionary(c => (c.Key as YamlScalarNode)?.Value ?? "", c => c.Value) : [];
        string? metric = Text(parts, "metric");
        double? above = Bound("above"), below = Bound("below"), after = parts.TryGetValue("after", out YamlNode? at) ? Number(at, "search.stop.after", 0, long.MaxValue) : 0;
        if (metric is null || !metric.Contains('.', StringComparison.Ordinal) || (above is null && below is null) || after is null || parts.Keys.Any(k => k is not ("metric" or "above" or "below" or "after")))
        {
            Report("search.stop", (int)node.Start.Line, "every rule has a metric of the log with its stage, a bound and the images before which nothing is judged, as in { metric: model.flow.loss, above: 2, after: 5000 }");
            return null;
        }
        return new StopRule(metric, above, below, (long)after);

        double? Bound(string key) => parts.TryGetValue(key, out YamlNode? value) ? Number(value, $"search.stop.{key}", double.MinValue, double.MaxValue) : null;
    }

    private bool Goal(string goal, YamlNode node)
    {
        if (goal is not ("maximize" or "minimize"))
        {
            Report("search.goal", (int)node.Start.Line, $"expected maximize or minimize, found '{goal}'");
        }
        return goal == "maximize";
    }

    private static IEnumerable<YamlNode> Items(Dictionary<string, YamlNode> parts, string key) =>
        !parts.TryGetValue(key, out YamlNode? node) ? [] : node is YamlSequenceNode list ? list.Children : [node];

    private double? Number(YamlNode node, string where, double least, double most)
    {
        string text = ((node as YamlScalarNode)?.Value ?? "").Replace("_", "", StringComparison.Ordinal);
        bool whole = least is 0 or 1;
        if (ClaimParser.TryNumber(text, out double number) && number >= least && number <= most && (!whole || number == Math.Floor(number)))
        {
            return number;
        }
        Report(where, (int)node.Start.Line, string.Create(CultureInfo.InvariantCulture, $"expected a {(whole ? "whole " : "")}number{(most < 1e18 ? $" from {least} to {most}" : "")}, found {ConfigValue.Describe(node)}"));
        return null;
    }

    private static string? Text(Dictionary<string, YamlNode> parts, string key) => parts.TryGetValue(key, out YamlNode? node) && node is YamlScalarNode { Value: { Length: > 0 } text } ? text : null;

    private void Report(string where, int line, string message) => errors.Add(new ConfigError(sections.Find("search")!.Value.File, line, where, message));
}
