using System.Collections.Concurrent;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;

namespace NextStep.Research.Experiments;

/// <summary>One key of the configuration tree; keys of one path are equal.</summary>
internal sealed class ConfigKey : IEquatable<ConfigKey>
{
    private static readonly ConcurrentDictionary<(Type, string), IReadOnlyList<ConfigKey>> Known = new();
    private readonly IReadOnlyList<ConfigKey> _children;

    private ConfigKey(string path, string name, PropertyInfo property, bool nullable)
    {
        Path = path;
        Name = name;
        Nullable = nullable;
        Property = property;
        Type = System.Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        Range = property.GetCustomAttribute<RangeAttribute>();
        Rule = property.GetCustomAttributes<ValidationAttribute>().FirstOrDefault(a => a is not RangeAttribute);
        KeepsBits = property.IsDefined(typeof(KeepsBitsAttribute));
        IsLater = property.IsDefined(typeof(LaterOptionAttribute));
        IsComponent = typeof(ComponentConfig).IsAssignableFrom(Type);
        _children = !IsComponent && IsGroupType(Type) ? Of(Type, path + ".") : [];
    }

    public string Path { get; }

    public string Name { get; }

    public PropertyInfo Property { get; }

    /// <summary>The value's type without <c>Nullable&lt;&gt;</c>.</summary>
    public Type Type { get; }

    public bool Nullable { get; }

    public RangeAttribute? Range { get; }

    /// <summary>What else a value must be.</summary>
    public ValidationAttribute? Rule { get; }

    /// <summary>Whether no result depends on it; see <see cref="KeepsBitsAttribute"/>.</summary>
    public bool KeepsBits { get; }

    /// <summary>Whether its default is in no key; see <see cref="LaterOptionAttribute"/>.</summary>
    public bool IsLater { get; }

    /// <summary>Keys of a group; of a component, the options of all components that can stand here.</summary>
    public IReadOnlyList<ConfigKey> Children => IsComponent ? [.. ComponentCatalog.Of(Type).SelectMany(t => Of(t, Path + ".")).DistinctBy(k => k.Name)] : _children;

    public bool IsGroup => _children.Count > 0;

    /// <summary>Whether it holds a component: a value that has keys of its own.</summary>
    public bool IsComponent { get; }

    /// <summary>The keys of a record, <paramref name="prefix"/> before their names.</summary>
    public static IReadOnlyList<ConfigKey> Of(Type type, string prefix) => Known.GetOrAdd((type, prefix), static key =>
    {
        NullabilityInfoContext nullability = new();
        return
        [
            .. key.Item1.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(p => p.SetMethod is not null).OrderBy(p => Depth(p.DeclaringType!)).ThenBy(p => p.MetadataToken)
                .Select(p => (Property: p, Name: JsonNamingPolicy.CamelCase.ConvertName(p.Name)))
                .Select(p => new ConfigKey(key.Item2 + p.Name, p.Name, p.Property, nullability.Create(p.Property).ReadState == NullabilityState.Nullable)),
        ];
    });

    public bool Equals(ConfigKey? other) => other is not null && Path == other.Path;

    public override bool Equals(object? obj) => Equals(obj as ConfigKey);

    public override int GetHashCode() => Path.GetHashCode(StringComparison.Ordinal);

    public static bool operator ==(ConfigKey? a, ConfigKey? b) => a?.Path == b?.Path;

    public static bool operator !=(ConfigKey? a, ConfigKey? b) => !(a == b);

    private static int Depth(Type type) => type.BaseType is { } parent ? 1 + Depth(parent) : 0;

    private static bool IsGroupType(Type type) => type.IsClass && type != typeof(string) && type.GetMethod("<Clone>$") is not null;
}

/// <summary>The keys of <see cref="ResearchConfig"/> by path, taken from the records themselves.</summary>
internal static class ConfigSchema
{
    /// <summary>What is written for the source of a component that is not built in, behind the component's own path.</summary>
    public const string Source = ".source";

    /// <summary>data, autoencoder, model, …</summary>
    public static IReadOnlyList<ConfigKey> Root { get; } = ConfigKey.Of(typeof(ResearchConfig), "");

    /// <summary>The key of a path, an option of any known component among them; null where there is none.</summary>
    public static ConfigKey? Find(string path)
    {
        IReadOnlyList<ConfigKey> keys = Root;
        ConfigKey? found = null;
        foreach (string part in path.Split('.'))
        {
            found = keys.FirstOrDefault(k => k.Name == part);
            if (found is null)
            {
                return null;
            }
            keys = found.Children;
        }
        return found;
    }

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
            if (!key.IsGroup && key.Children.Count == 0)
            {
                return $"unknown key: '{key.Path}' holds a value, nothing is below it";
            }
            keys = key.Children;
            prefix = key.Path + ".";
        }
        // Within its group first; a path with a wrong or missing group is looked up in the whole tree.
        string wrong = path[prefix.Length..];
        string? nearest = NearestName.Find(wrong, keys.Select(k => k.Name)) is { } local ? prefix + local : NearestName.Find(path, Root.SelectMany(Flatten).Select(k => k.Path));
        return nearest is not null ? $"unknown key; did you mean '{nearest}'?" : $"unknown key; known: {string.Join(", ", keys.Select(k => k.Name))}";
    }

    private static IEnumerable<ConfigKey> Flatten(ConfigKey key) => key.Children.SelectMany(Flatten).Prepend(key);
}
