namespace NextStep.Research.Experiments;

/// <summary>A claim with what is known of it: its judged tests where its numbers are there and whole.</summary>
/// <param name="File">Where it stands.</param>
/// <param name="Experiment">As read.</param>
/// <param name="Plan">Its plan; the claims are judged where there are numbers, and undecided elsewhere.</param>
internal sealed record ReproducedClaim(ClaimFile File, Experiment Experiment, Plan Plan)
{
    /// <summary>Of the cells that ended well; empty where nothing was run, or the file is damaged.</summary>
    public IReadOnlyList<CellResult> Results { get; init; } = [];

    /// <summary>Of those that failed.</summary>
    public IReadOnlyList<CellFailure> Failures { get; init; } = [];

    /// <summary>What is wrong with the kept numbers, each with the file's name.</summary>
    public IReadOnlyList<string> Faults { get; init; } = [];

    /// <summary>The code that made the numbers, where it is not this program's; empty otherwise.</summary>
    public string OtherCode { get; init; } = "";

    /// <summary>That different code computed the cells, in a sentence; empty where one did.</summary>
    public string Mixed => CodeMix.Found(Results) ?? "";

    /// <summary>Whether there are numbers to judge.</summary>
    public bool HasNumbers => Results.Count > 0;

    /// <summary>From the kept numbers alone: no training, no torch.</summary>
    /// <exception cref="ConfigException">The experiment file is wrong.</exception>
    public static ReproducedClaim FromResults(ClaimFile file)
    {
        Experiment experiment = ExperimentFile.Load(file.Path);
        ReproducedClaim open = new(file, experiment, Plan.Make(experiment, StandardStages.All));
        try
        {
            if (ClaimResults.Read(file.Results) is not { } kept)
            {
                return open;
            }
            string[] faults = [.. ResultFaults.OfCells(kept, file, experiment)];
            if (faults.Length > 0)
            {
                return open with { Faults = [.. faults.Select(f => $"{file.Results}: {f}")] };
            }
            (Plan plan, IReadOnlyList<CellResult> results, IReadOnlyList<CellFailure> failures) = ResultJudge.Judge(kept, experiment);
            faults = [.. ResultFaults.OfVerdicts(kept, plan.Claims)];
            return faults.Length > 0 ? open with { Faults = [.. faults.Select(f => $"{file.Results}: {f}")] }
                : open with { Plan = plan, Results = results, Failures = failures, OtherCode = Other(results) };
        }
        catch (InvalidDataException e)
        {
            return open with { Faults = [e.Message] };
        }
    }

    /// <summary>From a run folder, finished or not.</summary>
    /// <param name="file">The claim.</param>
    /// <param name="experiment">As it was run.</param>
    /// <param name="folder">The run folder, there or not.</param>
    /// <exception cref="InvalidDataException">A file of the folder is damaged.</exception>
    public static ReproducedClaim FromRun(ClaimFile file, Experiment experiment, RunFolder folder)
    {
        Plan plan = folder.ReadPlan() ?? Plan.Make(experiment, StandardStages.All);
        IReadOnlyList<CellResult> results = folder.ReadResults(plan);
        IReadOnlyList<CellFailure> failures = folder.ReadFailures(plan);
        return results.Count == 0 ? new ReproducedClaim(file, experiment, plan)
            : new ReproducedClaim(file, experiment, plan with { Claims = ClaimJudge.Judge(plan, results, failures) }) { Results = results, Failures = failures, OtherCode = Other(results) };
    }

    private static string Other(IReadOnlyList<CellResult> results)
    {
        string[] codes = [.. results.SelectMany(r => r.Code.Values).Where(c => c.Length > 0).Distinct().Order(StringComparer.Ordinal)];
        string[] commits = [.. results.Select(r => r.Provenance.GetValueOrDefault("commit", "")).Where(c => c.Length > 0).Distinct().Order(StringComparer.Ordinal)];
        return codes.Length == 0 || (codes is [var only] && only == CodeIdentity.Current) ? ""
            : $"made by code {string.Join(" and ", codes)}{(commits.Length > 0 ? $" (commit {string.Join("; ", commits)})" : "")}; this program is {CodeIdentity.Current}";
    }
}
