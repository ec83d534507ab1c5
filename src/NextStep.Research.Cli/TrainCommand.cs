using System.CommandLine;
using NextStep.Research.Experiments;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep train</c>: one stage by itself, with what it needs before it.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        Argument<string> kind = new("STAGE") { Description = "autoencoder, model or post." };
        kind.AcceptOnlyFromAmong("autoencoder", "model", "post");
        Argument<string> file = new("CONFIG") { Description = "A configuration or experiment file; of an experiment, its baseline." };
        Option<string?> output = SharedOptions.Out(), device = SharedOptions.Device();
        Option<string[]> set = SharedOptions.Set();
        Option<bool> accept = SharedOptions.AcceptChangedPlan();
        Option<long?> seed = new("--seed") { Description = "Seed; default: as configured." };
        Command command = new("train", """
            Trains the autoencoder, the model or what learns from its own pictures by itself, with what it needs before it. The same command again continues.

            Examples:
              nextstep train autoencoder experiments/base/shapes-32.yaml --out runs/autoencoder
              nextstep train model experiments/quickstart.yaml --set training.model.images=500000 --seed 1
            """)
        {
            kind, file, output, set, device, seed, accept,
        };
        command.SetAction(parse =>
        {
            string path = parse.GetRequiredValue(file), wanted = parse.GetRequiredValue(kind);
            Experiment read = ExperimentFile.Load(path, SharedOptions.Overrides(parse.GetValue(set), parse.GetValue(device)));
            Experiment experiment = read with { Arms = [read.Arms[0]], Seeds = [parse.GetValue(seed) ?? read.Seeds[0]], Axes = [], Claims = [] };
            StageDefinition[] stages = [.. Needed(wanted)];
            string folder = parse.GetValue(output) ?? Path.Combine("runs", $"{experiment.Name}-{wanted}");
            SweepJob job = new(path, CellThreads.Settle(experiment, new RunFolder(folder)), stages, folder) { AcceptChangedPlan = parse.GetValue(accept) };
            return job.Run(done =>
            {
                foreach (PlannedStage stage in done.RequirePlan().Cells[0].Stages.Where(s => Directory.Exists(done.Stage(s))))
                {
                    AnsiConsole.WriteLine($"{stage.Kind}: {done.Stage(stage)}");
                }
            });
        });
        return command;
    }

    private static IEnumerable<StageDefinition> Needed(string kind)
    {
        HashSet<string> needed = [kind];
        foreach (StageDefinition stage in StandardStages.All.Reverse().Where(s => needed.Contains(s.Kind)))
        {
            needed.UnionWith(stage.After);
        }
        return StandardStages.All.Where(s => needed.Contains(s.Kind));
    }
}
