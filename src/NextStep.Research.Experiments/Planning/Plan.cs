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

    /// <summary>Values and scale of every axis, in the order of the file; empty in plans of earlier versions.</summary>
    public IReadOnlyDictionary<string, PlannedAxis> AxisValues { get; init; } = new Dictionary<string, PlannedAxis>();

    /// <summary>In the order in which they are run: the arms of the first seed, then of the second.</summary>
    public required IReadOnlyList<PlannedCell> Cells { get; init; }

    /// <summary>Shortened trainings after which a search ranks the arms, rung after rung; empty without halving.</summary>
    public IReadOnlyList<PlannedCell> Rungs { get; init; } = [];

    /// <summary>How the arms were chosen; null: as the file names them.</summary>
    public SearchPlan? Search { get; init; }

    /// <summary>All that may be run: the rungs, then the whole trainings.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IEnumerable<PlannedCell> AllCells => Rungs.Concat(Cells);

    /// <summary>Metrics to show, names or patterns; empty: all.</summary>
    public required IReadOnlyList<string> Measure { get; init; }

    /// <summary>The metric that is the price of the others; empty: none, as in plans of earlier versions.</summary>
    public string Pareto { get; init; } = "";

    /// <summary>What is claimed; <see cref="Sweep.Judge"/> fills the verdicts in, <c>plan.json</c> holds none.</summary>
    public required IReadOnlyList<PlannedClaim> Claims { get; init; }

    /// <summary>The baseline's whole configuration by path, device left out: it says where, not what.</summary>
    public required IReadOnlyDictionary<string, string> Config { get; init; }

    /// <summary>Components of the user that the cells may be made of.</summary>
    public IReadOnlyList<PlannedUse> Uses { get; init; } = [];

    /// <summary>Commit, packages, libtorch, device, machine of the newest sweep that had work to do.</summary>
    public IReadOnlyDictionary<string, string> Provenance { get; init; } = new Dictionary<string, string>();

    /// <summary>Command lines that worked on this folder, the first first.</summary>
    public IReadOnlyList<string> Commands { get; init; } = [];

    /// <summary>What config values of the arms stand for outside of the configuration, by path and value: the files of <c>data.path: pictures</c>.</summary>
    public IReadOnlyDictionary<string, string> Contents { get; init; } = new Dictionary<string, string>();

    /// <summary>Lays out the cells of an experiment.</summary>
    /// <exception cref="ConfigException">Two arms come to the same results whatever they are called.</exception>
    public static Plan Make(Experiment experiment, IReadOnlyList<StageDefinition> stages)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        ArgumentNullException.ThrowIfNull(stages);
        HashSet<string> varied = [.. experiment.Arms.SelectMany(a => a.Differences.Keys)];
        IReadOnlyDictionary<string, string>[] texts = [.. experiment.Arms.Select(a => ConfigPath.Texts(a.Config))];
        string[] settings = [.. texts.SelectMany(t => t.Keys).Distinct().Where(varied.Contains)];
        ContentReader contents = new();
        StageKeys[] keys = [.. experiment.Arms.Select(a => new StageKeys(a, stages, varied, contents))];
        PlannedCell[] cells = [.. experiment.Seeds.SelectMany(s => keys.Select(k => k.Cell(s)))];
        CheckDifferent(cells);
        (IReadOnlyList<PlannedCell> rungs, cells) = RungCells.Of(experiment, cells, (arm, needed) => new StageKeys(arm, needed, varied, contents), stages);
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
            AxisValues = experiment.AxisValues,
            Cells = cells,
            Rungs = rungs,
            Search = experiment.Search,
            Measure = experiment.Measure,
            Pareto = experiment.Pareto,
            Claims = [.. experiment.Claims.Select(c => new PlannedClaim(c.Say, c.Test))],
            Config = texts[0].Where(t => t.Key is not ("device" or "seed")).ToDictionary(),
            Contents = experiment.Arms.SelectMany(a => contents.Of(a.Config).Select(c => ($"{c.Key}: {ConfigValue.Format(ConfigPath.Get(a.Config, c.Key))}", c.Value)))
                .DistinctBy(c => c.Item1).ToDictionary(c => c.Item1, c => c.Value),
        };
    }

    private static void CheckDifferent(PlannedCell[] cells)
    {
        ConfigError[] twins = [.. cells.GroupBy(c => c.Key).Where(g => g.Count() > 1).Select(g => string.Join(" and ", g.Select(c => $"'{c.Arm}'"))).Distinct()
            .Select(names => new ConfigError("arms", 0, "", $"{names} come to the same results: what they differ in changes none, or names files with the same bytes; leave all but one out"))];
        if (twins.Length > 0)
        {
            throw new ConfigException(twins);
        }
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

    /// <summary>Of the whole claim, see <see cref="ClaimJudge"/>; null where it has no test.</summary>
    public double? PValue { get; init; }

    /// <summary>After Holm's correction over the claims of the experiment.</summary>
    public double? AdjustedPValue { get; init; }

    /// <summary>On how many seeds it was judged.</summary>
    public SeedCount Seeds { get; init; } = SeedCount.None;

    /// <summary>The verdict, marked where seeds are missing: <c>supported, preliminary</c>.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string MarkedVerdict => Seeds.IsPreliminary ? $"{Verdict}, preliminary" : Verdict;
}

/// <summary>One configuration with one seed.</summary>
/// <param name="Key">Names its folder <c>cells/&lt;key&gt;</c>.</param>
/// <param name="Arm">The arm's name.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Stages">In the order in which they run.</param>
public sealed record PlannedCell(string Key, string Arm, long Seed, IReadOnlyList<PlannedStage> Stages)
{
    /// <summary>Images after which a search ranks it; null: the whole training.</summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)]
    public long? Rung { get; init; }

    /// <summary>Of a rung, the metric that it is run for; nothing else needs to be measured. Null: the whole training.</summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)]
    public string? RankedBy { get; init; }

    /// <summary>For people: <c>noiseStrength=0, seed 1</c>.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string Label => FormattableString.Invariant($"{Arm}, seed {Seed}{(Rung is null ? "" : $", {Rung} images")}");

    /// <summary>The configuration that it runs with.</summary>
    /// <param name="arm">That of its arm.</param>
    public ResearchConfig Configure(ResearchConfig arm)
    {
        ArgumentNullException.ThrowIfNull(arm);
        return RungCells.Shortened(arm, Rung, RankedBy) with { Seed = Seed };
    }
}

/// <summary>One stage of a cell.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Key">Equal keys mean equal results.</param>
/// <param name="Folder">Relative to the run folder, with forward slashes.</param>
/// <param name="Shared">Whether other cells with this key use it too.</param>
public sealed record PlannedStage(string Kind, string Key, string Folder, bool Shared)
{
    /// <summary>The folder of a shorter training whose state this one may start from, to the same bits; null where there is none.</summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)]
    public string? From { get; init; }
}
