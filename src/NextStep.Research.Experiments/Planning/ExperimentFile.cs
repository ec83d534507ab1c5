using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary>
/// Reads experiment files: baseline, axes, arms, seeds and claims over a configuration, with <c>extends</c>.
/// The keys of the configuration tree stand directly in the file or below <c>config</c>.
/// </summary>
public static class ExperimentFile
{
    /// <summary>
    /// Reads a file; <paramref name="overrides"/> are <c>path=value</c> as given to <c>--set</c>: a config path, for every arm, or a
    /// part of the file: <c>seeds=[0, 1]</c>, <c>axes.autoencoder.width=[8, 16]</c>, <c>baseline.model.size=tiny</c>.
    /// </summary>
    /// <exception cref="ConfigException">Everything that is wrong, at once.</exception>
    public static Experiment Load(string file, IReadOnlyList<string>? overrides = null)
    {
        Experiment whole = Read(file, overrides, smoke: false);
        if (whole.HasSmoke && overrides is not { Count: > 0 })
        {
            Read(file, null, smoke: true); // what is wrong with the small form is told with the rest
        }
        return whole;
    }

    /// <summary>The same with the settings of the file's <c>smoke</c>, which make it small; they count more than <paramref name="overrides"/>.</summary>
    /// <exception cref="ConfigException">Everything that is wrong, at once; also that the file has no <c>smoke</c>.</exception>
    public static Experiment LoadSmoke(string file, IReadOnlyList<string>? overrides = null) =>
        Read(file, overrides, smoke: true) is { HasSmoke: true } small ? small : throw new ConfigException(new ConfigError(file, 0, "smoke", "is not there: it holds the settings that make this experiment small, such as smoke: { seeds: [0, 1], training.model.images: 2000 }"));

    private static Experiment Read(string file, IReadOnlyList<string>? overrides, bool smoke)
    {
        List<ConfigError> errors = [];
        ExperimentSections sections = ExperimentSections.Load(file, errors);
        List<Assignment> settings = [];
        foreach (string text in overrides ?? [])
        {
            try
            {
                if (!sections.TrySet(text))
                {
                    (ConfigKey key, object? value) = ConfigPath.ReadAssignment(text);
                    settings.Add(new Assignment(key, value, ExperimentSections.Set, 0));
                }
            }
            catch (ConfigException e)
            {
                errors.AddRange(e.Errors);
            }
        }
        settings.AddRange(smoke ? SmokeNode.Apply(sections, errors) : []);
        SlurmOptions slurm = SlurmNode.Read(sections, errors);
        Experiment? experiment = new ExperimentReader(sections, settings, errors).Read();
        return errors.Count > 0 || experiment is null ? throw new ConfigException([.. errors.Distinct()]) : experiment with { Slurm = slurm, Uses = sections.Uses };
    }

    /// <summary>Reads only the configuration of a file: that of the baseline. Plain configuration files work too.</summary>
    /// <exception cref="ConfigException">Everything that is wrong, at once.</exception>
    public static ResearchConfig LoadBaseline(string file, IReadOnlyList<string>? overrides = null) => Load(file, overrides).Arms[0].Config;
}

/// <summary>A file and those it extends, merged: configuration keys one by one, any other section as a whole.</summary>
internal sealed class ExperimentSections
{
    private const int LongestChain = 16;

    public static IReadOnlyList<string> Names { get; } = ["name", "question", "extends", "config", "baseline", "axes", "arms", "zip", "seeds", "measure", "pareto", "claims", "search", "slurm", "uses", "paper", "sceptic", "smoke"];

    /// <summary>Stands for the file where a value came from the command line.</summary>
    public const string Set = "--set";

    private static readonly string[] Whole = ["name", "question", "seeds", "measure", "pareto"];
    private static readonly string[] Mappings = ["axes", "zip", "baseline", "config"];
    private readonly Dictionary<string, (string File, YamlNode Key, YamlNode Value)> _sections = [];
    private readonly HashSet<YamlNode> _set = new(ReferenceEqualityComparer.Instance);

