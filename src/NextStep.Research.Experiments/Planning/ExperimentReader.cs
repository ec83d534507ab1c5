using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary>Turns the merged sections of an experiment file into an <see cref="Experiment"/>, collecting errors on the way.</summary>
internal sealed class ExperimentReader(ExperimentSections sections, IReadOnlyList<Assignment> settings, List<ConfigError> errors)
{

    /// <summary>Null when an error makes the arms meaningless.</summary>
    public Experiment? Read()
    {
        string name = ReadText("name") ?? Path.GetFileNameWithoutExtension(sections.File);
        if (name.Length is 0 or > 100 || !char.IsAsciiLetterOrDigit(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
        {
            Report("name", $"'{name}' also names a folder: letters, digits, '-', '_' and '.', at most 100");
        }
        string question = ReadText("question") ?? "";
        IReadOnlyList<Axis> axes = [.. ReadAxes("axes"), .. ReadAxes("zip")];
        IReadOnlyList<ArmSource> named = ReadArms();
        List<long> seeds = ReadSeeds();
        IReadOnlyList<string> measure = ReadList("measure", "a metric's name");
        IReadOnlyList<Claim> claims = ReadClaims();
        CheckSettings(axes);
        if (errors.Count > 0)
        {
            return null;
        }
        ResearchConfig config = Assignment.Apply(new ResearchConfig(), [.. sections.Config, .. sections.Baseline, .. settings]);
        IReadOnlyList<Arm> arms = new ArmBuilder(config, axes, named).Build(errors);
        foreach (Claim claim in claims)
        {
            errors.AddRange(claim.Check(arms, [.. axes.Select(a => a.Key.Path)]).Select(m => new ConfigError(claim.File, claim.Line, "claims", m)));
        }
        return new Experiment
        {
            Name = name,
            Question = question,
            Arms = arms,
            Axes = [.. axes.Select(a => a.Key.Path)],
            Seeds = seeds.Count > 0 ? seeds : [config.Seed],
            Measure = measure,
            Claims = claims,
        };
    }

    private List<Axis> ReadAxes(string section)
    {
        List<Axis> axes = [];
        if (Mapping(section) is not { } found)
        {
            return axes;
        }
        foreach ((YamlNode keyNode, YamlNode node) in found.Mapping.Children)
        {
            (string path, int line) = ((keyNode as YamlScalarNode)?.Value ?? "", (int)keyNode.Start.Line);
            string where = $"{section}.{path}";
            if (ConfigSchema.Find(path) is not { } key)
            {
                errors.Add(new ConfigError(found.File, line, where, ConfigSchema.UnknownMessage(path)));
            }
            else if (key.IsGroup || path == "seed")
            {
                errors.Add(new ConfigError(found.File, line, where, key.IsGroup
                    ? $"is a group of keys; name one of {string.Join(", ", key.Children.Select(c => c.Path))}"
                    : "repeats belong under seeds"));
            }
            else if (node is not YamlSequenceNode { Children.Count: > 0 } list)
            {
                errors.Add(new ConfigError(found.File, line, where, node is YamlSequenceNode ? "the axis is empty; give it at least one value" : $"expected a list of values, found {ConfigValue.Describe(node)}"));
            }
            else
            {
                axes.Add(new Axis(key, ReadAxisValues(key, list, found.File, where), section == "zip"));
            }
        }
        if (section == "zip" && axes.Select(a => a.Values.Count).Distinct().Count() > 1 && errors.Count == 0)
        {
            errors.Add(new ConfigError(found.File, found.Line, "zip", $"lists walked together must have equal lengths, found {string.Join(", ", axes.Select(a => $"{a.Key.Path}: {a.Values.Count}"))}"));
        }
        return axes;
    }

    private List<object?> ReadAxisValues(ConfigKey key, YamlSequenceNode list, string file, string where)
    {
        List<object?> values = [];
        foreach (YamlNode item in list)
        {
            object? value = ConfigValue.Read(key, item, out string? problem);
            problem ??= values.Any(v => ConfigValue.AreEqual(v, value)) && !where.StartsWith("zip", StringComparison.Ordinal) ? $"{ConfigValue.Format(value)} stands twice" : null;
            if (problem is not null)
            {
                errors.Add(new ConfigError(file, (int)item.Start.Line, where, problem));
            }
            values.Add(value);
        }
        return values;
    }

    private List<ArmSource> ReadArms()
    {
        List<ArmSource> arms = [];
        if (Mapping("arms") is not { } found)
        {
            return arms;
        }
        foreach ((YamlNode keyNode, YamlNode node) in found.Mapping.Children)
        {
            (string name, int line) = ((keyNode as YamlScalarNode)?.Value ?? "", (int)keyNode.Start.Line);
            if (node is not YamlMappingNode { Children.Count: > 0 } mapping)
            {
                errors.Add(new ConfigError(found.File, line, $"arms.{name}", $"expected what differs from the baseline, as keys with values, found {ConfigValue.Describe(node)}"));
                continue;
            }
            if (name is "" or Arm.Baseline || name.Length > 100 || name.Any(c => char.IsControl(c) || c is '[' or ']'))
            {
                errors.Add(new ConfigError(found.File, line, $"arms.{name}", "is no name for an arm: not empty, not 'baseline', no brackets, at most 100 characters"));
            }
            IReadOnlyList<Assignment> values = Assignment.Collect(mapping, found.File, errors);
            if (values.Any(v => v.Key.Path == "seed"))
            {
                errors.Add(new ConfigError(found.File, line, $"arms.{name}", "an arm cannot set the seed; repeats belong under seeds"));
            }
            arms.Add(new ArmSource(name, values, found.File, line));
        }
        return arms;
    }

    private List<long> ReadSeeds()
    {
        List<long> seeds = [];
        foreach ((string text, int line) in Items("seeds", "a whole number"))
        {
            if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long seed))
            {
                Report("seeds", $"'{text}' is not a whole number from 0 on", line);
            }
            else if (seeds.Contains(seed))
            {
                Report("seeds", $"{seed} stands twice", line);
            }
            else
            {
                seeds.Add(seed);
            }
        }
        return seeds;
    }

