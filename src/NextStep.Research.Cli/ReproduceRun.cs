using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary>Runs claims one after the other, each by the ordinary sweep, and keeps the numbers of those that ended.</summary>
/// <param name="Runs">A run folder a claim goes here.</param>
/// <param name="Smoke">The small form; nothing is kept.</param>
/// <param name="Jobs">Processes; null: as many as keep the cores busy.</param>
/// <param name="RetryFailed">Run cells again that failed earlier.</param>
/// <param name="AcceptChangedPlan">Go on in a run folder that was begun with another plan.</param>
/// <param name="MixCode">Let cells of different code decide.</param>
/// <param name="Budget">For all of them together; null: as long as it takes.</param>
internal sealed record ReproduceRun(string Runs, bool Smoke, int? Jobs, bool RetryFailed, bool AcceptChangedPlan, bool MixCode, SweepBudget? Budget)
{
    /// <summary>False where a cell failed or the run was stopped.</summary>
    /// <param name="claims">Which.</param>
    /// <param name="named">Asked for by name: then a claim whose pictures are not here is an error, and else it is left out with a sentence.</param>
    public bool All(IReadOnlyList<ClaimFile> claims, bool named)
    {
        bool whole = true;
        for (int i = 0; i < claims.Count; i++)
        {
            AnsiConsole.WriteLine($"claim {i + 1} of {claims.Count}: {claims[i].Name}");
            Experiment read = Smoke ? ExperimentFile.LoadSmoke(claims[i].Path) : ExperimentFile.Load(claims[i].Path);
            if (read.Arms.Select(a => a.Config.Data.Source.Missing(a.Config.Data)).FirstOrDefault(m => m is not null) is { } missing)
            {
                AnsiConsole.WriteLine(named ? throw new InvalidDataException($"{claims[i].Name}: {missing}") : $"left out: {missing}");
                continue;
            }
            (bool ended, bool failed) = Run(claims[i], read);
            whole &= ended && !failed;
            if (!ended)
            {
                return false;
            }
        }
        return whole;
    }

    private (bool Ended, bool Failed) Run(ClaimFile claim, Experiment read)
    {
        RunFolder folder = new(Path.Combine(Runs, claim.Name));
        Experiment experiment = CellThreads.Settle(read, folder);
        SweepJob job = new(claim.Path, experiment, StandardStages.All, folder.Path)
        {
            RetryFailed = RetryFailed,
            AcceptChangedPlan = AcceptChangedPlan,
            Places = SharedOptions.Places(null, Jobs, experiment),
            Budget = Budget,
        };
        job.Run(done => ReportCommand.Write(done.Path, done.ReportFile, MixCode));
        Plan plan = folder.RequirePlan();
        int done = plan.Cells.Count(folder.IsDone), failed = folder.ReadFailures(plan).Count;
        if (done + failed < plan.Cells.Count)
        {
            return (false, failed > 0);
        }
        if (!Smoke)
        {
            Keep(claim, read, folder);
        }
        return (true, failed > 0);
    }

    private void Keep(ClaimFile claim, Experiment experiment, RunFolder folder)
    {
        ResultExport.Of(claim, experiment, folder, MixCode).Write(claim.Results);
        AnsiConsole.WriteLine($"kept: {claim.Results}");
        TorchBackend.EnsureUsable();
        if (ClaimSheet.Write(experiment, folder, claim.Picture))
        {
            AnsiConsole.WriteLine($"kept: {claim.Picture}");
        }
    }
}
