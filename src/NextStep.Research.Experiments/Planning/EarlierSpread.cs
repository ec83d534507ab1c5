namespace NextStep.Research.Experiments;

/// <summary>How far paired differences of a metric scattered over the seeds of an earlier run.</summary>
/// <param name="Metric">Its name.</param>
/// <param name="Deviation">Standard deviation of arm − baseline over the seeds, pooled over the arms; 0 where all seeds agreed.</param>
/// <param name="Freedom">Degrees of freedom behind it.</param>
/// <param name="Largest">The largest mean difference of any arm, without sign.</param>
/// <param name="From">The run folder.</param>
internal sealed record EarlierSpread(string Metric, double Deviation, int Freedom, double Largest, string From)
{
    private const int MostFolders = 20;
    private const int MostCells = 200;

    /// <summary>For each metric from the first folder that has two seeds of two arms: <paramref name="folder"/> itself, then the runs beside it, the newest first.</summary>
    /// <param name="folder">The run that is planned.</param>
    /// <param name="before">Its plan; null: it has none yet.</param>
    /// <param name="metrics">Names.</param>
    /// <param name="from">Only this run folder, or null.</param>
    /// <exception cref="InvalidDataException"><paramref name="from"/> is no run folder, or damaged.</exception>
    public static IReadOnlyList<EarlierSpread> Read(RunFolder folder, Plan? before, IReadOnlyList<string> metrics, string? from = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(metrics);
        if (from is not null)
        {
            new RunFolder(from).RequirePlan();
        }
        List<EarlierSpread> found = [];
        foreach (string place in from is not null ? [from] : Places(folder))
        {
            string[] open = [.. metrics.Where(m => found.TrueForAll(f => f.Metric != m))];
            if (open.Length == 0)
            {
                break;
            }
            try
            {
                found.AddRange(Of(place, place == folder.Path ? before : new RunFolder(place).ReadPlan(), open));
            }
            catch (InvalidDataException) when (from is null)
            {
                // A neighbour that is damaged or of another program: an estimate can do without it.
            }
        }
        return found;
    }

    private static IEnumerable<string> Places(RunFolder folder)
    {
        string whole = Path.GetFullPath(folder.Path);
        DirectoryInfo? parent = Directory.GetParent(whole);
        IEnumerable<string> beside = parent is { Exists: true }
            ? parent.EnumerateDirectories().Where(d => d.FullName != whole && File.Exists(Path.Combine(d.FullName, "plan.json"))).OrderByDescending(d => d.LastWriteTimeUtc).Take(MostFolders).Select(d => d.FullName)
            : [];
        return beside.Prepend(folder.Path);
    }

    private static IEnumerable<EarlierSpread> Of(string place, Plan? plan, string[] metrics)
    {
        RunFolder folder = new(place);
        int seeds = plan?.Cells.Select(c => c.Seed).Distinct().Count() ?? 0;
        if (plan is not { Arms.Count: > 1 } || seeds < 2)
        {
            return [];
        }
        PlannedArm[] arms = [.. plan.Arms.Take(Math.Max(2, MostCells / seeds))];
        HashSet<string> names = [.. arms.Select(a => a.Name)];
        Plan part = plan with { Arms = arms, Cells = [.. plan.Cells.Where(c => names.Contains(c.Arm))] };
        RunStatistics statistics = new(part, folder.ReadResults(part));
        return [.. metrics.SelectMany(m => statistics.Columns.Where(c => RunStatistics.NameOf(c) == m).Take(1)).Select(column =>
        {
            PairedComparison[] pairs = [.. statistics.Differences(column).Values.Where(d => d.Pairs > 1 && d.Differences.All(double.IsFinite))];
            int freedom = pairs.Sum(p => p.Pairs - 1);
            double squares = pairs.Sum(p => p.Differences.Sum(v => Math.Pow(v - p.Difference.Mean, 2)));
            return freedom == 0 ? null : new EarlierSpread(RunStatistics.NameOf(column), Math.Sqrt(squares / freedom), freedom, pairs.Max(p => Math.Abs(p.Difference.Mean)), place);
        }).OfType<EarlierSpread>()];
    }
}
