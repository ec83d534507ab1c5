using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace NextStep.Research.Experiments;

/// <summary>Turns the merged sections of an experiment file into an <see cref="Experiment"/>, collecting errors on the way.</summary>
internal sealed class ExperimentReader(ExperimentSections sections, IReadOnlyList<Assignment> settings, List<ConfigError> errors)
{
    /// <summary>Null when an error makes the arms meaningless.</summary>
    public Experiment? Read()
    {
        SearchReader searching = new(sections, errors);
        SearchPlan? search = searching.Read();
        IReadOnlyList<Axis> axes = [.. ReadAxes("axes"), .. ReadAxes("zip"), .. searching.Axes];
        IReadOnlyList<ArmSource> named = ReadArms();
        CheckAxes(axes);
        bool hasArms = errors.Count == 0;
        string name = ReadText("name") ?? Path.GetFileNameWithoutExtension(sections.File);
        if (name.Length is 0 or > 100 || !char.IsAsciiLetterOrDigit(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
        {
            Report("name", $"'{name}' also names a folder: letters, digits, '-', '_' and '.', at most 100");
        }
        string question = ReadText("question") ?? "", sceptic = ReadText("sceptic") ?? "", pareto = ReadText("pareto") ?? "";
        PaperStatement? paper = PaperStatement.Read(sections, errors);
        List<long> seeds = ReadSeeds();
        IReadOnlyList<string> measure = ReadList("measure", "a metric's name");
        IReadOnlyList<Claim> claims = ReadClaims();
        if (!hasArms)
        {
            return null;
        }
        ResearchConfig config = Measured(Assignment.Apply(new ResearchConfig(), [.. sections.Values, .. settings], errors), measure);
        ArmBuilder builder = new(config, axes, named);
        IReadOnlyList<Arm> arms = builder.Build(errors);
        if (search is not null)
        {
            searching.Check(search, arms);
        }
        if (arms.Count > 0)
        {
            errors.AddRange(claims.SelectMany(c => c.Check(arms, builder.LeftOut, [.. axes.Select(a => a.Key.Path)]).Select(m => new ConfigError(c.File, c.Line, "claims", m))));
            errors.AddRange(new ValueOrigins(sections, settings, named).Check(arms));
            CheckMetrics(arms, claims, search, pareto);
        }
        return new Experiment
        {
            Name = name,
            Question = question,
            Paper = paper,
            Sceptic = sceptic,
            HasSmoke = sections.Find("smoke") is not null,
            Arms = arms,
            Axes = [.. axes.Select(a => a.Key.Path)],
            AxisValues = axes.ToDictionary(a => a.Key.Path, a => new PlannedAxis([.. a.Values.Select(ConfigValue.Format)], a.Log)),
            Seeds = seeds.Count > 0 ? seeds : [config.Seed],
            Measure = measure,
            Pareto = pareto,
            Claims = claims,
            Search = search,
            LeftOut = builder.LeftOut,
        };
    }

    // A component that measure names, and the configuration does not, is measured with its defaults.
    private static ResearchConfig Measured(ResearchConfig config, IReadOnlyList<string> measure)
    {
        const string artifacts = "artifacts.";
        IReadOnlyList<Metric> metrics = Named(config.Evaluation.Metrics, measure);
        IReadOnlyList<DetectorConfig> before = config.Evaluation.Detectors ?? ArtifactSuite.Kit;
        IReadOnlyList<DetectorConfig> detectors = Named(before, measure.Where(m => m.StartsWith(artifacts, StringComparison.Ordinal)).Select(m => m[artifacts.Length..]));
        return metrics == config.Evaluation.Metrics && detectors == before ? config
            : config with { Evaluation = config.Evaluation with { Metrics = metrics, Detectors = detectors == before ? config.Evaluation.Detectors : detectors } };
    }

    private static IReadOnlyList<T> Named<T>(IReadOnlyList<T> there, IEnumerable<string> names)
        where T : ComponentConfig
    {
        T[] more = [.. names.Select(n => ComponentCatalog.Find(typeof(T), n)).OfType<Type>().Distinct()
            .Where(t => there.All(m => ComponentCatalog.NameOf(m.GetType()) != ComponentCatalog.NameOf(t))).Select(t => (T)Activator.CreateInstance(t)!)];
        return more.Length == 0 ? there : [.. there, .. more];
    }

    private void CheckMetrics(IReadOnlyList<Arm> arms, IReadOnlyList<Claim> claims, SearchPlan? search, string pareto)
    {
        KnownMetrics known = new([.. arms.Select(a => a.Config)]);
        foreach ((string text, int line) in sections.Find("measure") is { Value: YamlSequenceNode } ? Items("measure", "a metric's name") : [])
        {
            if (known.Problem(text) is { } problem)
            {
                Report("measure", problem, line);
            }
        }
        if (search is { Metric.Length: > 0 } && (search.Metric.AsSpan().ContainsAny('*', '?') ? $"'{search.Metric}' is a pattern; arms are ranked by one metric" : known.Problem(search.Metric)) is { } wrong)
        {
            Report("search.metric", wrong, sections.Find("search")!.Value.Line);
        }
        if (pareto.Length > 0 && (pareto.AsSpan().ContainsAny('*', '?') ? $"'{pareto}' is a pattern; the price is one metric" : known.Problem(pareto)) is { } unpriced)
        {
            Report("pareto", unpriced, sections.Find("pareto")!.Value.Line);
        }
        errors.AddRange(claims.SelectMany(c => c.Metrics().Select(known.Problem).OfType<string>().Select(p => new ConfigError(c.File, c.Line, "claims", p))));
    }

    private List<Axis> ReadAxes(string section) =>
        Mapping(section) is { } found ? new AxisReader(section, sections, errors).Read(found.File, found.Line, found.Mapping) : [];

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
            IReadOnlyList<Assignment> values = Assignment.Collect(mapping, found.File, errors, key => key == "when");
            IReadOnlyList<Condition> when = mapping.Children.TryGetValue(new YamlScalarNode("when"), out YamlNode? condition) ? Condition.Read(condition, found.File, $"arms.{name}.when", errors) : [];
            if (mapping.Children.Count == 1 && condition is not null)
            {
                errors.Add(new ConfigError(found.File, line, $"arms.{name}", "has a condition, but nothing that differs from the baseline"));
            }
            if (values.Any(v => v.Key.Path == "seed"))
            {
                errors.Add(new ConfigError(found.File, line, $"arms.{name}", "an arm cannot set the seed; repeats belong under seeds"));
            }
            arms.Add(new ArmSource(name, values, when, found.File, line));
        }
        return arms;
    }

