using System.Text;
using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary>The configuration tree as YAML: keys are the records' property names in camelCase.</summary>
internal static class ConfigYaml
{
    /// <summary>Reads a file over the defaults; keys that are absent keep them.</summary>
    /// <exception cref="ConfigException">All errors of the file at once, with lines and nearest names.</exception>
    public static ResearchConfig Load(string file) => Bind(YamlFile.Load(file), file);

    /// <summary>Reads text; <paramref name="file"/> is the name for messages.</summary>
    /// <exception cref="ConfigException">As for <see cref="Load"/>.</exception>
    public static ResearchConfig Parse(string text, string file) => Bind(YamlFile.Parse(text, file), file);

    /// <summary>The whole tree, defaults included, in the order of the records: the same text for the same configuration.</summary>
    public static string Write(ResearchConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        StringBuilder text = new();
        Write(text, ConfigSchema.Root, config, "");
        return text.ToString();
    }

    private static ResearchConfig Bind(YamlMappingNode root, string file)
    {
        List<ConfigError> errors = [];
        IReadOnlyList<Assignment> assignments = Assignment.Collect(root, file, errors);
        ResearchConfig config = Assignment.Apply(new ResearchConfig(), assignments, errors);
        return errors.Count > 0 ? throw new ConfigException(errors) : config;
    }

    private static void Write(StringBuilder text, IReadOnlyList<ConfigKey> keys, object record, string indent)
    {
        foreach (ConfigKey key in keys)
        {
            object? value = key.Property.GetValue(record);
            IReadOnlyList<ConfigKey> below = key.IsGroup ? key.Children : value is ComponentConfig component ? ConfigKey.Of(component.GetType(), key.Path + ".") : [];
            if (below.Count > 0)
            {
                text.Append(indent).Append(key.Name).Append(":\n");
                if (key.IsComponent)
                {
                    text.Append(indent).Append("  type: ").Append(ComponentCatalog.NameOf(value!.GetType())).Append('\n');
                }
                Write(text, below, value!, indent + "  ");
            }
            else
            {
                text.Append(indent).Append(key.Name).Append(": ").Append(ConfigValue.Format(value)).Append('\n');
            }
        }
    }
}
