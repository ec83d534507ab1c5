using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary>The <c>smoke</c> section of a file: settings that shrink the experiment to a minute or so, by the same paths as <c>--set</c>.</summary>
internal static class SmokeNode
{
    /// <summary>Puts the seeds, measures and axes that it names in place of the file's; returns its config values.</summary>
    public static IReadOnlyList<Assignment> Apply(ExperimentSections sections, List<ConfigError> errors)
    {
        if (sections.Find("smoke") is not { } found)
        {
            return [];
        }
        if (found.Value is not YamlMappingNode { Children.Count: > 0 } mapping)
        {
            errors.Add(new ConfigError(found.File, found.Line, "smoke", $"expected settings that make it small, such as training.model.images: 2000 and seeds: [0, 1], found {ConfigValue.Describe(found.Value)}"));
            return [];
        }
        foreach ((YamlNode key, YamlNode value) in mapping.Children)
        {
            if (NamesSection(key))
            {
                sections.Override(found.File, key, value);
            }
        }
        return Assignment.Collect(mapping, found.File, errors, name => NamesSection(new YamlScalarNode(name)));
    }

    private static bool NamesSection(YamlNode key) => key is YamlScalarNode { Value: { } path } && ExperimentSections.NamesSection(path) && path.Split('.')[0] is "seeds" or "measure" or "axes" or "zip";
}
