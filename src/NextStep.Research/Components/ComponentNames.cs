using System.Reflection;
using System.Text;

namespace NextStep.Research;

/// <summary>How components and their seams are called in files.</summary>
internal static class ComponentNames
{
    /// <summary>The abstract record that stands directly below <see cref="ComponentConfig"/>: what the component can be put in the place of.</summary>
    public static Type SeamOf(Type component)
    {
        Type type = component;
        while (type.BaseType is { } parent && parent != typeof(ComponentConfig))
        {
            type = parent;
        }
        return type;
    }

    /// <summary>For people: <c>token head</c>, <c>solver</c>.</summary>
    public static string OfSeam(Type seam) => Kebab(Stem(seam.Name)).Replace('-', ' ');

    /// <summary>The attribute's name, or the kebab-case of the type's without the seam's suffix: <c>EnergyHead</c> is <c>energy</c>.</summary>
    public static string Of(Type component)
    {
        if (component.GetCustomAttribute<ComponentAttribute>() is { } given)
        {
            return given.Name;
        }
        string seam = Stem(SeamOf(component).Name), name = Stem(component.Name);
        int last = Enumerable.Range(0, seam.Length).Last(i => char.IsUpper(seam[i]));
        foreach (string suffix in (string[])[seam, seam[last..]])
        {
            if (name.Length > suffix.Length && name.EndsWith(suffix, StringComparison.Ordinal))
            {
                return Kebab(name[..^suffix.Length]);
            }
        }
        return Kebab(name);
    }

    /// <summary>Small letters with hyphens, whatever way it was written: <c>linearDecreasing</c>, <c>LinearDecreasing</c> and <c>linear-decreasing</c> are the same.</summary>
    public static string Kebab(string name)
    {
        StringBuilder text = new();
        foreach (char c in name)
        {
            if (char.IsUpper(c) && text.Length > 0 && text[^1] != '-')
            {
                text.Append('-');
            }
            text.Append(char.ToLowerInvariant(c));
        }
        return text.ToString();
    }

    private static string Stem(string name) => name.EndsWith("Config", StringComparison.Ordinal) ? name[..^6] : name;
}
