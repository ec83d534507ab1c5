using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>What is wrong with kept numbers: each fault a sentence that names cell and field.</summary>
internal static class ResultFaults
{
    // Verdicts of another machine may differ in the last digits of a distribution.
    private const double Tolerance = 1e-6;

    /// <summary>Faults of the cells; with any of them no verdict can be recomputed.</summary>
    public static IEnumerable<string> OfCells(ClaimResults kept, ClaimFile claim, Experiment experiment)
    {
        if (kept.Version != ClaimResults.Current)
        {
            yield return $"version is {kept.Version}, and this program reads {ClaimResults.Current}";
        }
        if (kept.Claim != claim.Name)
        {
            yield return $"claim is '{kept.Claim}', and the file is called {claim.Name}";
        }
        if (ExperimentDigest.Of(experiment) is { } asked && kept.Experiment != asked)
        {
            yield return $"experiment is {kept.Experiment}, and {claim.Path} is {asked}: its arms, seeds or tests are others than those that were run; restore it, or run {kept.Command} again";
            yield break;
        }
        foreach (string fault in Layout(kept, experiment).Concat(Numbers(kept, experiment)))
        {
            yield return fault;
        }
    }

    /// <summary>Verdicts that do not follow from the numbers.</summary>
    /// <param name="kept">The file.</param>
    /// <param name="judged">The claims, judged anew.</param>
    public static IEnumerable<string> OfVerdicts(ClaimResults kept, IReadOnlyList<PlannedClaim> judged)
    {
        if (kept.Verdicts.Count != judged.Count)
        {
            yield return $"verdicts: there are {kept.Verdicts.Count}, and the experiment has {judged.Count} claims";
            yield break;
        }
        foreach ((ClaimVerdict? verdict, PlannedClaim claim) in kept.Verdicts.Zip(judged))
        {
            ClaimVerdict now = ClaimVerdict.Of(claim);
            if (verdict is null || verdict.Say != now.Say || verdict.Test != now.Test)
            {
                yield return $"verdict on '{now.Say}': the file has {(verdict is null ? "nothing" : $"'{verdict.Say}' with the test '{verdict.Test}'")} in its place";
            }
            else if (verdict.Verdict != now.Verdict)
            {
                yield return $"verdict on '{now.Say}': the file says {verdict.Verdict}, and its numbers say {now.Verdict} ({claim.Evidence})";
            }
            else if (!Same(verdict.P, now.P))
            {
                yield return $"verdict on '{now.Say}', field p: the file says {Text(verdict.P)}, and its numbers give {Text(now.P)}";
            }
            else if (verdict.Differences.Count != now.Differences.Count || verdict.Differences.Zip(now.Differences).Any(d => !Same(d.First, d.Second)))
            {
                yield return $"verdict on '{now.Say}', field differences: the file says {string.Join(", ", verdict.Differences.Select(Text))}, and its numbers give {string.Join(", ", now.Differences.Select(Text))}";
            }
        }
    }

    private static IEnumerable<string> Layout(ClaimResults kept, Experiment experiment)
    {
        string[] arms = [.. experiment.Arms.Select(a => a.Name)];
        for (int i = 0; i < kept.Cells.Count; i++)
        {
            if (kept.Cells[i] is null)
            {
                yield return $"cell {i + 1} is null";
            }
        }
        (string Arm, long Seed, string Label)[] found =
        [
            .. kept.Cells.Where(c => c is not null).Select(c => (c.Arm, c.Seed, c.Label)),
            .. kept.Failures.Where(f => f is not null).Select(f => (f.Arm, f.Seed, FormattableString.Invariant($"'{f.Arm}, seed {f.Seed}'"))),
        ];
        foreach ((string arm, long seed, string label) in found)
        {
            if (!arms.Contains(arm))
            {
                yield return $"cell {label}, field arm: the experiment has no such arm{NearestName.Hint(arm, arms)}";
            }
            if (!experiment.Seeds.Contains(seed))
            {
                yield return $"cell {label}, field seed: the experiment has no such seed; its seeds are {string.Join(", ", experiment.Seeds)}";
            }
        }
        foreach (string twice in found.GroupBy(f => f.Label).Where(g => g.Count() > 1).Select(g => g.Key))
        {
            yield return $"cell {twice} stands twice";
        }
        HashSet<(string, long)> there = [.. found.Select(f => (f.Arm, f.Seed))];
        foreach ((string arm, long seed) in experiment.Seeds.SelectMany(s => arms.Select(a => (a, s))).Where(c => !there.Contains(c)))
        {
            yield return FormattableString.Invariant($"cell '{arm}, seed {seed}' is missing");
        }
    }

