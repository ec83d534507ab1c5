using System.CommandLine;
using NextStep.Research.Experiments;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep work</c>: joins a sweep that was begun elsewhere.</summary>
internal static class WorkCommand
{
    public static Command Create()
    {
        Argument<string> directory = SharedOptions.RunFolder();
        Option<string[]> only = new("--only") { Description = "Work on this arm only; repeatable." };
        Option<bool> pool = new("--child") { Hidden = true, Description = "Ends when standard input does." };
        Option<string?> map = new("--map") { Hidden = true }, index = new("--index") { Hidden = true };
        Command command = new("work", """
            Works on what is open in a run folder, beside the sweep that began it: from another terminal, or from another machine that sees the folder.

            Examples:
              nextstep work runs/quickstart
              nextstep work /shared/runs/noise-strength --only noiseStrength=0
            """)
        {
            directory, only, pool, map, index,
        };
        command.SetAction(parse =>
        {
            RunFolder folder = new(parse.GetRequiredValue(directory));
            Plan plan = folder.RequirePlan();
            using Interrupt interrupt = new();
            using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(
                interrupt.Token, parse.GetValue(pool) ? ParentWatch.Gone() : CancellationToken.None);
            TorchBackend.EnsureUsable();
            using SweepConsole console = SweepConsole.Create();
            SweepOptions options = new() { Only = parse.GetValue(only) ?? [], Worker = true, Report = console.Show, Provenance = Provenance.OfWorker(plan, Provenance.CommandLine) };
            SweepOutcome outcome = new SweepRunner(folder, plan, StandardStages.All, options).Run(stop.Token);
            SweepJob.ShowFailures(outcome.Failed);
            return parse.GetValue(pool) ? 0 : outcome.Cancelled || outcome.Failed.Count > 0 ? 1 : 0;
        });
        return command;
    }
}