    /// <summary>The file that was asked for.</summary>
    public required string File { get; init; }

    /// <summary>Sources and assemblies of components, the extended files' first.</summary>
    public List<UsedFile> Uses { get; } = [];

    /// <summary>Values of the baseline's configuration; later ones count: the extended files' first, and within a file its <c>baseline</c> last.</summary>
    public List<Assignment> Values { get; } = [];

    public static ExperimentSections Load(string file, List<ConfigError> errors)
    {
        ExperimentSections sections = new() { File = file };
        sections.Add(file, [], errors);
        return sections;
    }

    /// <summary>A section's node with the file it came from, or null.</summary>
    public (string File, int Line, YamlNode Value)? Find(string name) =>
        _sections.TryGetValue(name, out (string File, YamlNode Key, YamlNode Value) s) ? (s.File, (int)s.Key.Start.Line, s.Value) : null;

    /// <summary>Where an axis of a config path stands, or null.</summary>
    public (string File, int Line)? FindAxis(string path)
    {
        foreach (string section in (string[])["axes", "zip"])
        {
            if (Find(section) is { Value: YamlMappingNode mapping } found && mapping.Children.FirstOrDefault(c => c.Key is YamlScalarNode { Value: { } name } && name == path) is { Key: { } key, Value: { } value })
            {
                return Source(value, found.File, (int)key.Start.Line);
            }
        }
        return null;
    }

    /// <summary>Where a node came from.</summary>
    public (string File, int Line) Source(YamlNode node, string file, int line) => _set.Contains(node) ? (Set, 0) : (file, line);

    /// <summary>Puts a section's value in place of that in the file.</summary>
    public void Replace(string name, YamlNode value) => _sections[name] = _sections[name] with { Value = value };

    /// <summary>Applies <c>seeds=…</c>, <c>axes.PATH=…</c> and the like; false where the text names no section.</summary>
    /// <exception cref="ConfigException">The value is no YAML, or a key is unknown.</exception>
    public bool TrySet(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string path = equals < 0 ? "" : text[..equals].Trim(), first = path.Split('.')[0], rest = path[Math.Min(path.Length, first.Length + 1)..];
        if (!NamesSection(path))
        {
            return false;
        }
        if (first is "baseline" or "config")
        {
            (ConfigKey key, object? typed) = ConfigPath.ReadAssignment(rest + text[equals..]);
            Values.Add(new Assignment(key, typed, Set, 0));
            return true;
        }
        YamlNode value = YamlFile.ParseValue(text[(equals + 1)..], Set, path);
        Override(Set, new YamlScalarNode(path), value);
        if (rest.Length > 0)
        {
            _set.Add(value);
        }
        return true;
    }

    /// <summary>Whether a path is a section that takes another value, or a part of one.</summary>
    public static bool NamesSection(string path) => Whole.Contains(path) || (path.Split('.', 2) is [string first, { Length: > 0 }] && Mappings.Contains(first));

    /// <summary>Puts a value in place of a section, or of a part of it (<c>axes.PATH</c>).</summary>
    public void Override(string file, YamlNode key, YamlNode value)
    {
        string[] path = (((YamlScalarNode)key).Value ?? "").Split('.', 2);
        if (path.Length == 1)
        {
            _sections[path[0]] = (file, key, value);
            return;
        }
        if (!_sections.TryGetValue(path[0], out (string File, YamlNode Key, YamlNode Value) section) || section.Value is not YamlMappingNode mapping)
        {
            _sections[path[0]] = (file, key, mapping = []);
        }
        mapping.Children[new YamlScalarNode(path[1])] = value;
    }

