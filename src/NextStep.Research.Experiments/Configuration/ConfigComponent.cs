using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary>A component between YAML and its record: a name with its defaults, or a mapping of <c>type</c> and options.</summary>
internal static class ConfigComponent
{
    private const string Name = "type";

    /// <summary>Whether a node names a component, rather than only options of the one that stands there.</summary>
    public static bool Names(YamlNode node) => node is not YamlMappingNode mapping || mapping.Children.ContainsKey(new YamlScalarNode(Name));

    /// <summary>Reads a node as a component of a seam; <paramref name="problem"/> says in one sentence what is wrong.</summary>
    public static object? Read(Type seam, YamlNode node, out string? problem)
    {
        YamlMappingNode? mapping = node as YamlMappingNode;
        YamlNode? named = mapping is null ? node : mapping.Children.TryGetValue(new YamlScalarNode(Name), out YamlNode? given) ? given : null;
        string? name = (named as YamlScalarNode)?.Value;
        if (name is null || ComponentCatalog.Find(seam, name) is not { } type)
        {
            string[] known = [.. ComponentCatalog.Of(seam).Select(ComponentCatalog.NameOf)];
            string hint = name is not null && NearestName.Find(name, known) is { } near ? $"; did you mean '{near}'?" : "";
            problem = $"expected one of {string.Join(", ", known)}, found {(name is null ? ConfigValue.Describe(node) : $"'{name}'")}{hint}";
            return null;
        }
        object component = Activator.CreateInstance(type)!;
        foreach ((YamlNode keyNode, YamlNode value) in mapping?.Children.Where(c => c.Key is not YamlScalarNode { Value: Name }) ?? [])
        {
            string option = (keyNode as YamlScalarNode)?.Value ?? "";
            IReadOnlyList<ConfigKey> options = ConfigKey.Of(type, "");
            if (options.FirstOrDefault(o => o.Name == option) is not { } key)
            {
                problem = $"{ComponentCatalog.NameOf(type)} has no option '{option}'{NearestName.Hint(option, [.. options.Select(o => o.Name)])}";
                return null;
            }
            object? read = ConfigValue.Read(key, value, out problem);
            if (problem is not null)
            {
                problem = $"{option}: {problem}";
                return null;
            }
            key.Property.SetValue(component, read);
        }
        problem = null;
        return component;
    }

    /// <summary>On one line, options only where they differ from the defaults: <c>energy</c>, <c>{type: energy, candidates: 16}</c>.</summary>
    public static string Format(ComponentConfig component)
    {
        string name = ComponentCatalog.NameOf(component.GetType());
        object defaults = Activator.CreateInstance(component.GetType())!;
        string[] options = [.. ConfigKey.Of(component.GetType(), "")
            .Select(k => (k.Name, Value: ConfigValue.Format(k.Property.GetValue(component)), Default: ConfigValue.Format(k.Property.GetValue(defaults))))
            .Where(o => o.Value != o.Default).Select(o => $"{o.Name}: {o.Value}")];
        return options.Length == 0 ? name : $"{{type: {name}, {string.Join(", ", options)}}}";
    }
}