    private static IEnumerable<string> Numbers(ClaimResults kept, Experiment experiment)
    {
        ClaimCell[] cells = [.. kept.Cells.Where(c => c is not null)];
        string[] metrics = [.. cells.SelectMany(c => c.Metrics.Keys).Distinct()];
        Dictionary<string, ResearchConfig> configs = experiment.Arms.ToDictionary(a => a.Name, a => a.Config);
        foreach (ClaimCell cell in cells)
        {
            string[] faults = [.. Fields(cell, metrics, configs.GetValueOrDefault(cell.Arm))];
            foreach (string fault in faults)
            {
                yield return $"cell {cell.Label}, field {fault}";
            }
            if (faults.Length == 0 && cell.Digest != cell.Fingerprint())
            {
                yield return $"cell {cell.Label}, field digest: is {(cell.Digest.Length > 0 ? cell.Digest : "nothing")}, and the cell gives {cell.Fingerprint()}: a number of it, or its arm, seed, commit or code, was edited";
            }
        }
    }

    private static IEnumerable<string> Fields(ClaimCell cell, string[] metrics, ResearchConfig? config) =>
    [
        .. metrics.Where(m => !cell.Metrics.ContainsKey(m) && !AlignmentTime.Names.Contains(m)).Select(m => $"metrics.{m} is missing"),
        .. cell.Metrics.Where(m => !double.IsFinite(m.Value)).Select(m => $"metrics.{m.Key}: {Text(m.Value)} is not finite"),
        .. cell.Seconds.Where(s => !double.IsFinite(s.Value) || s.Value < 0).Select(s => $"seconds.{s.Key}: {Text(s.Value)} is no time"),
        .. cell.Threads.Where(t => t.Value < 1).Select(t => $"threads.{t.Key}: {t.Value} is no number of threads"),
        .. Outcomes(cell, config),
    ];

    private static IEnumerable<string> Outcomes(ClaimCell cell, ResearchConfig? config)
    {
        foreach ((string metric, PictureOutcomes outcomes) in cell.Outcomes)
        {
            if (outcomes is null || outcomes.Right.Length == 0 || outcomes.Right.Any(c => c is not ('0' or PictureOutcomes.Yes)))
            {
                yield return $"outcomes.{metric}: expected a 0 or 1 a picture";
                continue;
            }
            // With several skills the metric is the mean of their shares.
            int right = outcomes.Right.Count(c => c == PictureOutcomes.Yes);
            if (config is not null && SamplesStage.Skills(config).Count == 1 && cell.Metrics.TryGetValue(metric, out double share) && !Same(share, (double)right / outcomes.Right.Length))
            {
                yield return $"metrics.{metric}: is {Text(share)}, but {right} of its {outcomes.Right.Length} pictures are right";
            }
        }
    }

    private static bool Same(double? a, double? b) => a is null ? b is null : b is not null && Math.Abs(a.Value - b.Value) <= Tolerance * Math.Max(1, Math.Abs(b.Value));

    private static string Text(double? value) => value?.ToString("R", CultureInfo.InvariantCulture) ?? "nothing";
}
