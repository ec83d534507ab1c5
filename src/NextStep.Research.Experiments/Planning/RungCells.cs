namespace NextStep.Research.Experiments;

/// <summary>Lays out the shortened trainings of a search by halving.</summary>
internal static class RungCells
{
    private const string Path = "training.model.images";

    /// <summary>The rungs' cells in the order in which they are run, and the plan's, which go on from the last rung where they can.</summary>
    public static (IReadOnlyList<PlannedCell> Rungs, PlannedCell[] Cells) Of(Experiment experiment, PlannedCell[] cells, Func<Arm, StageKeys> keysOf, IReadOnlyList<StageDefinition> stages)
    {
        if (experiment.Search is not { Rungs.Count: > 0 } search)
        {
            return ([], cells);
        }
        string? kind = stages.FirstOrDefault(s => s.Work?.Path == Path)?.Kind;
        Dictionary<string, ResearchConfig> configs = experiment.Arms.ToDictionary(a => a.Name, a => a.Config);
        List<PlannedCell> rungs = [];
        Dictionary<(string, long), PlannedCell> earlier = [];
        foreach (long images in search.Rungs)
        {
            StageKeys[] keys = [.. experiment.Arms.Select(a => keysOf(Shortened(a, images)))];
            PlannedCell[] rung = [.. experiment.Seeds.SelectMany(s => keys.Select(k => Continued(k.Cell(s) with { Rung = images })))];
            rungs.AddRange(rung);
            earlier = rung.ToDictionary(c => (c.Arm, c.Seed));
        }
        return (rungs, [.. cells.Select(Continued)]);

        PlannedCell Continued(PlannedCell cell)
        {
            if (!earlier.TryGetValue((cell.Arm, cell.Seed), out PlannedCell? before) || !IsPrefix(configs[cell.Arm].Training.Model))
            {
                return cell;
            }
            return cell with { Stages = [.. cell.Stages.Select(s => s.Kind == kind ? s with { From = before.Stages.First(b => b.Kind == kind).Folder } : s)] };
        }
    }

    /// <summary>A configuration that trains the model on so many images; null: as it is.</summary>
    public static ResearchConfig Shortened(ResearchConfig config, long? images) =>
        images is { } count ? config with { Training = config.Training with { Model = config.Training.Model with { Images = count } } } : config;

    // With a cosine the rate at every step depends on where the training ends; a constant one is the same for both.
    private static bool IsPrefix(TrainerConfig trainer) => trainer.Schedule == LearningRateSchedule.Constant;

    private static Arm Shortened(Arm arm, long images) => arm with { Config = Shortened(arm.Config, images) };
}
