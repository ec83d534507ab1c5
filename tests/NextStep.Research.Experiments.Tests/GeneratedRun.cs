using System.Globalization;

namespace NextStep.Research.Experiments.Tests;

/// <summary>Run folders as a sweep leaves them, with numbers from a formula and no training.</summary>
internal static class GeneratedRun
{
    public const string Grid = """
        name: grid
        question: Which matters more, the width or the noise?
        baseline: { autoencoder.width: 8, autoencoder.noiseStrength: 0 }
        axes:
          autoencoder.width: [8, 16]
          autoencoder.noiseStrength: [0, 0.5]
        seeds: [0, 1, 2]
        measure: [flow.loss, alignment, frechet]
        claims:
          - say: noise costs loss
            test: trend(flow.loss, noiseStrength) > 0
          - say: width helps
            test: effect(alignment, width) > 0
          - say: together they do no more than apart
            test: interaction(flow.loss, width, noiseStrength) = 0 +- 0.05
        """;

    /// <summary>Loss rises with noise, alignment with width; seeds differ more than arms.</summary>
    public static Dictionary<string, double> Numbers(ResearchConfig config, long seed)
    {
        double width = config.Autoencoder.Width, noise = config.Autoencoder.NoiseStrength;
        double wobble = 0.02 * Streams.Managed(seed, FormattableString.Invariant($"{width}/{noise}")).NextDouble();
        return new Dictionary<string, double>
        {
            ["flow.loss"] = 0.3 + (0.1 * seed) + (0.2 * noise) + (0.1 * wobble),
            ["alignment"] = 0.4 + (0.05 * seed) + (0.01 * width) + wobble,
            ["frechet"] = 12,
            ["text.loss"] = 3,
        };
    }

    /// <summary>Writes plan and results of the cells that <paramref name="done"/> picks; null: all.</summary>
    public static Plan Write(RunFolder folder, Experiment experiment, Predicate<PlannedCell>? done = null)
    {
        Plan plan = Plan.Make(experiment, StandardStages.All);
        folder.WritePlan(plan);
        Dictionary<string, ResearchConfig> configs = experiment.Arms.ToDictionary(a => a.Name, a => a.Config);
        foreach (PlannedCell cell in plan.Cells.Where(c => done?.Invoke(c) != false))
        {
            ResearchConfig config = configs[cell.Arm] with { Seed = cell.Seed };
            string place = folder.Cell(cell);
            Directory.CreateDirectory(place);
            File.WriteAllText(Path.Combine(place, "config.yaml"), ConfigYaml.Write(config));
            File.WriteAllText(Path.Combine(place, "metrics.jsonl"), string.Concat(Enumerable.Range(1, 40).Select(i => string.Create(CultureInfo.InvariantCulture,
                $"{{\"stage\":\"model\",\"images\":{i * 100},\"loss\":{(1.0 / i) + (0.01 * config.Autoencoder.Width):0.0000},\"seconds\":{i * 2}}}\n"))));
            foreach (PlannedStage stage in cell.Stages)
            {
                Directory.CreateDirectory(folder.Stage(stage));
                // The processor's name has another length on every machine; the sizes that plan prints are to be the same.
                File.WriteAllText(Path.Combine(folder.Stage(stage), StageRecord.FileName), System.Text.Json.JsonSerializer.Serialize(
                    new StageRecord(stage.Kind, stage.Key, cell.Key, 80) { Machine = Provenance.Processor, Ended = DateTime.UnixEpoch }, RunFolder.Json).PadRight(512));
            }
            File.WriteAllText(Path.Combine(place, "result.json"), System.Text.Json.JsonSerializer.Serialize(
                new CellResult
                {
                    Cell = cell.Key, Arm = cell.Arm, Seed = cell.Seed, Metrics = Numbers(config, cell.Seed), Stages = cell.Stages.ToDictionary(s => s.Kind, s => s.Folder),
                    Pictures = new Dictionary<string, string>(), Prompts = ["a red circle"], Seconds = new Dictionary<string, double> { ["model"] = 80, ["samples"] = 4.5 },
                    Code = cell.Stages.ToDictionary(s => s.Kind, _ => "0123456789ab"),
                    Identities = new Dictionary<string, string> { ["frechet"] = "extractor 12ab, 100 samples" },
                    Provenance = new Dictionary<string, string> { ["commit"] = "0123abc", ["device"] = "cpu" },
                },
                RunFolder.Json));
        }
        return plan;
    }
}
