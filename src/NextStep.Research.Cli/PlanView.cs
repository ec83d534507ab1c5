using System.Globalization;
using System.Text.Json;
using NextStep.Research.Experiments;
using NextStep.Research.Reports;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary>A plan for people and as JSON.</summary>
internal sealed class PlanView(Experiment experiment, Plan plan, RunFolder folder, PlanEstimate estimate, IReadOnlyList<PlannedPower> powers)
{
    private const int MostRows = 60;
    private const int MostArms = 40;
    private readonly HashSet<string> _done = [.. plan.Cells.SelectMany(c => c.Stages).DistinctBy(s => s.Key).AsParallel().Where(s => Directory.Exists(folder.Stage(s))).Select(s => s.Key)];
    private readonly IReadOnlyList<StageSharing> _sharing = StageSharing.Of(experiment, plan, StandardStages.All);

    public void Write(bool all)
    {
        AnsiConsole.WriteLine(plan.Question.Length > 0 ? $"{plan.Name}: {plan.Question}" : plan.Name);
        if (SearchTable.Describe(plan) is { } search)
        {
            AnsiConsole.WriteLine(search);
        }
        AnsiConsole.Write(Cells(all ? int.MaxValue : MostRows));
        if (!all && plan.Cells.Count > MostRows)
        {
            AnsiConsole.WriteLine($"… and {Grouped(plan.Cells.Count - MostRows)} more cells; --all shows them");
        }
        AnsiConsole.Write(Stages());
        PlannedArm[] arms = [.. plan.Arms.Skip(1).Where(a => plan.Cells.Any(c => c.Arm == a.Name))];
        foreach (PlannedArm arm in arms.Take(all ? int.MaxValue : MostArms))
        {
            AnsiConsole.WriteLine($"{arm.Name}: {Why(arm)}");
        }
        if (!all && arms.Length > MostArms)
        {
            AnsiConsole.WriteLine($"… and {Grouped(arms.Length - MostArms)} more arms; --all shows them");
        }
        foreach ((string name, string when) in experiment.LeftOut)
        {
            AnsiConsole.WriteLine($"{name}: left out, there only {when}");
        }
        AnsiConsole.WriteLine($"{Grouped(plan.Cells.Count)} cells; {Left()}");
        foreach (string line in PowerLines.Of(plan, powers))
        {
            AnsiConsole.WriteLine(line);
        }
    }

    public string Json(IReadOnlyList<string> differences, DataReport data) => JsonSerializer.Serialize(
        new
        {
            plan.Name,
            plan.Question,
            folder = folder.Path,
            cells = plan.Cells.Select(c => new { c.Key, c.Arm, c.Seed, stages = c.Stages.Select(s => new { s.Kind, s.Key, s.Shared, done = _done.Contains(s.Key) }) }),
            arms = plan.Arms.Select(a => new { a.Name, a.Settings }),
            experiment.LeftOut,
            plan.Contents,
            stages = _sharing,
            estimate = new { estimate.Seconds, estimate.Work, estimate.Bytes, estimate.Jobs, estimate.Stages },
            data = data.Data,
            power = powers.Select(p => new { p.Spread.Metric, p.Spread.Deviation, p.Spread.Freedom, p.Spread.From, p.Seeds, p.Comparisons, p.Detectable, p.Difference, p.Power, p.Needed }),
            changed = differences,
        },
        RunFolder.Json);

    private Table Cells(int most)
    {
        string[] kinds = [.. _sharing.Select(s => s.Kind)];
        Table table = new Table().Border(TableBorder.Simple).AddColumns(["cell", "arm", "seed", .. kinds]);
        HashSet<string> seen = [];
        foreach (PlannedCell cell in plan.Cells.Take(most))
        {
            Dictionary<string, string> stages = cell.Stages.ToDictionary(s => s.Kind, s => _done.Contains(s.Key) ? $"{s.Key[..8]} done" : seen.Add(s.Key) ? $"{s.Key[..8]} run" : $"{s.Key[..8]} shared");
            table.AddRow([.. new[] { cell.Key, cell.Arm, cell.Seed.ToString(CultureInfo.InvariantCulture) }.Concat(kinds.Select(k => stages.GetValueOrDefault(k, "–"))).Select(t => new Text(t))]);
        }
        return table;
    }

