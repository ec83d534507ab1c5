namespace NextStep.Research.Experiments;

/// <summary>
/// What a folder loses when it goes on with another plan: cells whose key is in the old plan only. Other names, another baseline,
/// further arms, axes and seeds lose nothing, because results are found by their key.
/// </summary>
internal static class PlanChange
{
    /// <summary>One line each, with what explains it; empty when nothing is lost.</summary>
    public static IReadOnlyList<string> Losses(Plan old, Plan next)
    {
        ArgumentNullException.ThrowIfNull(old);
        ArgumentNullException.ThrowIfNull(next);
        HashSet<string> kept = [.. next.Cells.Select(c => c.Key)], before = [.. old.Cells.Select(c => c.Key)];
        PlannedCell[] lost = [.. old.Cells.Where(c => !kept.Contains(c.Key))];
        if (lost.Length == 0)
        {
            return [];
        }
        HashSet<(string, long)> again = [.. lost.Select(c => (c.Arm, c.Seed))];
        Dictionary<(string, long), PlannedCell> named = next.Cells.ToDictionary(c => (c.Arm, c.Seed));
        return
        [
            .. Settings(old, next),
            .. old.Contents.Where(c => next.Contents.TryGetValue(c.Key, out string? now) && now != c.Value).Select(c => $"{c.Key}: other content ({c.Value} → {next.Contents[c.Key]})"),
            .. lost.Select(c => named.TryGetValue((c.Arm, c.Seed), out PlannedCell? now) ? $"{c.Label}: other results expected from {Changed(c, now)}" : $"gone: {c.Label}"),
            .. next.Cells.Where(c => !before.Contains(c.Key) && !again.Contains((c.Arm, c.Seed))).Select(c => $"new: {c.Label}"),
            FormattableString.Invariant($"unchanged, and kept as far as they are done: {old.Cells.Count - lost.Length} of {old.Cells.Count} cells"),
        ];
    }

    // The baselines' values where both have the same name, then those of arms that both have.
    private static List<string> Settings(Plan old, Plan next)
    {
        List<string> lines = [.. old.Config.Keys.Union(next.Config.Keys).Where(p => ConfigSchema.Find(p)?.KeepsBits != true)
            .Select(p => (Path: p, Before: old.Config.GetValueOrDefault(p), After: next.Config.GetValueOrDefault(p)))
            .Where(v => v.Before != v.After && !(v.Before is null && ContentReader.IsOlderDefault(v.Path, v.After!))).Select(v => $"{v.Path}: {v.Before ?? "(absent)"} → {v.After ?? "(absent)"}")];
        HashSet<string> said = [.. lines.Select(l => l.Split(':')[0])];
        Dictionary<string, PlannedArm> arms = next.Arms.ToDictionary(a => a.Name);
        foreach (PlannedArm arm in old.Arms.Skip(1).Where(a => arms.ContainsKey(a.Name)))
        {
            lines.AddRange(arm.Settings.Where(s => !said.Contains(s.Key) && arms[arm.Name].Settings.TryGetValue(s.Key, out string? after) && after != s.Value)
                .Select(s => $"{arm.Name}: {s.Key}: {s.Value} → {arms[arm.Name].Settings[s.Key]}"));
        }
        return lines;
    }

    private static string Changed(PlannedCell before, PlannedCell after)
    {
        string[] kinds = [.. after.Stages.Where(s => before.Stages.All(b => b.Key != s.Key)).Select(s => s.Kind)];
        return kinds.Length > 0 ? string.Join(", ", kinds) : "its arm";
    }
}
