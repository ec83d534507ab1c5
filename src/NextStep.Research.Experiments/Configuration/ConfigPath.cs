using System.Collections.Concurrent;
using System.Reflection;
using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary>Reads and replaces values of the immutable configuration tree by path (<c>autoencoder.noiseStrength</c>).</summary>
public static class ConfigPath
{
    private static readonly ConcurrentDictionary<string, ConfigKey[]> Chains = new();

    /// <summary>Every path that holds a value, in the order of the records.</summary>
    public static IReadOnlyList<string> All { get; } = [.. ConfigSchema.Leaves.Select(k => k.Path)];

    /// <summary>The value or group at <paramref name="path"/>.</summary>
    /// <exception cref="ConfigException">The path is unknown.</exception>
    public static object? Get(ResearchConfig config, string path)
    {
        ArgumentNullException.ThrowIfNull(config);
        Find(path, "configuration");
        object? node = config;
        foreach (ConfigKey key in Chain(path))
        {
            node = key.Property.GetValue(node);
        }
        return node;
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
        return ConfigValue.Check(key, widened) is { } problem
            ? throw new ConfigException(new ConfigError("configuration", 0, path, problem))
            : Replace(config, key, widened);
    }

    /// <summary>Applies <c>path=value</c> as given to <c>--set</c>; the value is read as YAML of the key's type.</summary>
    /// <exception cref="ConfigException">The text is not of that form, or as for <see cref="Set"/>.</exception>
    public static ResearchConfig Apply(ResearchConfig config, string assignment)
    {
        ArgumentNullException.ThrowIfNull(config);
        (ConfigKey key, object? value) = ReadAssignment(assignment);
        return Replace(config, key, value);
    }

    /// <summary>The values below <paramref name="path"/>, a value's own or a group's, one line each: the same text for the same configuration.</summary>
    /// <exception cref="ConfigException">The path is unknown.</exception>
    public static string Canonical(ResearchConfig config, string path)
    {
        ConfigKey key = Find(path, "configuration");
        IEnumerable<ConfigKey> leaves = key.IsGroup
            ? ConfigSchema.Leaves.Where(l => l.Path.StartsWith(path + ".", StringComparison.Ordinal))
            : [key];
        return string.Concat(leaves.Select(l => $"{l.Path}: {ConfigValue.Format(Get(config, l.Path))}\n"));
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

    internal static ResearchConfig Replace(ResearchConfig config, ConfigKey key, object? value) =>
        (ResearchConfig)Replace(config, Chain(key.Path), 0, value);

    private static ConfigKey Find(string path, string source) =>
        ConfigSchema.Find(path) ?? throw new ConfigException(new ConfigError(source, 0, path, ConfigSchema.UnknownMessage(path)));

    private static ConfigKey[] Chain(string path) => Chains.GetOrAdd(path, static whole =>
    {
        string[] parts = whole.Split('.');
        return [.. parts.Select((_, i) => ConfigSchema.Find(string.Join('.', parts[..(i + 1)]))!)];
    });

    private static object Replace(object record, ConfigKey[] chain, int depth, object? value)
    {
        PropertyInfo property = chain[depth].Property;
        object copy = record.GetType().GetMethod("<Clone>$")!.Invoke(record, null)!;
        property.SetValue(copy, depth == chain.Length - 1 ? value : Replace(property.GetValue(record)!, chain, depth + 1, value));
        return copy;
    }
}
