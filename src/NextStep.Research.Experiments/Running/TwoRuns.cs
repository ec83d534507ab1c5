namespace NextStep.Research.Experiments;

/// <summary>The same arm in two runs: the same configuration, or where there is none the same name.</summary>
/// <param name="First">Its name in the first.</param>
/// <param name="Second">Its name in the second.</param>
/// <param name="Settings">Config paths in which the two differ, with both values; empty for the same configuration.</param>
/// <param name="Stages">Kinds of stages whose keys differ: other data, code or settings below them.</param>
internal sealed record ArmPair(string First, string Second, IReadOnlyList<(string Path, string First, string Second)> Settings, IReadOnlyList<string> Stages);

/// <summary>A metric of an arm in both runs, paired by seed.</summary>
/// <param name="Metric">Its name.</param>
/// <param name="Arm">The arm.</param>
/// <param name="FirstMean">Over the common seeds, in the first run.</param>
/// <param name="SecondMean">In the second.</param>
/// <param name="Difference">Second − first.</param>
/// <param name="AdjustedPValue">Corrected by Holm over all comparisons; null for one seed.</param>
internal sealed record RunDifference(string Metric, ArmPair Arm, double FirstMean, double SecondMean, PairedComparison Difference, double? AdjustedPValue);

/// <summary>
/// Two runs of the same cells: with other code, other data, on another machine. Cells are paired by configuration and seed, so both
/// saw the same noise and order; what differs between the runs stands beside the numbers, since it is what they tell of.
/// </summary>
/// <param name="Arms">Arms that both runs have.</param>
/// <param name="Differences">What differs besides, a line each: code, packages, libtorch, machine, data.</param>
/// <param name="Metrics">In the order of the metrics' names, then of the arms.</param>
/// <param name="Apart">Metrics that depend on different things in the two runs, and are not compared.</param>
internal sealed record TwoRuns(IReadOnlyList<ArmPair> Arms, IReadOnlyList<string> Differences, IReadOnlyList<RunDifference> Metrics, IReadOnlyList<string> Apart)
{
    // When and how a process was called is no difference of what it computes.
    private static readonly string[] Incidental = ["command", "started", "experiment"];

