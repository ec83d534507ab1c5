namespace NextStep.Research.Experiments;

/// <summary>What has to run before the cells so that no two of them wait for each other: the stages that several of them share.</summary>
internal static class SharedStages
{
    /// <summary>
    /// Levels of stage keys; those of a level need only the levels before it. Stages in a row that the same cells share are one
    /// piece of work, named by its last stage.
    /// </summary>
    public static IReadOnlyList<IReadOnlyList<string>> Levels(RunFolder folder, IReadOnlyList<PlannedCell> cells)
    {
        Dictionary<string, string[]> users = cells.SelectMany(c => c.Stages.Where(s => s.Shared).Select(s => (s.Key, Cell: c.Key)))
            .GroupBy(p => p.Key).ToDictionary(g => g.Key, g => g.Select(p => p.Cell).ToArray());
        Dictionary<string, int> levels = [];
        foreach (PlannedCell cell in cells)
        {
            PlannedStage[] shared = [.. cell.Stages.Where(s => s.Shared && users[s.Key].Length > 1 && !Directory.Exists(folder.Stage(s)))];
            int level = 0;
            for (int i = 0; i < shared.Length; i++)
            {
                bool last = i == shared.Length - 1 || !users[shared[i].Key].SequenceEqual(users[shared[i + 1].Key]);
                if (last)
                {
                    levels[shared[i].Key] = Math.Max(level++, levels.GetValueOrDefault(shared[i].Key));
                }
            }
        }
        return [.. levels.GroupBy(l => l.Value).OrderBy(g => g.Key).Select(g => (IReadOnlyList<string>)[.. g.Select(l => l.Key)])];
    }
}
