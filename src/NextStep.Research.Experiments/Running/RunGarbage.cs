namespace NextStep.Research.Experiments;

/// <summary>A folder or file of a run folder that its plan does not need.</summary>
/// <param name="Path">Relative to the run folder.</param>
/// <param name="Bytes">Of its files; what another cell or stage links to as well is not freed.</param>
internal sealed record GarbageItem(string Path, long Bytes);

/// <summary>
/// What a run folder holds for plans that it does not have any more. Nothing goes by itself, since an arm that is named again later
/// finds its results; only <see cref="Remove"/> makes room.
/// </summary>
internal static class RunGarbage
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>Stages that no cell of the plan uses, begun and failed ones too, and with <paramref name="cells"/> the cells that it does not have.</summary>
    /// <exception cref="InvalidDataException">It is no run folder.</exception>
    public static IReadOnlyList<GarbageItem> Find(RunFolder folder, bool cells)
    {
        ArgumentNullException.ThrowIfNull(folder);
        Plan plan = folder.RequirePlan();
        HashSet<string> needed = [.. plan.AllCells.SelectMany(c => c.Stages.Where(s => s.Shared).Select(s => s.Folder)), .. plan.AllCells.Select(c => $"cells/{c.Key}")];
        return [.. ((string[])["stages", .. cells ? ["cells"] : (string[])[]]).Where(part => Directory.Exists(Path.Combine(folder.Path, part)))
            .SelectMany(part => Directory.EnumerateFileSystemEntries(Path.Combine(folder.Path, part)).Select(e => (Entry: e, Name: Path.GetFileName(e), Part: part)))
            // stages/model-0123 with its .partial, .lease and .failure.json
            .GroupBy(e => $"{e.Part}/{e.Name.Split('.')[0]}").Where(g => !needed.Contains(g.Key) && !g.Any(e => IsWorkedOn(e.Entry)))
            .SelectMany(g => g.Select(e => new GarbageItem($"{e.Part}/{e.Name}", Size(e.Entry)))).OrderBy(i => i.Path, StringComparer.Ordinal)];
    }

    /// <summary>Removes what <see cref="Find"/> finds now, while nobody can write another plan.</summary>
    /// <returns>What was removed.</returns>
    /// <exception cref="IOException">Something cannot be removed.</exception>
    public static IReadOnlyList<GarbageItem> Remove(RunFolder folder, bool cells)
    {
        ArgumentNullException.ThrowIfNull(folder);
        using IDisposable alone = WriteLock.Take(folder.PlanLock, Patience);
        IReadOnlyList<GarbageItem> items = Find(folder, cells);
        foreach (string path in items.Select(i => Path.Combine(folder.Path, i.Path)))
        {
            if (File.Exists(path))
            {
                File.Delete(path);
                continue;
            }
            // Under its name a folder is whole or not there.
            string leaving = $"{path}.gone-{Guid.NewGuid():N}";
            Directory.Move(path, leaving);
            Directory.Delete(leaving, true);
        }
        return items;
    }

    private static bool IsWorkedOn(string entry) =>
        (File.Exists(entry) && Path.GetExtension(entry) == ".lease" && Lease.LooksAlive(entry)) || Lease.LooksAlive(Path.Combine(entry, "lease"));

    private static long Size(string entry) => File.Exists(entry) ? new FileInfo(entry).Length : new DirectoryInfo(entry).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);
}
