using System.Reflection;
using System.Runtime.CompilerServices;
using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary>Reads and replaces values of the immutable configuration tree by path (<c>autoencoder.noiseStrength</c>).</summary>
internal static class ConfigPath
{
    // A configuration never changes, and the texts of one are asked for several times while a plan is made.
    private static readonly ConditionalWeakTable<ResearchConfig, IReadOnlyDictionary<string, string>> Known = [];

    /// <summary>Every path that holds a value by default, in the order of the records; another component may have other options.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Texts(new ResearchConfig()).Keys];

    /// <summary>
    /// Every path of a configuration with its value as text, in the order of the records: of a component its name, its options below it, and
    /// for one that is not built in, at <c>path.source</c>, a hash of its source.
    /// </summary>
    public static IReadOnlyDictionary<string, string> Texts(ResearchConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return Known.GetValue(config, static c =>
        {
            OrderedDictionary<string, string> texts = [];
            Add(texts, ConfigSchema.Root, c);
            return texts;
        });
    }

    /// <summary>The value or group at <paramref name="path"/>.</summary>
    /// <exception cref="ConfigException">The path is unknown, or the component there has no such option.</exception>
    public static object? Get(ResearchConfig config, string path)
    {
        ArgumentNullException.ThrowIfNull(config);
        Find(path, "configuration");
        return TryGet(config, path, out object? value) ? value : throw new ConfigException(new ConfigError("configuration", 0, path, NoOption(config, path)));
    }

    /// <summary>Gets the value at a path; false where the component there has no such option.</summary>
    public static bool TryGet(ResearchConfig config, string path, out object? value)
    {
        ArgumentNullException.ThrowIfNull(config);
        value = config;
        foreach (string part in path.Split('.'))
        {
            if (value is null || KeyOf(value, part) is not { } key)
            {
                return false;
            }
            value = key.Property.GetValue(value);
        }
        return true;
    }

    /// <summary>A copy of the configuration in which <paramref name="path"/> holds <paramref name="value"/>.</summary>
    /// <exception cref="ConfigException">The path is unknown, the type is wrong or the value out of range.</exception>
    public static ResearchConfig Set(ResearchConfig config, string path, object? value)
    {
        ArgumentNullException.ThrowIfNull(config);
        ConfigKey key = Find(path, "configuration");
        object? widened = value switch
        {
            int i when key.Type == typeof(double) => (double)i,
            int i when key.Type == typeof(long) => (long)i,
            _ => value,
        };
        return Replace(config, key, widened, out string? problem) is { } changed ? changed : throw new ConfigException(new ConfigError("configuration", 0, path, problem!));
    }

    /// <summary>Applies <c>path=value</c> as given to <c>--set</c>; the value is read as YAML of the key's type.</summary>
    /// <exception cref="ConfigException">The text is not of that form, or as for <see cref="Set"/>.</exception>
    public static ResearchConfig Apply(ResearchConfig config, string assignment)
    {
        ArgumentNullException.ThrowIfNull(config);
        (ConfigKey key, object? value) = ReadAssignment(assignment);
        return Replace(config, key, value, out string? problem) ?? throw new ConfigException(new ConfigError("--set", 0, key.Path, problem!));
    }

    /// <summary>The values below <paramref name="path"/>, a value's own or a group's, one line each: the same text for the same configuration.</summary>
    /// <exception cref="ConfigException">The path is unknown.</exception>
    public static string Canonical(ResearchConfig config, string path)
    {
        Find(path, "configuration");
        return string.Concat(Texts(config).Where(t => t.Key == path || t.Key.StartsWith(path + ".", StringComparison.Ordinal)).Select(t => $"{t.Key}: {t.Value}\n"));
    }