    private List<string> ReadList(string section, string what) => [.. Items(section, what).Select(i => i.Text)];

    private List<Claim> ReadClaims()
    {
        List<Claim> claims = [];
        if (sections.Find("claims") is not { } found || ConfigValue.IsNull(found.Value))
        {
            return claims;
        }
        foreach (YamlNode node in found.Value is YamlSequenceNode list ? list.Children : [found.Value])
        {
            int line = (int)node.Start.Line;
            if (node is not YamlMappingNode mapping || mapping.Children.Keys.Any(k => k is not YamlScalarNode { Value: "say" or "test" })
                || Text(mapping, "say") is not { } say || Text(mapping, "test") is not { } test)
            {
                errors.Add(new ConfigError(found.File, line, "claims", "every claim has exactly two keys: say (a sentence) and test (for instance 'frechet[0.5] < frechet[0]')"));
                continue;
            }
            try
            {
                claims.Add(Claim.Parse(say, test) with { File = found.File, Line = line });
            }
            catch (FormatException e)
            {
                errors.Add(new ConfigError(found.File, line, "claims.test", e.Message));
            }
        }
        return claims;
    }

    private void CheckSettings(IReadOnlyList<Axis> axes)
    {
        foreach (Assignment setting in settings)
        {
            if (axes.Any(a => a.Key == setting.Key))
            {
                errors.Add(new ConfigError("--set", 0, setting.Key.Path, "is an axis of this experiment; choose among its arms with --only"));
            }
            if (setting.Key.Path == "seed" && sections.Find("seeds") is not null)
            {
                errors.Add(new ConfigError("--set", 0, "seed", "this experiment lists its seeds; change them in the file"));
            }
        }
    }

    private IEnumerable<(string Text, int Line)> Items(string section, string what)
    {
        if (sections.Find(section) is not { } found)
        {
            yield break;
        }
        if (found.Value is not YamlSequenceNode { Children.Count: > 0 } list)
        {
            Report(section, found.Value is YamlSequenceNode ? "the list is empty" : $"expected a list, found {ConfigValue.Describe(found.Value)}");
            yield break;
        }
        foreach (YamlNode node in list)
        {
            if (node is YamlScalarNode { Value: { Length: > 0 } text })
            {
                yield return (text, (int)node.Start.Line);
            }
            else
            {
                Report(section, $"expected {what}, found {ConfigValue.Describe(node)}", (int)node.Start.Line);
            }
        }
    }

    private (string File, int Line, YamlMappingNode Mapping)? Mapping(string section)
    {
        if (sections.Find(section) is not { } found || ConfigValue.IsNull(found.Value))
        {
            return null;
        }
        if (found.Value is YamlMappingNode mapping)
        {
            return (found.File, found.Line, mapping);
        }
        Report(section, $"expected keys with values, found {ConfigValue.Describe(found.Value)}");
        return null;
    }

    private string? ReadText(string section)
    {
        if (sections.Find(section) is not { } found)
        {
            return null;
        }
        if (found.Value is YamlScalarNode { Value: { Length: > 0 } text })
        {
            return text;
        }
        Report(section, $"expected a text, found {ConfigValue.Describe(found.Value)}");
        return null;
    }

    private static string? Text(YamlMappingNode mapping, string key) =>
        mapping.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? node) && node is YamlScalarNode { Value: { Length: > 0 } text } ? text : null;

    private void Report(string section, string message, int? line = null) =>
        errors.Add(new ConfigError(sections.Find(section)?.File ?? sections.File, line ?? sections.Find(section)?.Line ?? 0, section, message));
}
