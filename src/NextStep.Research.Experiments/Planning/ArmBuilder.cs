namespace NextStep.Research.Experiments;

/// <summary>A config path and the values it takes; zipped axes walk together. Where <paramref name="When"/> does not hold it keeps the baseline's.</summary>
internal sealed record Axis(ConfigKey Key, IReadOnlyList<object?> Values, bool Zipped, IReadOnlyList<Condition> When, bool Log = false);

/// <summary>A named arm as it stands in the file.</summary>
internal sealed record ArmSource(string Name, IReadOnlyList<Assignment> Values, IReadOnlyList<Condition> When, string File, int Line);

/// <summary>The arms of an experiment: the baseline, the full grid of the axes, then the named ones.</summary>
internal sealed class ArmBuilder(ResearchConfig baseline, IReadOnlyList<Axis> axes, IReadOnlyList<ArmSource> named)
{
    private const int MostArms = 100_000;
    private readonly Dictionary<ConfigKey, string> _names = ShortNames([.. axes.Select(a => a.Key)]);

    /// <summary>Named arms whose condition the baseline does not meet, with the reason.</summary>
    public Dictionary<string, string> LeftOut { get; } = [];

    public IReadOnlyList<Arm> Build(List<ConfigError> errors)
    {
        double count = axes.Where(a => !a.Zipped).Aggregate(1.0, (n, a) => n * a.Values.Count) * (axes.FirstOrDefault(a => a.Zipped)?.Values.Count ?? 1);
        if (count > MostArms)
        {
            errors.Add(new ConfigError("axes", 0, "", FormattableString.Invariant($"the grid has {count:F0} points; at most {MostArms} are taken")));
            return [];
        }
        IReadOnlyDictionary<string, string> baselineText = ConfigPath.Texts(baseline);
        List<Arm> arms = [Make(Arm.Baseline, baseline, baselineText, Coordinates(baseline))];
        bool onGrid = axes.Count == 0;
        HashSet<string> names = [];
        foreach ((ConfigKey Key, object? Value)[] point in axes.Count == 0 ? [] : Grid())
        {
            // An axis whose condition fails keeps the baseline's value, so several points may become one.
            // So does an option that the point's component does not have.
            ResearchConfig config = axes.Zip(point).OrderBy(a => !a.First.Key.IsComponent).ThenBy(a => a.First.When.Count > 0)
                .Aggregate(baseline, (c, a) => a.First.When.All(w => w.Holds(c)) ? ConfigPath.Replace(c, a.Second.Key, a.Second.Value, out _) ?? c : c);
            // Values equal to the baseline's go without saying.
            string name = string.Join(',', axes.Where(a => ConfigPath.TryGet(config, a.Key.Path, out object? now) && !(ConfigPath.TryGet(baseline, a.Key.Path, out object? before) && ConfigValue.AreEqual(now, before)))
                .Select(a => $"{_names[a.Key]}={ConfigValue.Format(ConfigPath.Get(config, a.Key.Path))}"));
            onGrid |= name.Length == 0;
            if (name.Length > 0 && names.Add(name))
            {
                arms.Add(Make(name, config, baselineText, Coordinates(config)));
            }
        }
        if (!onGrid)
        {
            arms[0] = arms[0] with { Coordinates = new Dictionary<string, string>() };
        }
        foreach (ArmSource source in named)
        {
            if (source.When.Where(w => !w.Holds(baseline)).ToArray() is { Length: > 0 } unmet)
            {
                LeftOut[source.Name] = $"when {string.Join(" and ", unmet.Select(w => w.ToString()))}";
                continue;
            }
            Arm arm = Make(source.Name, Assignment.Apply(baseline, source.Values, errors), baselineText, new Dictionary<string, string>());
            if (arms.Find(a => a.Name == arm.Name || SameDifferences(a, arm)) is { } twin)
            {
                errors.Add(new ConfigError(source.File, source.Line, $"arms.{source.Name}",
                    twin.Name == arm.Name ? "an arm of the axes has this name" : $"is the same configuration as the arm '{twin.Name}'"));
            }
            arms.Add(arm);
        }
        return arms;
    }

    private IEnumerable<(ConfigKey Key, object? Value)[]> Grid()
    {
        List<IEnumerable<(ConfigKey, object?)[]>> factors = [.. axes.Where(a => !a.Zipped).Select(a => a.Values.Select(v => new[] { (a.Key, v) }))];
        Axis[] zipped = [.. axes.Where(a => a.Zipped)];
        if (zipped.Length > 0)
        {
            factors.Add(Enumerable.Range(0, zipped[0].Values.Count).Select(i => zipped.Select(a => (a.Key, a.Values[i])).ToArray()));
        }
        IEnumerable<(ConfigKey, object?)[]> points = [[]];
        // In the order of the axes: AxisReader gives the zipped ones last.
        return factors.Aggregate(points, (all, factor) => all.SelectMany(p => factor.Select(f => p.Concat(f).ToArray())));
    }

    private static Arm Make(string name, ResearchConfig config, IReadOnlyDictionary<string, string> baseline, IReadOnlyDictionary<string, string> coordinates) => new()
    {
        Name = name,
        Config = config,
        Differences = ConfigPath.Texts(config).Where(t => baseline.GetValueOrDefault(t.Key) != t.Value).ToDictionary(t => t.Key, t => t.Value),
        Coordinates = coordinates,
    };

    private Dictionary<string, string> Coordinates(ResearchConfig config) =>
        axes.Where(a => a.When.All(w => w.Holds(config)) && ConfigPath.TryGet(config, a.Key.Path, out _)).ToDictionary(a => a.Key.Path, a => ConfigValue.Format(ConfigPath.Get(config, a.Key.Path)));

    private static bool SameDifferences(Arm a, Arm b) =>
        a.Differences.Count == b.Differences.Count && a.Differences.All(d => b.Differences.TryGetValue(d.Key, out string? value) && value == d.Value);

    /// <summary>The last part of each path, with as many parts before it as tell it from the other axes.</summary>
    internal static Dictionary<ConfigKey, string> ShortNames(IReadOnlyList<ConfigKey> keys)
    {
        Dictionary<ConfigKey, string> names = [];
        foreach (ConfigKey key in keys)
        {
            string[] parts = key.Path.Split('.');
            int taken = 1;
            while (taken < parts.Length && keys.Any(k => k != key && ("." + k.Path).EndsWith("." + string.Join('.', parts[^taken..]), StringComparison.Ordinal)))
            {
                taken++;
            }
            names[key] = string.Join('.', parts[^taken..]);
        }
        return names;
    }
}
