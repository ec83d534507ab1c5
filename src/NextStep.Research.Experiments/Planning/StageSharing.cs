namespace NextStep.Research.Experiments;

/// <summary>Which cells share a stage, and what makes its keys differ.</summary>
/// <param name="Kind">The stage.</param>
/// <param name="Keys">Different keys: how often it is run.</param>
/// <param name="Cells">Cells that use it.</param>
/// <param name="Differs">Config paths that the stage itself reads and that differ between the arms, the seeds last.</param>
/// <param name="Through">Earlier stages whose keys differ between the arms, so that this one's do as well.</param>
internal sealed record StageSharing(string Kind, int Keys, int Cells, IReadOnlyList<VariedKey> Differs, IReadOnlyList<string> Through)
{
    /// <summary>For every stage that a cell of the plan has, in order.</summary>
    public static IReadOnlyList<StageSharing> Of(Experiment experiment, Plan plan, IReadOnlyList<StageDefinition> stages)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(stages);
        Dictionary<string, VariedKey> varied = plan.Arms[0].Settings.Keys.Select(p => new VariedKey(p, [.. plan.Arms.Select(a => a.Settings[p]).Distinct()]))
            .Where(v => v.Values.Count > 1).ToDictionary(v => v.Path);
        List<StageSharing> found = [];
        HashSet<string> differing = [];
        foreach (StageDefinition stage in stages)
        {
            PlannedStage[] used = [.. plan.Cells.SelectMany(c => c.Stages).Where(s => s.Kind == stage.Kind)];
            if (used.Length == 0)
            {
                continue;
            }
            List<VariedKey> differs = [.. varied.Values.Where(v => Reads(stage, v.Path))];
            string[] through = [.. stage.After.Where(differing.Contains)];
            if (differs.Count > 0 || through.Length > 0)
            {
                differing.Add(stage.Kind);
            }
            if (experiment.Seeds.Count > 1)
            {
                differs.Add(new VariedKey("seed", [.. experiment.Seeds.Select(s => FormattableString.Invariant($"{s}"))]));
            }
            found.Add(new StageSharing(stage.Kind, used.Select(s => s.Key).Distinct().Count(), used.Length, differs, through));
        }
        return found;
    }

    /// <summary>For one arm, why a stage is not that of the baseline: the paths that the stage reads and that differ; empty where only an earlier stage does.</summary>
    public static IReadOnlyList<(string Path, string Before, string After)> Differences(Plan plan, PlannedArm arm, StageDefinition stage)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(arm);
        IReadOnlyDictionary<string, string> baseline = plan.Arms[0].Settings;
        return [.. arm.Settings.Where(s => s.Value != baseline[s.Key] && Reads(stage, s.Key)).Select(s => (s.Key, baseline[s.Key], s.Value))];
    }

    internal static bool Reads(StageDefinition stage, string path) =>
        stage.Reads.Any(r => r == path || path.StartsWith(r + ".", StringComparison.Ordinal)) && ConfigSchema.Find(path)?.KeepsBits != true;
}

/// <summary>A config path with its different values, as text.</summary>
internal sealed record VariedKey(string Path, IReadOnlyList<string> Values);