    private Table Stages()
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumns("stage", "different", "done", "cells", "time left", "disk left", "keys differ by");
        foreach (StageSharing stage in _sharing)
        {
            KindEstimate? left = estimate.Stages.FirstOrDefault(s => s.Kind == stage.Kind);
            int done = plan.Cells.SelectMany(c => c.Stages).Where(s => s.Kind == stage.Kind && _done.Contains(s.Key)).Select(s => s.Key).Distinct().Count();
            string[] why = [.. stage.Differs.Select(d => $"{d.Path} {Values(d.Values)}"), .. stage.Through.Select(t => $"through {t}")];
            table.AddRow(new[]
            {
                stage.Kind, Grouped(stage.Keys), Grouped(done), Grouped(stage.Cells),
                left is null ? "–" : left.Seconds is { } seconds ? Numbers.Duration(seconds) : "unknown",
                left is null ? "–" : left.Bytes is { } bytes ? Numbers.Size(bytes) : "unknown",
                why.Length == 0 ? "nothing: one for all" : string.Join("; ", why),
            }.Select(t => new Text(t)));
        }
        return table;
    }

    // Every stage that is not the baseline's, with what makes it so; stages after it follow.
    private string Why(PlannedArm arm)
    {
        List<string> own = [], shared = [];
        HashSet<string> different = [];
        HashSet<string> used = [.. plan.Cells.First(c => c.Arm == arm.Name).Stages.Select(s => s.Kind)], baseline = [.. plan.Cells[0].Stages.Select(s => s.Kind)];
        foreach (StageDefinition stage in StandardStages.All.Where(s => used.Contains(s.Kind)))
        {
            IReadOnlyList<(string Path, string Before, string After)> differences = StageSharing.Differences(plan, arm, stage);
            bool follows = stage.After.Any(different.Contains);
            bool alone = !baseline.Contains(stage.Kind);
            if (differences.Count > 0)
            {
                own.Add($"{stage.Kind} ({string.Join(", ", differences.Select(d => $"{d.Path} {d.Before} → {d.After}"))})");
            }
            else if (follows || alone)
            {
                own.Add(stage.Kind);
            }
            else
            {
                shared.Add(stage.Kind);
            }
            if (differences.Count > 0 || follows || alone)
            {
                different.Add(stage.Kind);
            }
        }
        return own.Count == 0
            ? $"the same stages as the baseline: no stage reads {string.Join(", ", arm.Settings.Where(s => s.Value != plan.Arms[0].Settings[s.Key]).Select(s => s.Key))}"
            : $"own {string.Join(", ", own)}{(shared.Count > 0 ? $"; the baseline's {string.Join(", ", shared)}" : "")}";
    }

    private string Left()
    {
        if (estimate.Stages.Count == 0)
        {
            return "nothing left to run";
        }
        string runs = $"to run: {string.Join(", ", estimate.Stages.Select(s => $"{Grouped(s.Runs)} {s.Kind}"))}";
        if (estimate.Seconds is not { } seconds)
        {
            return $"{runs}; time unknown for {string.Join(", ", estimate.Stages.Where(s => s.Seconds is null).Select(s => s.Kind))}: never run on a machine like this one beside {folder.Path}, --probe measures";
        }
        int exact = estimate.Stages.Sum(s => s.Exact), all = estimate.Stages.Sum(s => s.Runs);
        return $"{runs}; about {Numbers.Duration(seconds)} with {estimate.Jobs} {(estimate.Jobs == 1 ? "process" : "processes")} and {Numbers.Size(estimate.Bytes!.Value)}"
            + $" ({Grouped(exact)} of {Grouped(all)} stages measured as configured, the others scaled from the most similar one)";
    }

    private static string Values(IReadOnlyList<string> values) =>
        string.Join(" | ", values.Take(6)) + (values.Count > 6 ? $" | … ({values.Count} values)" : "");

    private static string Grouped(int count) => count.ToString("#,0", CultureInfo.InvariantCulture);
}
