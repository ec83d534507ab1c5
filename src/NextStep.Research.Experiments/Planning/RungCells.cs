using System.IO.Enumeration;

namespace NextStep.Research.Experiments;

/// <summary>Lays out the shortened trainings of a search by halving: each goes as far as the metric that ranks the arms needs.</summary>
internal static class RungCells
{
    private const string Path = "training.model.images";
    private static readonly string[] OfThePicturesAlone = ["alignment", "failures", "samples", "edit"];

    /// <summary>The rungs' cells in the order in which they are run, and the plan's, which go on from the last rung where they can.</summary>
    public static (IReadOnlyList<PlannedCell> Rungs, PlannedCell[] Cells) Of(
        Experiment experiment, PlannedCell[] cells, Func<Arm, IReadOnlyList<StageDefinition>, StageKeys> keysOf, IReadOnlyList<StageDefinition> stages)
    {
        if (experiment.Search is not { Rungs.Count: > 0 } search)
        {
            return ([], cells);
        }
        string? kind = stages.FirstOrDefault(s => s.Work?.Path == Path)?.Kind;
        IReadOnlyList<StageDefinition> needed = Needed(stages, search.Metric, kind);
        Dictionary<string, ResearchConfig> configs = experiment.Arms.ToDictionary(a => a.Name, a => a.Config);
        List<PlannedCell> rungs = [];
        Dictionary<(string, long), PlannedCell> earlier = [];
        foreach (long images in search.Rungs)
        {
            StageKeys[] keys = [.. experiment.Arms.Select(a => keysOf(a with { Config = Shortened(a.Config, images, search.Metric) }, needed))];
            PlannedCell[] rung = [.. experiment.Seeds.SelectMany(s => keys.Select(k => Continued(k.Cell(s) with { Rung = images, RankedBy = search.Metric })))];
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

    /// <summary>The configuration of a rung: so many images, and of the measurements what the metric needs. As it is where <paramref name="images"/> is null.</summary>
    public static ResearchConfig Shortened(ResearchConfig config, long? images, string? metric)
    {
        if (images is not { } count)
        {
            return config;
        }
        EvaluationConfig evaluation = config.Evaluation with { GuidanceTrace = [] }; // curves, and no number
        if (OfThePicturesAlone.Contains(metric?.Split('.')[0]))
        {
            evaluation = evaluation with { Reference = 0, Metrics = [] };
        }
        return config with { Evaluation = evaluation, Training = config.Training with { Model = config.Training.Model with { Images = count } } };
    }

    // The training, the stages that give the metric, and all that those read.
    private static StageDefinition[] Needed(IReadOnlyList<StageDefinition> stages, string metric, string? training)
    {
        StageDefinition[] named = [.. stages.Where(s => s.Numbers?.Any(n => FileSystemName.MatchesSimpleExpression(n, metric, ignoreCase: false)) == true)];
        HashSet<string> kinds = [.. (named.Length > 0 ? named : stages.Where(s => s.Numbers is null)).Select(s => s.Kind), .. stages.Select(s => s.Kind).Where(k => k == training)];
        foreach (StageDefinition stage in stages.Reverse().Where(s => kinds.Contains(s.Kind)))
        {
            kinds.UnionWith(stage.After);
        }
        return [.. stages.Where(s => kinds.Contains(s.Kind))];
    }

    // With a cosine the rate at every step depends on where the training ends; a constant one is the same for both.
    private static bool IsPrefix(TrainerConfig trainer) => trainer.Schedule == LearningRateSchedule.Constant;
}
