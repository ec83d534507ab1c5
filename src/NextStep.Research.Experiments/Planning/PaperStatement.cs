using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary>What the paper says of an experiment's question, and where.</summary>
/// <param name="Says">The statement, in our words.</param>
/// <param name="Where">Section, table, figure, or another source.</param>
public sealed record PaperStatement(string Says, string Where)
{
    private static readonly string[] Keys = ["says", "where"];

    /// <summary>The <c>paper</c> section of a file; null where it has none.</summary>
    internal static PaperStatement? Read(ExperimentSections sections, List<ConfigError> errors)
    {
        if (sections.Find("paper") is not { } found)
        {
            return null;
        }
        Dictionary<string, string> texts = [];
        foreach ((YamlNode keyNode, YamlNode node) in (found.Value as YamlMappingNode ?? []).Children)
        {
            string key = (keyNode as YamlScalarNode)?.Value ?? "";
            if (!Keys.Contains(key))
            {
                errors.Add(new ConfigError(found.File, (int)keyNode.Start.Line, $"paper.{key}", "unknown key" + NearestName.Hint(key, Keys)));
            }
            else if (node is not YamlScalarNode { Value: { Length: > 0 } text })
            {
                errors.Add(new ConfigError(found.File, (int)keyNode.Start.Line, $"paper.{key}", $"expected a text, found {ConfigValue.Describe(node)}"));
            }
            else
            {
                texts[key] = text;
            }
        }
        if (texts.TryGetValue("says", out string? says) && texts.TryGetValue("where", out string? where))
        {
            return new PaperStatement(says, where);
        }
        if (errors.TrueForAll(e => !e.Path.StartsWith("paper.", StringComparison.Ordinal)))
        {
            errors.Add(new ConfigError(found.File, found.Line, "paper", "needs two keys: says (what the paper states) and where (section, table or figure)"));
        }
        return null;
    }
}
