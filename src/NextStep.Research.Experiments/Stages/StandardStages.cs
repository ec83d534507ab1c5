namespace NextStep.Research.Experiments;

/// <summary>The stages of every experiment, in order.</summary>
public static class StandardStages
{
    private static readonly string[] Pictures =
        ["data.source", "data.path", "data.imageSize", "data.images", "data.captionField", "data.skills", "data.paraphrase", "data.groups"];

    /// <summary>autoencoder → latents → model → samples → metrics.</summary>
    public static IReadOnlyList<StageDefinition> All { get; } =
    [
        // The autoencoder does not see edits: their pictures are like those of the pairs.
        new("autoencoder", 1, [.. Pictures, "autoencoder", "training.autoencoder", "evaluation.heldOut", "seed"], [], true, AutoencoderStage.Run) { Work = new StageWork("training.autoencoder.images", 64) },
        new("latents", 1, ["data", "evaluation.heldOut", "seed"], ["autoencoder"], true, LatentsStage.Run) { Work = new StageWork("data.images", 256) },
        new("model", 1, ["data.imageSize", "model", "training.model", "training.dropText", "seed"], ["autoencoder", "latents"], true, ModelStage.Run) { Work = new StageWork("training.model.images", 256) },
        new("samples", 1, ["data", "sampling", "evaluation", "seed", "precision"], ["model"], false, SamplesStage.Run) { Work = new StageWork("evaluation.samples", 4) },
        new("metrics", 1, ["data", "evaluation", "seed"], ["autoencoder", "samples"], false, MetricsStage.Run) { Work = new StageWork("evaluation.samples", 4) },
    ];
}
