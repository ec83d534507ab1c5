using System.Collections.Immutable;
using System.Reflection;

namespace NextStep.Research;

/// <summary>
/// The components that files may name: those of this library, and those of sources and assemblies that were brought in. Code that hands over a
/// configuration record needs no catalog; a name does.
/// </summary>
internal static class ComponentCatalog
{
    private static readonly Lock Gate = new();
    private static readonly ImmutableArray<Type> BuiltIn = [.. Components(typeof(ComponentCatalog).Assembly)];
    private static ImmutableList<Entry> _used = [];

    /// <summary>All components of a seam, the library's first.</summary>
    /// <param name="seam">An abstract record such as <see cref="TokenHeadConfig"/>.</param>
    public static IReadOnlyList<Type> Of(Type seam) => [.. BuiltIn.Concat(_used.Select(u => u.Type)).Where(seam.IsAssignableFrom)];

    /// <summary>The component of a seam by its name, or null.</summary>
    public static Type? Find(Type seam, string name) => Of(seam).FirstOrDefault(t => NameOf(t) == ComponentNames.Kebab(name));

    /// <summary>A component with its defaults.</summary>
    /// <exception cref="ArgumentException">There is none of this name; the message lists what exists.</exception>
    public static ComponentConfig Make(Type seam, string name) => Find(seam, name) is { } type
        ? (ComponentConfig)Activator.CreateInstance(type)!
        : throw new ArgumentException($"There is no {ComponentNames.OfSeam(seam)} '{name}'; there are {string.Join(", ", Of(seam).Select(NameOf))}.", nameof(name));

    /// <summary>The name of a component in files.</summary>
    public static string NameOf(Type component) => ComponentNames.Of(component);

    /// <summary>Where a component comes from; null for this library's own. One that was defined in a notebook or program is known by its name from then on.</summary>
    public static ComponentSource? SourceOf(Type component)
    {
        if (component.Assembly == typeof(ComponentCatalog).Assembly)
        {
            return null;
        }
        if (_used.Find(u => u.Type == component) is { } known)
        {
            return known.Source;
        }
        ComponentSource source = new("", CodeHash.Of(component));
        lock (Gate)
        {
            // Defined anew in a notebook: the newest is the one that its name means.
            _used = [.. _used.Where(u => u.Source.File.Length > 0 || !Same(u.Type, component)), new Entry(component, source)];
        }
        return source;
    }

    /// <summary>Brings in the components of an assembly; those that came from the same file before are forgotten.</summary>
    /// <param name="assembly">Loaded already.</param>
    /// <param name="source">Where it comes from.</param>
    /// <exception cref="ArgumentException">It has no component, one without a constructor that has no arguments, or a name exists twice; the message names both.</exception>
    public static void Use(Assembly assembly, ComponentSource source)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        ArgumentNullException.ThrowIfNull(source);
        Type[] found = [.. Components(assembly)];
        if (found.Length == 0)
        {
            throw new ArgumentException($"{source.File} defines no component: a public record that derives from {string.Join(", ", Seams())}.");
        }
        if (found.FirstOrDefault(f => f.GetConstructor(Type.EmptyTypes) is null) is { } closed)
        {
            throw new ArgumentException($"{closed.Name} has no public constructor without arguments, so it has no defaults; write its options as properties, {{ get; init; }} with a value.");
        }
        lock (Gate)
        {
            ImmutableList<Entry> others = [.. _used.Where(u => u.Source.File != source.File && (u.Source.File.Length > 0 || !found.Any(f => Same(f, u.Type))))];
            foreach (Type type in found)
            {
                Type? twin = BuiltIn.Concat(others.Select(o => o.Type)).Concat(found.TakeWhile(f => f != type)).FirstOrDefault(t => Same(t, type));
                if (twin is not null)
                {
                    throw new ArgumentException($"The {ComponentNames.OfSeam(ComponentNames.SeamOf(type))} '{NameOf(type)}' exists twice: {Place(twin, others)} and {type.Name} of {source.File}; "
                        + "give one another name, with [Component(\"name\")].");
                }
            }
            _used = [.. others, .. found.Select(f => new Entry(f, source))];
        }
    }

    /// <summary>Whether components of this content are there already.</summary>
    public static bool Has(string hash) => _used.Exists(u => u.Source.Hash == hash && u.Source.File.Length > 0);

    private static string Place(Type type, ImmutableList<Entry> others) =>
        $"{type.Name} of {others.Find(o => o.Type == type)?.Source.File ?? "this library or the same file"}";

    private static bool Same(Type a, Type b) => NameOf(a) == NameOf(b) && ComponentNames.SeamOf(a) == ComponentNames.SeamOf(b);

    private static IEnumerable<Type> Components(Assembly assembly) =>
        assembly.GetTypes().Where(t => typeof(ComponentConfig).IsAssignableFrom(t) && !t.IsAbstract && t.IsVisible).OrderBy(t => t.MetadataToken);

    private static IEnumerable<string> Seams() => typeof(ComponentCatalog).Assembly.GetTypes()
        .Where(t => t.BaseType == typeof(ComponentConfig) && t.IsAbstract).Select(t => t.Name).Order(StringComparer.Ordinal);

    private sealed record Entry(Type Type, ComponentSource Source);
}
