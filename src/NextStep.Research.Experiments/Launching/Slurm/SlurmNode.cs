using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary>Reads the <c>slurm</c> node of an experiment file.</summary>
internal static class SlurmNode
{
    public static SlurmOptions Read(ExperimentSections sections, List<ConfigError> errors)
    {
        SlurmOptions options = new();
        if (sections.Find("slurm") is not { } found || ConfigValue.IsNull(found.Value))
        {
            return options;
        }
        if (found.Value is not YamlMappingNode mapping)
        {
            errors.Add(new ConfigError(found.File, found.Line, "slurm", $"expected keys with values, found {ConfigValue.Describe(found.Value)}; keys: {string.Join(", ", SlurmOptions.Names)}"));
            return options;
        }
        foreach ((YamlNode key, YamlNode node) in mapping.Children)
        {
            string name = (key as YamlScalarNode)?.Value ?? "";
            foreach (YamlNode item in node is YamlSequenceNode list && name == "flags" ? list.Children : [node])
            {
                try
                {
                    options = options.With(name, (item as YamlScalarNode)?.Value ?? throw new FormatException($"expected a value, found {ConfigValue.Describe(item)}"));
                }
                catch (FormatException e)
                {
                    errors.Add(new ConfigError(found.File, (int)key.Start.Line, $"slurm.{name}", e.Message));
                }
            }
        }
        return options;
    }
}
