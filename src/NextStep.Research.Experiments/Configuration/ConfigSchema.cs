using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;

namespace NextStep.Research.Experiments;

/// <summary>One key of the configuration tree.</summary>
internal sealed class ConfigKey
{
    private ConfigKey(string path, string name, PropertyInfo property, bool nullable)
    {
        Path = path;
        Name = name;
        Property = property;
        Nullable = nullable;
        Type = System.Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        Range = property.GetCustomAttribute<RangeAttribute>();
        KeepsBits = property.IsDefined(typeof(KeepsBitsAttribute));
        Children = IsGroupType(Type) ? Of(Type, path + ".") : [];
    }

    public string Path { get; }

    public string Name { get; }

    public PropertyInfo Property { get; }

    /// <summary>The value's type without <c>Nullable&lt;&gt;</c>.</summary>
    public Type Type { get; }

    public bool Nullable { get; }

    public RangeAttribute? Range { get; }

    /// <summary>Whether no result depends on it; see <see cref="KeepsBitsAttribute"/>.</summary>
    public bool KeepsBits { get; }

    public IReadOnlyList<ConfigKey> Children { get; }

    public bool IsGroup => Children.Count > 0;

    public static IReadOnlyList<ConfigKey> Of(Type type, string prefix)
    {
        NullabilityInfoContext nullability = new();
        return
        [
            .. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(p => p.SetMethod is not null)
                .Select(p => (Property: p, Name: JsonNamingPolicy.CamelCase.ConvertName(p.Name)))
                .Select(p => new ConfigKey(prefix + p.Name, p.Name, p.Property, nullability.Create(p.Property).ReadState == NullabilityState.Nullable)),
        ];
    }

    private static bool IsGroupType(Type type) => type.IsClass && type != typeof(string) && type.GetMethod("<Clone>$") is not null;
}

/// <summary>The keys of <see cref="ResearchConfig"/> by path, taken from the records themselves.</summary>
internal static class ConfigSchema
{
    /// <summary>data, autoencoder, model, …</summary>
    public static IReadOnlyList<ConfigKey> Root { get; } = ConfigKey.Of(typeof(ResearchConfig), "");

    private static readonly Dictionary<string, ConfigKey> ByPath = Root.SelectMany(Flatten).ToDictionary(k => k.Path, StringComparer.Ordinal);

    /// <summary>Every key that holds a value, in the order of the records.</summary>
    public static IReadOnlyList<ConfigKey> Leaves { get; } = [.. Root.SelectMany(Flatten).Where(k => !k.IsGroup)];

    public static ConfigKey? Find(string path) => ByPath.GetValueOrDefault(path);

    /// <summary>What is wrong with a path that is not known, with the nearest known one.</summary>
    public static string UnknownMessage(string path)
    {
        string[] parts = path.Split('.');
        IReadOnlyList<ConfigKey> keys = Root;
        string prefix = "";
        foreach (string part in parts)
        {
            ConfigKey? key = keys.FirstOrDefault(k => k.Name == part);
            if (key is null)
            {
                break;
            }
            if (!key.IsGroup)
            {
                return $"unknown key: '{key.Path}' holds a value, nothing is below it";
            }
            keys = key.Children;
            prefix = key.Path + ".";
        }
        // Within its group first; a path with a wrong or missing group is looked up in the whole tree.
        string wrong = path[prefix.Length..];
        string? nearest = NearestName.Find(wrong, keys.Select(k => k.Name)) is { } local ? prefix + local : NearestName.Find(path, ByPath.Keys);
        return nearest is not null ? $"unknown key; did you mean '{nearest}'?" : $"unknown key; known: {string.Join(", ", keys.Select(k => k.Name))}";
    }

    private static IEnumerable<ConfigKey> Flatten(ConfigKey key) => key.Children.SelectMany(Flatten).Prepend(key);
}