    private void Add(string file, List<string> chain, List<ConfigError> errors)
    {
        YamlMappingNode root;
        try
        {
            root = YamlFile.Load(file);
        }
        catch (ConfigException e)
        {
            errors.AddRange(e.Errors);
            return;
        }
        chain = [.. chain, Path.GetFullPath(file)];
        if (root.Children.TryGetValue(new YamlScalarNode("extends"), out YamlNode? parent))
        {
            Extend(file, parent, chain, errors);
        }
        if (root.Children.TryGetValue(new YamlScalarNode("uses"), out YamlNode? uses))
        {
            AddUses(file, uses, errors);
        }
        Values.AddRange(Assignment.Collect(root, file, errors, name => ConfigSchema.Find(name.Split('.')[0]) is null));
        foreach ((YamlNode key, YamlNode value) in root.Children.OrderBy(c => c.Key is YamlScalarNode { Value: "baseline" }))
        {
            string name = (key as YamlScalarNode)?.Value ?? "";
            string first = name.Split('.')[0];
            if (name is "config" or "baseline")
            {
                AddValues(name, file, key, value, errors);
            }
            else if (Names.Contains(name))
            {
                _sections[name] = (file, key, value);
            }
            else if (ConfigSchema.Find(first) is null)
            {
                errors.Add(new ConfigError(file, (int)key.Start.Line, name, "unknown key" + NearestName.Hint(first, [.. Names, .. ConfigSchema.Root.Select(k => k.Name)])));
            }
        }
    }

    // Before any value is read: it may name a component of these files.
    private void AddUses(string file, YamlNode node, List<ConfigError> errors)
    {
        foreach (YamlNode item in node is YamlSequenceNode list ? list.Children : [node])
        {
            if (item is not YamlScalarNode { Value: { Length: > 0 } relative })
            {
                errors.Add(new ConfigError(file, (int)item.Start.Line, "uses", $"expected the name of a file, found {ConfigValue.Describe(item)}"));
            }
            else if (UsedComponents.Use(file, Path.Combine(Path.GetDirectoryName(file) ?? "", relative), (int)item.Start.Line, errors) is { } used && Uses.All(u => u.Hash != used.Hash))
            {
                Uses.Add(used);
            }
        }
    }

    private void AddValues(string name, string file, YamlNode key, YamlNode value, List<ConfigError> errors)
    {
        if (value is YamlMappingNode mapping)
        {
            Values.AddRange(Assignment.Collect(mapping, file, errors));
        }
        else if (!ConfigValue.IsNull(value))
        {
            errors.Add(new ConfigError(file, (int)key.Start.Line, name, $"expected config keys with values, found {ConfigValue.Describe(value)}"));
        }
    }

    private void Extend(string file, YamlNode parent, List<string> chain, List<ConfigError> errors)
    {
        int line = (int)parent.Start.Line;
        if (parent is not YamlScalarNode { Value: { Length: > 0 } relative })
        {
            errors.Add(new ConfigError(file, line, "extends", $"expected the name of a file, found {ConfigValue.Describe(parent)}"));
            return;
        }
        string target = Path.Combine(Path.GetDirectoryName(file) ?? "", relative);
        if (chain.Contains(Path.GetFullPath(target)))
        {
            errors.Add(new ConfigError(file, line, "extends", $"'{relative}' extends this file in turn"));
        }
        else if (chain.Count >= LongestChain)
        {
            errors.Add(new ConfigError(file, line, "extends", $"more than {LongestChain} files extend each other"));
        }
        else if (!System.IO.File.Exists(target))
        {
            string[] near = Directory.Exists(Path.GetDirectoryName(target)) ? [.. Directory.EnumerateFiles(Path.GetDirectoryName(target)!, "*.yaml").Select(f => Path.GetFileName(f)!)] : [];
            string hint = NearestName.Find(Path.GetFileName(target), near) is { } found ? $"; did you mean '{found}'?" : "";
            errors.Add(new ConfigError(file, line, "extends", $"there is no file {target}{hint}"));
        }
        else
        {
            Add(target, chain, errors);
        }
    }
}