    private List<long> ReadSeeds()
    {
        List<long> seeds = [];
        if (sections.Find("seeds") is { Value: YamlMappingNode range } found)
        {
            if (ValueRange.Read(range, true, out string? problem) is not { } list)
            {
                Report("seeds", problem!);
                return seeds;
            }
            sections.Replace("seeds", list);
        }
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
                errors.Add(new ConfigError(found.File, line, "claims", $"{Misspelt(node)}every claim has exactly two keys: say (a sentence) and test (for instance 'frechet[0.5] < frechet[0]')"));
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

    private static string Misspelt(YamlNode claim) =>
        (claim as YamlMappingNode)?.Children.Keys.OfType<YamlScalarNode>().Select(k => k.Value ?? "").FirstOrDefault(k => k is not ("say" or "test")) is { } key
        && NearestName.Find(key, ["say", "test"]) is { } near ? $"'{key}': did you mean '{near}'? " : "";

    private void CheckAxes(IReadOnlyList<Axis> axes)
    {
        foreach (Assignment setting in settings)
        {
            if (axes.Any(a => a.Key == setting.Key))
            {
                errors.Add(new ConfigError(setting.File, setting.Line, setting.Key.Path, $"is an axis of this experiment; choose among its arms with --only, or set axes.{setting.Key.Path}=[…]"));
            }
            if (setting.Key.Path == "seed" && sections.Find("seeds") is not null)
            {
                errors.Add(new ConfigError(setting.File, setting.Line, "seed", "this experiment lists its seeds; set seeds=[…]"));
            }
        }
        foreach (IGrouping<ConfigKey, Axis> twice in axes.GroupBy(a => a.Key).Where(g => g.Count() > 1))
        {
            Report("zip", $"{twice.Key.Path} is an axis already");
        }
        foreach (Condition unmet in axes.SelectMany(a => a.When.Where(w => w.Key == a.Key)))
        {
            Report("axes", $"{unmet.Key.Path} cannot depend on itself");
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
        errors.Add(new ConfigError(sections.Find(section)?.File ?? sections.File, (sections.Find(section)?.File == ExperimentSections.Set ? 0 : line) ?? sections.Find(section)?.Line ?? 0, section, message));
}
