using System.Text.Json;
using System.Text.Json.Nodes;

namespace NextStep.Research;

/// <summary>Which code of one's own a saved model was made with: beside its settings, the hash of each component that is not built in, compared when it is loaded.</summary>
public static class MadeWith
{
    internal const string Key = "madeWith";

    /// <summary>Whether a model may be loaded with other code than it was made with: a person's word, <c>--trust</c>.</summary>
    public static bool AcceptOtherCode { get; set; }

    /// <summary>Hashes of those components that are not built in.</summary>
    internal static JsonObject Of(params IEnumerable<ComponentConfig?> components)
    {
        JsonObject sources = [];
        foreach (ComponentConfig component in components.OfType<ComponentConfig>())
        {
            if (ComponentCatalog.SourceOf(component.GetType()) is { } source)
            {
                sources[Name(component)] = source.ToString();
            }
        }
        return sources;
    }

    /// <summary>Compares with what is here.</summary>
    /// <exception cref="InvalidDataException">A component is another now, or a damaged entry.</exception>
    internal static void Check(string file, JsonObject? own, params IEnumerable<ComponentConfig?> components)
    {
        if (AcceptOtherCode || own?[Key] is not JsonObject sources)
        {
            return;
        }
        foreach (ComponentConfig component in components.OfType<ComponentConfig>())
        {
            string? then = sources[Name(component)] is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;
            ComponentSource? now = ComponentCatalog.SourceOf(component.GetType());
            if (then is not null && !then.EndsWith(" " + now?.Hash, StringComparison.Ordinal))
            {
                throw new InvalidDataException($"{file}: it was made with the {Name(component)} of {then}; the one that is here is {now?.ToString() ?? "built in"}. "
                    + "Bring the same file with --uses, or say --trust to go on with other code.");
            }
        }
    }

    private static string Name(ComponentConfig component) => $"{ComponentNames.OfSeam(ComponentNames.SeamOf(component.GetType()))} {ComponentCatalog.NameOf(component.GetType())}";
}
