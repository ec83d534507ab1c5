using System.CommandLine;
using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep plan</c>: what a sweep would do, and every error of the file.</summary>
internal static class PlanCommand
{
    public static Command Create()
    {
        Argument<string> file = SharedOptions.ExperimentFile();
        Option<string?> output = SharedOptions.Out(), device = SharedOptions.Device();
        Option<string[]> set = SharedOptions.Set(), only = SharedOptions.OnlyArms();
        Option<int?> jobs = SharedOptions.Jobs();
        Option<bool> probe = new("--probe") { Description = "Run a little of every stage to estimate time and disk; takes seconds to minutes." };
        Option<bool> all = SharedOptions.All(), json = SharedOptions.Json();
        Option<double?> power = new("--power") { Description = "A difference that is wanted: how likely the seeds find it, and how many would." };
        power.Validators.Add(r => { if (r.GetValueOrDefault<double?>() is { } wanted && !(Math.Abs(wanted) > 0 && double.IsFinite(wanted))) { r.AddError("--power must be a difference other than 0."); } });
        Option<string?> from = new("--from") { Description = "The run whose spread over seeds the power is of; default: the run folder, then those beside it." };
        Option<bool> accept = new("--accept-changed-plan") { Description = "Do not fail where the run folder was begun with another plan." };
        Command command = new("plan", """
            Shows the cells of an experiment, the stages they share and why keys differ, the time and disk that are left, and what
            difference the seeds can find, or everything that is wrong with the file. Runs nothing unless --probe asks for it.

            Examples:
              nextstep plan experiments/quickstart.yaml
              nextstep plan experiments/quickstart.yaml --set model.size=tiny --probe
              nextstep plan experiments/quickstart.yaml --power 0.02 --from runs/small
            """)
        {
            file, output, set, only, jobs, device, probe, power, from, accept, all, json,
        };
        command.SetAction(parse =>
        {
            Experiment read = ExperimentFile.Load(parse.GetRequiredValue(file), SharedOptions.Overrides(parse.GetValue(set), parse.GetValue(device)));
            IReadOnlyList<string> arms = SharedOptions.Only(parse.GetValue(only), read);
            RunFolder folder = new(parse.GetValue(output) ?? Path.Combine("runs", read.Name));
            Plan? before = folder.ReadPlan();
            Experiment experiment = CellThreads.SettleAs(read, before);
            DataReport data = DataReport.Of(experiment);
            Plan plan = Plan.Make(experiment, StandardStages.All);
            Plan shown = arms.Count == 0 ? plan : plan with { Cells = [.. plan.Cells.Where(c => arms.Contains(c.Arm))] };
            int processes = parse.GetValue(jobs) ?? SharedOptions.DefaultJobs(experiment);
            PlanEstimate estimate = parse.GetValue(probe)
                ? Probe(experiment, shown, folder, processes)
                : PlanEstimate.FromEarlierRuns(experiment, shown, StandardStages.All, folder, processes);
            PlanView view = new(experiment, shown, folder, estimate, PlannedPower.Of(plan, folder, before, parse.GetValue(from), parse.GetValue(power)));
            IReadOnlyList<string> differences = before is not null ? PlanChange.Losses(before, plan) : [];
            if (parse.GetValue(json))
            {
                Console.Out.WriteLine(view.Json(differences, data));
            }
            else
            {
                view.Write(parse.GetValue(all));
            }
            DataConsole.Show(data);
            return differences.Count == 0 || parse.GetValue(accept) ? 0 : throw new PlanChangedException(folder.Path, differences);
        });
        return command;
    }

    private static PlanEstimate Probe(Experiment experiment, Plan plan, RunFolder folder, int jobs)
    {
        TorchBackend.EnsureUsable();
        using Interrupt interrupt = new();
        return PlanEstimate.FromProbe(experiment, plan, StandardStages.All, folder, jobs, arm => Console.Error.WriteLine($"probing {arm}"), interrupt.Token);
    }
}
