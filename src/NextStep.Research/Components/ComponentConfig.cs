namespace NextStep.Research;

/// <summary>
/// The configuration of a component, which is also its factory: an immutable record beside the component's class, with a <c>Build</c> that its
/// seam declares. Options are <c>init</c> properties, a number with <c>[Range]</c>. A component of the user is no different from one of ours.
/// </summary>
public abstract record ComponentConfig;

/// <summary>The name of a component in files, where the kebab-case of its type's name without the seam's suffix will not do.</summary>
/// <param name="name">Small letters, digits and hyphens.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ComponentAttribute(string name) : Attribute
{
    /// <summary>The name.</summary>
    public string Name { get; } = name;
}

/// <summary>Where a component comes from that is not of this library.</summary>
/// <param name="File">Its source or assembly, as it was named; empty for one that was defined in a notebook or program.</param>
/// <param name="Hash">SHA-256 of the source, of the assembly, or of the program code, 16 hexadecimal digits.</param>
internal sealed record ComponentSource(string File, string Hash)
{
    /// <summary>The hash of a content.</summary>
    public static string HashOf(byte[] content) => CodeHash.Of(content);

    /// <summary>For people: <c>energy-head.cs 1f2e3d4c5b6a7980</c>.</summary>
    public override string ToString() => $"{(File.Length > 0 ? Path.GetFileName(File) : "defined here")} {Hash}";
}
