using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary>One entry of <c>when</c>: a config key with a value, a list of which any will do, or a comparison such as <c>"&gt;= 4"</c>.</summary>
internal sealed record Condition(ConfigKey Key, IReadOnlyList<object?> Values, string Comparison, double Bound)
{
    private static readonly string[] Comparisons = ["<=", ">=", "<", ">"];

    /// <summary>Whether it holds for the values as they are configured; what a size dial derives counts as not set.</summary>
    public bool Holds(ResearchConfig config)
    {
        if (!ConfigPath.TryGet(config, Key.Path, out object? value))
        {
            return false; // an option of another component
        }
        return Comparison.Length == 0 ? Values.Any(v => v is ComponentConfig ? v.GetType() == value?.GetType() : ConfigValue.AreEqual(v, value))
            : value is IConvertible number and not string && number.ToDouble(CultureInfo.InvariantCulture) is var x && Comparison switch { "<" => x < Bound, "<=" => x <= Bound, ">" => x > Bound, _ => x >= Bound };
    }

    /// <summary>For people: <c>model.size is nano or micro</c>.</summary>
    public override string ToString() => $"{Key.Path} {(Comparison.Length > 0 ? FormattableString.Invariant($"{Comparison} {Bound}") : $"is {string.Join(" or ", Values.Select(ConfigValue.Format))}")}";

    /// <summary>All must hold.</summary>
    public static IReadOnlyList<Condition> Read(YamlNode node, string file, string where, List<ConfigError> errors)
    {
        if (node is not YamlMappingNode { Children.Count: > 0 } mapping)
        {
            errors.Add(new ConfigError(file, (int)node.Start.Line, where, $"expected config keys with values, found {ConfigValue.Describe(node)}"));
            return [];
        }
        List<Condition> conditions = [];
        foreach ((YamlNode keyNode, YamlNode value) in mapping.Children)
        {
            string path = (keyNode as YamlScalarNode)?.Value ?? "";
            int line = (int)keyNode.Start.Line;
            if (ConfigSchema.Find(path) is not { IsGroup: false } key || path == "seed")
            {
                errors.Add(new ConfigError(file, line, $"{where}.{path}", path == "seed" ? "seeds are the same for all arms" : ConfigSchema.UnknownMessage(path)));
                continue;
            }
            Condition? condition = ReadComparison(key, value) ?? ReadValues(key, value, file, $"{where}.{path}", errors);
            if (condition is not null)
            {
                conditions.Add(condition);
            }
        }
        return conditions;
    }

    private static Condition? ReadComparison(ConfigKey key, YamlNode node) =>
        key.Type == typeof(int) || key.Type == typeof(long) || key.Type == typeof(double)
            ? Comparisons.Where(c => node is YamlScalarNode { Value: { } text } && text.StartsWith(c, StringComparison.Ordinal) && ClaimParser.TryNumber(text[c.Length..].Trim(), out _))
                .Select(c => new Condition(key, [], c, double.Parse(((YamlScalarNode)node).Value![c.Length..], CultureInfo.InvariantCulture))).FirstOrDefault()
            : null;

    private static Condition? ReadValues(ConfigKey key, YamlNode node, string file, string where, List<ConfigError> errors)
    {
        List<object?> values = [];
        bool isList = node is YamlSequenceNode && !typeof(System.Collections.IEnumerable).IsAssignableFrom(key.Type);
        foreach (YamlNode item in isList || (node is YamlSequenceNode && key.Type == typeof(string)) ? ((YamlSequenceNode)node).Children : [node])
        {
            values.Add(ConfigValue.Read(key, item, out string? problem));
            if (problem is not null)
            {
                errors.Add(new ConfigError(file, (int)item.Start.Line, where, problem));
                return null;
            }
        }
        return new Condition(key, values, "", 0);
    }
}
