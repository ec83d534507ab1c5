namespace NextStep.Research.Experiments;

/// <summary>The stages of every experiment, in order.</summary>
public static class StandardStages
{
    /// <summary>autoencoder → latents → model → samples → metrics.</summary>
    public static IReadOnlyList<StageDefinition> All { get; } =
    [
        new("autoencoder", 1, ["data", "autoencoder", "training.autoencoder", "evaluation.heldOut", "seed"], [], true, AutoencoderStage.Run),
        new("latents", 1, ["data", "evaluation.heldOut", "seed"], ["autoencoder"], true, LatentsStage.Run),
        new("model", 1, ["data.imageSize", "model", "training.model", "training.dropText", "training.packSequences", "training.recomputeLayers", "seed"], ["autoencoder", "latents"], true, ModelStage.Run),
        new("samples", 2, ["data", "sampling", "evaluation", "seed", "precision"], ["model"], false, SamplesStage.Run),
        new("metrics", 1, ["data", "evaluation", "seed"], ["autoencoder", "samples"], false, MetricsStage.Run),
    ];
}
