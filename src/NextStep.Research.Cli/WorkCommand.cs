using System.CommandLine;
using NextStep.Research.Experiments;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep work</c>: joins a sweep that was begun elsewhere.</summary>
internal static class WorkCommand
{
    public static Command Create()
    {
        Argument<string> directory = SharedOptions.RunFolder();
        Option<string?> device = SharedOptions.Device();
        (Option<double?> hours, Option<string?> until) = SharedOptions.Budget();
        Option<string[]> only = new("--only") { Description = "Work on these arms only: a name or a pattern with * and ?; repeatable." };
        Option<bool> pool = new("--child") { Hidden = true, Description = "Ends when standard input does." };
        Option<string?> map = new("--map") { Hidden = true, Description = "What the indices of a Slurm array mean." };
        Option<int> index = new("--index") { Hidden = true, Description = "Which of them." };
        Command command = new("work", """
            Works on what is open in a run folder, beside the sweep that began it: from another terminal, or from another machine that sees the folder.

            Examples:
              nextstep work runs/quickstart
              nextstep work /shared/runs/noise-strength --only noiseStrength=0 --device cuda:1 --until 07:00
            """)
        {
            directory, only, device, hours, until, pool, map, index,
        };
        command.SetAction(parse =>
        {
            RunFolder folder = new(parse.GetRequiredValue(directory));
            Plan plan = folder.RequirePlan();
            RunComponents.Open(folder, plan);
            IReadOnlyList<string> arms = SharedOptions.Only(parse.GetValue(only), [.. plan.Arms.Select(a => a.Name)], plan.Search);
            using Interrupt interrupt = new();
            using SweepBudget? budget = SharedOptions.Budget(parse.GetValue(hours), parse.GetValue(until));
            using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(
                interrupt.Token, budget?.Over ?? CancellationToken.None, parse.GetValue(pool) ? ParentWatch.Gone() : CancellationToken.None);
            TorchBackend.EnsureUsable();
            if (!parse.GetValue(pool))
            {
                DataConsole.ShowOpen(folder, folder.RequirePlan());
            }
            using SweepConsole console = SweepConsole.Create();
            IReadOnlyDictionary<string, string> provenance = Provenance.OfWorker(folder, folder.RequirePlan(), Provenance.CommandLine, parse.GetValue(device));
            if (parse.GetValue(map) is { } file)
            {
                SlurmTask task = SlurmTask.Current ?? throw new InvalidOperationException("--map is for tasks that Slurm starts");
                SweepOptions told = new() { Report = console.Show, Provenance = provenance, Device = parse.GetValue(device) };
                return new SlurmWorker(folder, StandardStages.All, task, new ClusterCommands(), told).Run(file, parse.GetValue(index), () => interrupt.TimeIsOver, stop.Token);
            }
            SweepOptions options = new() { Only = arms, Worker = true, Device = parse.GetValue(device), Report = console.Show, Provenance = provenance };
            SweepOutcome outcome = new SweepRunner(folder, folder.RequirePlan(), StandardStages.All, options).Run(stop.Token);
            SweepJob.ShowFailures(folder.Path, outcome.Failed);
            return parse.GetValue(pool) ? 0 : outcome.Cancelled || outcome.Failed.Count > 0 ? 1 : 0;
        });
        return command;
    }
}
