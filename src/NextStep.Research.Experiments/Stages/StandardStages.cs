namespace NextStep.Research.Experiments;

/// <summary>The stages of every experiment, in order.</summary>
public static class StandardStages
{
    /// <summary>verifier (the shapes world's, by itself), autoencoder → latents → model → samples → metrics.</summary>
    public static IReadOnlyList<StageDefinition> All { get; } =
    [
        new("verifier", 1, ["data.source", "data.imageSize", "data.skills", "autoencoder.multipliers", "evaluation.skills", "evaluation.verifierScenes", "seed"], [], true, VerifierStage.Run),
        new("autoencoder", 2, ["data", "autoencoder", "training.autoencoder", "evaluation.heldOut", "evaluation.latentNoise", "seed"], [], true, AutoencoderStage.Run),
        new("latents", 2, ["data", "evaluation.heldOut", "seed"], ["autoencoder"], true, LatentsStage.Run),
        new("model", 2, ["data.imageSize", "model", "training.model", "training.dropText", "seed"], ["autoencoder", "latents"], true, ModelStage.Run),
        new("samples", 1, ["data", "sampling", "evaluation", "seed", "precision"], ["model"], false, SamplesStage.Run),
        new("metrics", 2, ["data", "evaluation", "sampling", "precision", "seed"], ["autoencoder", "model", "samples"], false, MetricsStage.Run),
    ];
}