    /// <summary>Compares the finished cells of two run folders.</summary>
    /// <param name="first">The earlier.</param>
    /// <param name="second">The later.</param>
    /// <param name="wanted">Whether to compare a metric, by its name.</param>
    /// <exception cref="InvalidDataException">One is no run folder, a file is damaged, or they have no arm in common.</exception>
    public static TwoRuns Compare(RunFolder first, RunFolder second, Func<string, bool> wanted)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        ArgumentNullException.ThrowIfNull(wanted);
        (Plan one, Plan two) = (first.RequirePlan(), second.RequirePlan());
        IReadOnlyList<CellResult> ones = first.ReadResults(one), twos = second.ReadResults(two);
        ArmPair[] arms = [.. Pair(one, two)];
        if (arms.Length == 0)
        {
            throw new InvalidDataException($"{first.Path} and {second.Path} have no arm in common, neither by configuration nor by name");
        }
        List<RunDifference> metrics = [];
        SortedSet<string> apart = new(StringComparer.Ordinal);
        foreach (string metric in ones.SelectMany(r => r.Metrics.Keys).Intersect(twos.SelectMany(r => r.Metrics.Keys)).Where(wanted).Order(StringComparer.Ordinal))
        {
            foreach (ArmPair arm in arms)
            {
                Dictionary<long, CellResult> a = Having(ones, arm.First, metric), b = Having(twos, arm.Second, metric);
                long[] seeds = [.. a.Keys.Intersect(b.Keys).Order()], like = [.. seeds.Where(s => a[s].Identities.GetValueOrDefault(metric) == b[s].Identities.GetValueOrDefault(metric))];
                if (like.Length < seeds.Length)
                {
                    apart.Add(metric);
                }
                if (like.Length > 0 && PairedComparison.Of(like.ToDictionary(s => s, s => b[s].Metrics[metric]), like.ToDictionary(s => s, s => a[s].Metrics[metric])) is { } difference)
                {
                    metrics.Add(new RunDifference(metric, arm, like.Average(s => a[s].Metrics[metric]), like.Average(s => b[s].Metrics[metric]), difference, null));
                }
            }
        }
        IReadOnlyList<double?> adjusted = Holm.Adjust([.. metrics.Select(m => m.Difference.Test.PValue)]);
        return new TwoRuns(arms, [.. Origin(ones, twos), .. Data(one, two)], [.. metrics.Select((m, i) => m with { AdjustedPValue = adjusted[i] })], [.. apart]);
    }

    private static Dictionary<long, CellResult> Having(IReadOnlyList<CellResult> results, string arm, string metric) =>
        results.Where(r => r.Arm == arm && r.Metrics.ContainsKey(metric)).ToDictionary(r => r.Seed);

    private static IEnumerable<ArmPair> Pair(Plan one, Plan two)
    {
        List<PlannedArm> left = [.. two.Arms];
        foreach (PlannedArm arm in one.Arms)
        {
            Dictionary<string, string> settings = Settings(one, arm);
            PlannedArm? twin = left.Find(a => Same(settings, Settings(two, a))) ?? left.Find(a => a.Name == arm.Name && !one.Arms.Any(o => o != arm && Same(Settings(one, o), Settings(two, a))));
            if (twin is null)
            {
                continue;
            }
            left.Remove(twin);
            Dictionary<string, string> others = Settings(two, twin);
            string[] paths = [.. settings.Keys.Union(others.Keys).Where(p => settings.GetValueOrDefault(p) != others.GetValueOrDefault(p)).Order(StringComparer.Ordinal)];
            PlannedCell? a = one.Cells.FirstOrDefault(c => c.Arm == arm.Name), b = a is null ? null : two.Cells.FirstOrDefault(c => c.Arm == twin.Name && c.Seed == a.Seed);
            yield return new ArmPair(arm.Name, twin.Name, [.. paths.Select(p => (p, settings.GetValueOrDefault(p, "absent"), others.GetValueOrDefault(p, "absent")))],
                a is null || b is null ? [] : [.. a.Stages.Where(s => b.Stages.Any(o => o.Kind == s.Kind && o.Key != s.Key)).Select(s => s.Kind)]);
        }
    }

    private static Dictionary<string, string> Settings(Plan plan, PlannedArm arm)
    {
        Dictionary<string, string> all = new(plan.Config);
        foreach ((string path, string value) in arm.Settings.Where(s => s.Key != "device"))
        {
            all[path] = value;
        }
        return all;
    }

    private static bool Same(Dictionary<string, string> a, Dictionary<string, string> b) => a.Count == b.Count && a.All(v => b.GetValueOrDefault(v.Key) == v.Value);

    private static IEnumerable<string> Origin(IReadOnlyList<CellResult> ones, IReadOnlyList<CellResult> twos)
    {
        string Values(IReadOnlyList<CellResult> results, Func<CellResult, string?> value) => string.Join(" and ", results.Select(value).Distinct().Select(v => v ?? "unknown").Order(StringComparer.Ordinal));
        foreach (string key in ones.Concat(twos).SelectMany(r => r.Provenance.Keys).Distinct().Except(Incidental))
        {
            (string a, string b) = (Values(ones, r => r.Provenance.GetValueOrDefault(key)), Values(twos, r => r.Provenance.GetValueOrDefault(key)));
            if (a != b && ones.Count > 0 && twos.Count > 0)
            {
                yield return $"{key}: {a} → {b}";
            }
        }
        foreach (string assembly in ones.Concat(twos).SelectMany(r => r.Code.Keys).Distinct().Order(StringComparer.Ordinal))
        {
            (string a, string b) = (Values(ones, r => r.Code.GetValueOrDefault(assembly)), Values(twos, r => r.Code.GetValueOrDefault(assembly)));
            if (a != b && ones.Count > 0 && twos.Count > 0)
            {
                yield return $"code of {assembly}: {a} → {b}";
            }
        }
    }

    private static IEnumerable<string> Data(Plan one, Plan two) => one.Contents.Where(c => two.Contents.TryGetValue(c.Key, out string? now) && now != c.Value)
        .Select(c => $"content of {c.Key}: {c.Value} → {two.Contents[c.Key]}");
}
