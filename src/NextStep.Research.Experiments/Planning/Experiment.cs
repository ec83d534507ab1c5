namespace NextStep.Research.Experiments;

/// <summary>An experiment file, read and checked.</summary>
public sealed record Experiment
{
    /// <summary>Its name, also that of the run folder.</summary>
    public required string Name { get; init; }

    /// <summary>What is asked; may be empty.</summary>
    public required string Question { get; init; }

    /// <summary>What the paper says of it; null where the file does not tell.</summary>
    public PaperStatement? Paper { get; init; }

    /// <summary>What a sceptic would say of the test at this scale; may be empty.</summary>
    public string Sceptic { get; init; } = "";

    /// <summary>Whether the file has settings that make it small, see <see cref="ExperimentFile.LoadSmoke"/>.</summary>
    public bool HasSmoke { get; init; }

    /// <summary>All arms; the first is the baseline.</summary>
    public required IReadOnlyList<Arm> Arms { get; init; }

    /// <summary>Config paths of the axes (and of lists walked together) in the order of the file.</summary>
    public required IReadOnlyList<string> Axes { get; init; }

    /// <summary>Values and scale of every axis.</summary>
    public IReadOnlyDictionary<string, PlannedAxis> AxisValues { get; init; } = new Dictionary<string, PlannedAxis>();

    /// <summary>At least one; every arm is run with each.</summary>
    public required IReadOnlyList<long> Seeds { get; init; }

    /// <summary>Names or patterns (<c>artifacts.*</c>) of the metrics to show; empty: all.</summary>
    public required IReadOnlyList<string> Measure { get; init; }

    /// <summary>The metric that is the price of the others, less of it being better: figures show each of <see cref="Measure"/> against it. Empty: none.</summary>
    public string Pareto { get; init; } = "";

    /// <summary>What is claimed, to be judged on the results.</summary>
    public required IReadOnlyList<Claim> Claims { get; init; }

    /// <summary>How arms were drawn and which of them are to go on; null: all run to the end.</summary>
    public SearchPlan? Search { get; init; }

    /// <summary>Named arms that are not there because the baseline does not meet their <c>when</c>, with that condition.</summary>
    public IReadOnlyDictionary<string, string> LeftOut { get; init; } = new Dictionary<string, string>();

    /// <summary>Sources and assemblies of components that it uses.</summary>
    public IReadOnlyList<UsedFile> Uses { get; init; } = [];

    /// <summary>What a sweep on a cluster asks for.</summary>
    public SlurmOptions Slurm { get; init; } = new();

    /// <summary>The same experiment with one more arm, for instance with a component of one's own.</summary>
    /// <param name="name">Not that of another arm.</param>
    /// <param name="config">Its whole configuration; the seed is that of the cell.</param>
    /// <exception cref="ArgumentException">There is an arm of this name.</exception>
    public Experiment WithArm(string name, ResearchConfig config)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (Arms.Any(a => a.Name == name))
        {
            throw new ArgumentException($"There is an arm '{name}' already.", nameof(name));
        }
        IReadOnlyDictionary<string, string> baseline = ConfigPath.Texts(Arms[0].Config);
        Arm arm = new()
        {
            Name = name,
            Config = config,
            Differences = ConfigPath.Texts(config).Where(t => t.Key != "seed" && baseline.GetValueOrDefault(t.Key) != t.Value).ToDictionary(),
            Coordinates = new Dictionary<string, string>(),
        };
        return this with { Arms = [.. Arms, arm] };
    }
}

/// <summary>One configuration under study.</summary>
public sealed record Arm
{
    /// <summary>The name of the first arm of every experiment.</summary>
    public const string Baseline = "baseline";

    /// <summary><c>baseline</c>, a name from the file, or the difference: <c>noiseStrength=0</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The configuration; its seed is that of the cell, not set here.</summary>
    public required ResearchConfig Config { get; init; }

    /// <summary>Config paths in which it differs from the baseline, with its values as text.</summary>
    public required IReadOnlyDictionary<string, string> Differences { get; init; }

    /// <summary>Its value on every axis of the experiment, as text; null values where the arm is no point of the grid.</summary>
    public required IReadOnlyDictionary<string, string> Coordinates { get; init; }
}
