using TorchSharp;

namespace NextStep.Research.Experiments;

/// <summary>Encodes both splits once and measures the health of the training latents.</summary>
internal static class LatentsStage
{
    public const string Train = "train.safetensors";
    public const string HeldOut = "held-out.safetensors";

    public static void Run(StageContext context)
    {
        ResearchConfig config = context.Config;
        using ImageAutoencoder autoencoder = ReleasedFolder.LoadAutoencoder(Path.Combine(context.Inputs["autoencoder"], "vae"), config.Autoencoder.PatchSize);
        autoencoder.to(config.Device);
        using IImageSource train = ImageSources.Open(config.Data, Split.Train, config.Seed);
        using IImageSource heldOut = ImageSources.Open(config.Data, Split.HeldOut, config.Seed);
        int extra = Math.Min(config.Evaluation.HeldOut, heldOut.Count);
        using (LatentSet set = Save(train, int.MaxValue, Train, 0))
        {
            using Measurements all = new();
            LatentMeasures.AddHealth(all, set, config.Autoencoder.LatentChannels);
            all.Run(null, context.Cancellation);
            StageFiles.Write(context.Directory, all);
        }
        Save(heldOut, extra, HeldOut, train.Count).Dispose();

        LatentSet Save(IImageSource source, int limit, string name, int before)
        {
            LatentSet set = LatentSet.Encode(
                autoencoder, source, limit,
                done => context.Progress(new StageProgress(before + done, train.Count + extra, "images", new Dictionary<string, double>())), context.Cancellation);
            set.Save(Path.Combine(context.Directory, name));
            return set;
        }
    }
}
