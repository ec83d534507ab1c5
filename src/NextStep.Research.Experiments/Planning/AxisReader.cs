using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary>Reads the axes of a section: a list of values, a range, or either with <c>when</c>.</summary>
internal sealed class AxisReader(string section, ExperimentSections sections, List<ConfigError> errors)
{
    private bool Zipped => section == "zip";

    /// <param name="file">Where the section stands.</param>
    /// <param name="line">The line there.</param>
    /// <param name="mapping">Config keys with their values.</param>
    public List<Axis> Read(string file, int line, YamlMappingNode mapping)
    {
        List<Axis> axes = [];
        int before = errors.Count;
        foreach ((YamlNode keyNode, YamlNode node) in mapping.Children)
        {
            string path = (keyNode as YamlScalarNode)?.Value ?? "";
            (string source, int at) = sections.Source(node, file, (int)keyNode.Start.Line);
            string where = $"{section}.{path}";
            if (ConfigSchema.Find(path) is not { } key)
            {
                errors.Add(new ConfigError(source, at, where, ConfigSchema.UnknownMessage(path)));
            }
            else if (key.IsGroup || path == "seed")
            {
                errors.Add(new ConfigError(source, at, where, key.IsGroup
                    ? $"is a group of keys; name one of {string.Join(", ", key.Children.Select(c => c.Path))}"
                    : "repeats belong under seeds"));
            }
            else if (Read(key, node, source, at, where) is { } axis)
            {
                axes.Add(axis);
            }
        }
        if (Zipped && axes.Select(a => a.Values.Count).Distinct().Count() > 1 && errors.Count == before)
        {
            errors.Add(new ConfigError(file, line, "zip", $"lists walked together must have equal lengths, found {string.Join(", ", axes.Select(a => $"{a.Key.Path}: {a.Values.Count}"))}"));
        }
        return axes;
    }

    private Axis? Read(ConfigKey key, YamlNode node, string file, int line, string where)
    {
        IReadOnlyList<Condition> when = [];
        if (node is YamlMappingNode mapping)
        {
            Dictionary<string, YamlNode> parts = mapping.Children.ToDictionary(c => (c.Key as YamlScalarNode)?.Value ?? "", c => c.Value);
            if (parts.Remove("when", out YamlNode? condition))
            {
                if (Zipped)
                {
                    errors.Add(new ConfigError(file, line, where, "lists walked together have no when; give it to an axis or an arm"));
                }
                when = Condition.Read(condition, file, $"{where}.when", errors);
            }
            node = parts.Count == 1 && parts.TryGetValue("values", out YamlNode? values) ? values : new YamlMappingNode(parts.Select(p => KeyValuePair.Create<YamlNode, YamlNode>(new YamlScalarNode(p.Key), p.Value)));
        }
        if (node is YamlMappingNode range)
        {
            bool whole = key.Type == typeof(int) || key.Type == typeof(long);
            string? problem = whole || key.Type == typeof(double) ? null : $"takes a list of values: {ConfigValue.Describe(key.Type)} has no range";
            YamlSequenceNode? list = problem is null ? ValueRange.Read(range, whole, out problem) : null;
            if (list is null)
            {
                errors.Add(new ConfigError(file, line, where, problem!));
                return null;
            }
            bool log = range.Children.Any(c => c is { Key: YamlScalarNode { Value: "scale" }, Value: YamlScalarNode { Value: "log" } });
            return new Axis(key, ReadValues(key, list, file, line, where), Zipped, when, log);
        }
        if (node is YamlSequenceNode { Children.Count: > 0 } given)
        {
            return new Axis(key, ReadValues(key, given, file, file == ExperimentSections.Set ? 0 : null, where), Zipped, when);
        }
        errors.Add(new ConfigError(file, line, where, node is YamlSequenceNode
            ? "the axis is empty; give it at least one value"
            : $"expected a list of values or a range such as {{ from: 1, to: 100, count: 5, scale: log }}, found {ConfigValue.Describe(node)}"));
        return null;
    }

    private List<object?> ReadValues(ConfigKey key, YamlSequenceNode list, string file, int? line, string where)
    {
        List<object?> values = [];
        foreach (YamlNode item in list)
        {
            object? value = ConfigValue.Read(key, item, out string? problem);
            problem ??= values.Any(v => ConfigValue.AreEqual(v, value)) && !Zipped ? $"{ConfigValue.Format(value)} stands twice" : null;
            if (problem is not null)
            {
                errors.Add(new ConfigError(file, line ?? (int)item.Start.Line, where, problem));
            }
            values.Add(value);
        }
        return values;
    }
}