    internal static (ConfigKey Key, object? Value) ReadAssignment(string assignment)
    {
        const string source = "--set";
        int equals = assignment.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            throw new ConfigException(new ConfigError(source, 0, "", $"'{assignment}' is not of the form key=value"));
        }
        string path = assignment[..equals].Trim();
        ConfigKey key = Find(path, source);
        if (key.IsGroup)
        {
            throw new ConfigException(new ConfigError(source, 0, path, $"is a group of keys; set one of {string.Join(", ", key.Children.Select(c => c.Path))}"));
        }
        YamlNode node = YamlFile.ParseValue(assignment[(equals + 1)..], source, path);
        object? value = ConfigValue.Read(key, node, out string? problem);
        return problem is null ? (key, value) : throw new ConfigException(new ConfigError(source, 0, path, problem));
    }

    /// <summary>A copy with the value; null, with the problem, where the component there has no such option or takes no such value.</summary>
    internal static ResearchConfig? Replace(ResearchConfig config, ConfigKey key, object? value, out string? problem)
    {
        object? changed = Replace(config, key.Path.Split('.'), 0, value, out problem);
        problem ??= changed is null ? NoOption(config, key.Path) : null;
        return problem is null ? (ResearchConfig)changed! : null;
    }

    private static object? Replace(object record, string[] parts, int depth, object? value, out string? problem)
    {
        problem = null;
        if (KeyOf(record, parts[depth]) is not { } key)
        {
            return null;
        }
        if (depth == parts.Length - 1)
        {
            problem = ConfigValue.Check(key, value);
            return problem is null ? With(record, key.Property, value) : null;
        }
        return key.Property.GetValue(record) is { } inner && Replace(inner, parts, depth + 1, value, out problem) is { } changed ? With(record, key.Property, changed) : null;
    }

    private static object With(object record, PropertyInfo property, object? value)
    {
        object copy = record.GetType().GetMethod("<Clone>$")!.Invoke(record, null)!;
        property.SetValue(copy, value);
        return copy;
    }

    private static ConfigKey? KeyOf(object record, string name)
    {
        foreach (ConfigKey key in ConfigKey.Of(record.GetType(), ""))
        {
            if (key.Name == name)
            {
                return key;
            }
        }
        return null;
    }

    // The deepest component on the way has no option of this name.
    private static string NoOption(ResearchConfig config, string path)
    {
        string[] parts = path.Split('.');
        for (int length = parts.Length - 1; length > 0; length--)
        {
            string place = string.Join('.', parts[..length]);
            if (TryGet(config, place, out object? node) && node is ComponentConfig component)
            {
                Type seam = ConfigSchema.Find(place)!.Type;
                string[] having = [.. ComponentCatalog.Of(seam).Where(t => ConfigKey.Of(t, "").Any(k => k.Name == parts[length])).Select(ComponentCatalog.NameOf)];
                return $"{place} is {ComponentCatalog.NameOf(component.GetType())}, which has no option '{parts[length]}'"
                    + (having.Length > 0 ? $"; {string.Join(", ", having)} {(having.Length == 1 ? "has" : "have")}" : "");
            }
        }
        return "is below a key that holds nothing";
    }

    private static void Add(OrderedDictionary<string, string> texts, IReadOnlyList<ConfigKey> keys, object record)
    {
        foreach (ConfigKey key in keys)
        {
            object? value = key.Property.GetValue(record);
            if (key.IsGroup && value is not null)
            {
                Add(texts, key.Children, value);
                continue;
            }
            texts[key.Path] = value is ComponentConfig named ? ComponentCatalog.NameOf(named.GetType()) : ConfigValue.Format(value);
            string[] sources = [.. ConfigValue.Components(value).Select(c => ComponentCatalog.SourceOf(c.GetType())).OfType<ComponentSource>().Select(s => s.Hash).Distinct()];
            if (sources.Length > 0)
            {
                texts[key.Path + ConfigSchema.Source] = string.Join(", ", sources);
            }
            if (value is ComponentConfig component)
            {
                Add(texts, ConfigKey.Of(component.GetType(), key.Path + "."), component);
            }
        }
    }

    private static ConfigKey Find(string path, string source) =>
        ConfigSchema.Find(path) ?? throw new ConfigException(new ConfigError(source, 0, path, ConfigSchema.UnknownMessage(path)));
}
