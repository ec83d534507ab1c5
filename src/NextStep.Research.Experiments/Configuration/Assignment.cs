using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary>One value given to one key, and where it was given.</summary>
internal sealed record Assignment(ConfigKey Key, object? Value, string File, int Line)
{
    /// <summary>Flattens nested or dotted keys into values; what is wrong goes to <paramref name="errors"/>.</summary>
    public static IReadOnlyList<Assignment> Collect(YamlMappingNode mapping, string file, List<ConfigError> errors, Predicate<string>? skip = null)
    {
        List<Assignment> found = [];
        foreach ((YamlNode keyNode, YamlNode value) in mapping.Children)
        {
            string name = (keyNode as YamlScalarNode)?.Value ?? "";
            if (skip?.Invoke(name) != true)
            {
                Collect(name, keyNode, value, file, found, errors);
            }
        }
        foreach (IGrouping<ConfigKey, Assignment> twice in found.GroupBy(a => a.Key).Where(g => g.Count() > 1))
        {
            errors.Add(new ConfigError(file, twice.Last().Line, twice.Key.Path, $"stands twice; first in line {twice.First().Line}"));
        }
        return [.. found.OrderBy(a => !a.Key.IsComponent)]; // which component it is comes before its options
    }

    /// <summary>A copy with all values; an option that the component does not have goes to <paramref name="errors"/>.</summary>
    public static ResearchConfig Apply(ResearchConfig config, IEnumerable<Assignment> assignments, List<ConfigError> errors)
    {
        foreach (Assignment one in assignments)
        {
            if (ConfigPath.Replace(config, one.Key, one.Value, out string? problem) is { } changed)
            {
                config = changed;
            }
            else
            {
                errors.Add(new ConfigError(one.File, one.Line, one.Key.Path, problem!));
            }
        }
        return config;
    }

    private static void Collect(string path, YamlNode keyNode, YamlNode value, string file, List<Assignment> found, List<ConfigError> errors)
    {
        int line = (int)keyNode.Start.Line;
        if (ConfigSchema.Find(path) is not { } key)
        {
            errors.Add(new ConfigError(file, line, path, ConfigSchema.UnknownMessage(path)));
        }
        else if (!key.IsGroup && !(key.IsComponent && !ConfigComponent.Names(value)))
        {
            object? typed = ConfigValue.Read(key, value, out string? problem);
            if (problem is not null)
            {
                errors.Add(new ConfigError(file, line, path, problem));
            }
            else
            {
                found.Add(new Assignment(key, typed, file, line));
            }
        }
        else if (value is YamlMappingNode group)
        {
            foreach ((YamlNode childKey, YamlNode child) in group.Children)
            {
                Collect($"{path}.{(childKey as YamlScalarNode)?.Value}", childKey, child, file, found, errors);
            }
        }
        else
        {
            errors.Add(new ConfigError(file, line, path, $"expected a group of keys ({string.Join(", ", key.Children.Select(c => c.Name))}), found {ConfigValue.Describe(value)}"));
        }
    }
}
