namespace NextStep.Research.Experiments;

/// <summary>The stages of every experiment, in order.</summary>
public static class StandardStages
{
    private static readonly string[] Pictures =
        ["data.source", "data.path", "data.imageSize", "data.images", "data.captionField", "data.emptyCaptions", "data.heldOut", "data.skills", "data.paraphrase", "data.groups"];

    private static readonly string[] Losses =
        ["model.*", "flow.loss", "flow.loss.t*", "head.loss", "head.loss.t*", "text.loss", "edit.flow.loss", "edit.flow.loss.t*", "edit.head.loss", "edit.head.loss.t*", "edit.text.loss"];

    /// <summary>verifier (the shapes world's, by itself), autoencoder → latents → model → post → samples → metrics; a cell that starts from a model's folder begins with post.</summary>
    public static IReadOnlyList<StageDefinition> All { get; } =
    [
        new("verifier", 1, ["data.source", "data.imageSize", "data.skills", "autoencoder.multipliers", "autoencoder.stemPatch", "evaluation.skills", "evaluation.verifierScenes", "seed", "threads"], [], true, VerifierStage.Run) { Work = new StageWork("evaluation.verifierScenes", 16), Numbers = ["verifier.*"] },
        // The autoencoder does not see edits: their pictures are like those of the pairs.
        new("autoencoder", 5, [.. Pictures, "autoencoder", "training.autoencoder", "evaluation.heldOut", "evaluation.latentNoise", "seed", "threads", "cuda"], [], true, AutoencoderStage.Run) { Work = new StageWork("training.autoencoder.images", 64), Numbers = ["autoencoder.*"], When = Trains },
        new("latents", 4, ["data", "evaluation.heldOut", "seed", "threads", "cuda"], ["autoencoder"], true, LatentsStage.Run) { Work = new StageWork("data.images", 256), Numbers = ["latents.*"], When = Trains },
        new("model", 3, ["data.source", "data.imageSize", "model", "training.model", "training.dropText", "training.scheduledSampling", "training.packSequences", "training.recomputeLayers", "seed", "threads", "cuda"], ["autoencoder", "latents"], true, ModelStage.Run) { Work = new StageWork("training.model.images", 256), Numbers = Losses, When = Trains },
        new("post", 2, ["data", "sampling", "training.post", "training.dropText", "seed", "threads", "cuda"], ["latents", "model"], true, PostStage.Run) { Work = new StageWork("training.post.images", 256), Numbers = ["post.*", .. Losses], When = config => !Trains(config) || config.Training.Post.Method != PostMethod.None },
        new("samples", 2, ["data", "sampling", "evaluation.samples", "evaluation.skills", "evaluation.pairs", "seed", "threads", "cuda", "precision"], ["model", "post"], false, SamplesStage.Run) { Work = new StageWork("evaluation.samples", 4), Numbers = [] },
        new("metrics", 5, ["data", "evaluation", "sampling", "precision", "seed", "threads", "cuda"], ["autoencoder", "model", "post", "samples"], false, MetricsStage.Run) { Work = new StageWork("evaluation.samples", 4) },
    ];

    private static bool Trains(ResearchConfig config) => config.Training.Post.Start is null;
}
