namespace NextStep.Research.Experiments;

/// <summary><c>plan.json</c> of a run folder: all that is needed to run, continue and report it, except the cells' configurations.</summary>
public sealed record Plan
{
    /// <summary>Stands for the value of an option that an arm's component does not have.</summary>
    public const string NoOption = "—";

    /// <summary>The experiment's name.</summary>
    public required string Name { get; init; }

    /// <summary>What is asked; may be empty.</summary>
    public required string Question { get; init; }

    /// <summary>The baseline first.</summary>
    public required IReadOnlyList<PlannedArm> Arms { get; init; }

    /// <summary>Config paths of the axes.</summary>
    public required IReadOnlyList<string> Axes { get; init; }

    /// <summary>In the order in which they are run: the arms of the first seed, then of the second.</summary>
    public required IReadOnlyList<PlannedCell> Cells { get; init; }

    /// <summary>Metrics to show, names or patterns; empty: all.</summary>
    public required IReadOnlyList<string> Measure { get; init; }

    /// <summary>What is claimed; judged anew whenever a sweep ends.</summary>
    public required IReadOnlyList<PlannedClaim> Claims { get; init; }

    /// <summary>The baseline's whole configuration by path, device left out: it says where, not what.</summary>
    public required IReadOnlyDictionary<string, string> Config { get; init; }

    /// <summary>Components of the user that the cells may be made of.</summary>
    public IReadOnlyList<PlannedUse> Uses { get; init; } = [];

    /// <summary>Commit, packages, libtorch, device, machine of the newest sweep that had work to do.</summary>
    public IReadOnlyDictionary<string, string> Provenance { get; init; } = new Dictionary<string, string>();

    /// <summary>Command lines that worked on this folder, the first first.</summary>
    public IReadOnlyList<string> Commands { get; init; } = [];

    /// <summary>Lays out the cells of an experiment.</summary>
    public static Plan Make(Experiment experiment, IReadOnlyList<StageDefinition> stages)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        ArgumentNullException.ThrowIfNull(stages);
        HashSet<string> varied = [.. experiment.Arms.SelectMany(a => a.Differences.Keys)];
        IReadOnlyDictionary<string, string>[] texts = [.. experiment.Arms.Select(a => ConfigPath.Texts(a.Config))];
        string[] settings = [.. texts.SelectMany(t => t.Keys).Distinct().Where(varied.Contains)];
        StageKeys[] keys = [.. experiment.Arms.Select(a => new StageKeys(a, stages))];
        return new Plan
        {
            Name = experiment.Name,
            Question = experiment.Question,
            Arms =
            [
                .. experiment.Arms.Zip(texts).Select(a => new PlannedArm(
                    a.First.Name,
                    settings.ToDictionary(p => p, p => a.Second.GetValueOrDefault(p, NoOption)),
                    a.First.Coordinates)),
            ],
            Axes = experiment.Axes,
            Uses = [.. experiment.Uses.Select(PlannedUse.Of)],
            Cells = [.. experiment.Seeds.SelectMany(s => keys.Select(k => k.Cell(s)))],
            Measure = experiment.Measure,
            Claims = [.. experiment.Claims.Select(c => new PlannedClaim(c.Say, c.Test))],
            Config = texts[0].Where(t => t.Key is not ("device" or "seed")).ToDictionary(),
        };
    }

    /// <summary>What makes continuing this plan's folder with <paramref name="other"/> unsafe, one line each; empty when nothing.</summary>
    public IReadOnlyList<string> DifferencesTo(Plan other)
    {
        ArgumentNullException.ThrowIfNull(other);
        List<string> lines = [];
        foreach (string path in Config.Keys.Union(other.Config.Keys))
        {
            (string? before, string? after) = (Config.GetValueOrDefault(path), other.Config.GetValueOrDefault(path));
            if (before != after)
            {
                lines.Add($"{path}: {before ?? "(absent)"} → {after ?? "(absent)"}");
            }
        }
        Dictionary<string, PlannedArm> arms = other.Arms.ToDictionary(a => a.Name);
        foreach (PlannedArm before in Arms.Skip(1).Where(a => arms.ContainsKey(a.Name)))
        {
            lines.AddRange(before.Settings.Where(s => arms[before.Name].Settings.TryGetValue(s.Key, out string? after) && after != s.Value && !lines.Exists(l => l.StartsWith(s.Key + ":", StringComparison.Ordinal)))
                .Select(s => $"{before.Name}: {s.Key}: {s.Value} → {arms[before.Name].Settings[s.Key]}"));
        }
        Dictionary<(string, long), PlannedCell> mine = Cells.ToDictionary(c => (c.Arm, c.Seed)), theirs = other.Cells.ToDictionary(c => (c.Arm, c.Seed));
        lines.AddRange(mine.Where(c => !theirs.ContainsKey(c.Key)).Select(c => $"gone: {c.Value.Label}"));
        lines.AddRange(theirs.Where(c => !mine.ContainsKey(c.Key)).Select(c => $"new: {c.Value.Label}"));
        foreach (PlannedCell before in Cells)
        {
            if (theirs.TryGetValue((before.Arm, before.Seed), out PlannedCell? after) && before.Key != after.Key)
            {
                IEnumerable<string> changed = after.Stages.Where(s => before.Stages.All(b => b.Key != s.Key)).Select(s => s.Kind);
                lines.Add($"{before.Label}: other results expected from {(changed.Any() ? string.Join(", ", changed) : "its arm")}");
            }
        }
        if (lines.Count > 0)
        {
            HashSet<string> keys = [.. other.Cells.Select(c => c.Key)];
            lines.Add(FormattableString.Invariant($"unchanged, and kept as far as they are done: {Cells.Count(c => keys.Contains(c.Key))} of {Cells.Count} cells"));
        }
        return lines;
    }
}

/// <summary>An arm in a plan.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Settings">Its value, as text, for every config path in which any two arms differ.</param>
/// <param name="Coordinates">Its values on the axes; empty when it is no point of the grid.</param>
public sealed record PlannedArm(string Name, IReadOnlyDictionary<string, string> Settings, IReadOnlyDictionary<string, string> Coordinates);

/// <summary>A claim in a plan and, once a sweep has ended, what came of it.</summary>
/// <param name="Say">The sentence.</param>
/// <param name="Test">The test.</param>
/// <param name="Verdict"><c>supported</c>, <c>contradicted</c> or <c>undecided</c>.</param>
/// <param name="Evidence">The numbers behind it, in words.</param>
public sealed record PlannedClaim(string Say, string Test, string Verdict = "undecided", string Evidence = "not run yet")
{
    /// <summary>The same numbers, one entry a comparison.</summary>
    public IReadOnlyList<ClaimFinding> Findings { get; init; } = [];
}

/// <summary>One configuration with one seed.</summary>
/// <param name="Key">Names its folder <c>cells/&lt;key&gt;</c>.</param>
/// <param name="Arm">The arm's name.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Stages">In the order in which they run.</param>
public sealed record PlannedCell(string Key, string Arm, long Seed, IReadOnlyList<PlannedStage> Stages)
{
    /// <summary>For people: <c>noiseStrength=0, seed 1</c>.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string Label => FormattableString.Invariant($"{Arm}, seed {Seed}");
}

/// <summary>One stage of a cell.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Key">Equal keys mean equal results.</param>
/// <param name="Folder">Relative to the run folder, with forward slashes.</param>
/// <param name="Shared">Whether other cells with this key use it too.</param>
public sealed record PlannedStage(string Kind, string Key, string Folder, bool Shared);
