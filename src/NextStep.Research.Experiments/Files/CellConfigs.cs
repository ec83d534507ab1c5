namespace NextStep.Research.Experiments;

/// <summary>The cells' configurations as files, so that a worker needs the run folder only, on whatever machine and whatever became of the experiment file.</summary>
internal static class CellConfigs
{
    /// <summary>Writes <c>config.yaml</c> for every cell where it is not there or differs.</summary>
    public static void Write(RunFolder folder, Plan plan, Experiment experiment)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(experiment);
        RunComponents.Write(folder, experiment);
        Dictionary<string, ResearchConfig> arms = experiment.Arms.ToDictionary(a => a.Name, a => a.Config);
        foreach (PlannedCell cell in plan.AllCells)
        {
            Write(folder, cell, cell.Configure(arms[cell.Arm]));
        }
    }

    /// <summary>Writes one, where it is not there or differs.</summary>
    internal static void Write(RunFolder folder, PlannedCell cell, ResearchConfig config)
    {
        string file = FileOf(folder, cell), text = ConfigYaml.Write(Content.WithFullPaths(config));
        if (!File.Exists(file) || File.ReadAllText(file) != text)
        {
            AtomicFile.WriteText(file, text, durable: false);
        }
    }

    /// <summary>Reads one, and makes sure that <paramref name="stages"/> would compute what was planned.</summary>
    /// <exception cref="ConfigException">The file is absent or damaged.</exception>
    /// <exception cref="InvalidDataException">This program's stages give other results than those of the plan.</exception>
    public static ResearchConfig Read(RunFolder folder, PlannedCell cell, IReadOnlyList<StageDefinition> stages)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(cell);
        string file = FileOf(folder, cell);
        ResearchConfig config = ConfigYaml.Load(file);
        Arm arm = new() { Name = cell.Arm, Config = config, Differences = new Dictionary<string, string>(), Coordinates = new Dictionary<string, string>() };
        IReadOnlyList<PlannedStage> now = new StageKeys(arm, stages, [], new ContentReader()).Cell(cell.Seed).Stages;
        return cell.Stages.FirstOrDefault(s => now.All(n => n.Key != s.Key)) is { } changed
            ? throw new InvalidDataException($"{file}: stage {changed.Kind} would not compute what was planned: its data or network has changed since, or another version of this program began {folder.Path}; the sweep command plans anew")
            : config;
    }

    private static string FileOf(RunFolder folder, PlannedCell cell) => Path.Combine(folder.Cell(cell), "config.yaml");
}
