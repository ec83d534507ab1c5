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
        autoencoder.to(config.OpenDevice());
        (IImageSource train, IImageSource heldOut) = ImageSources.OpenBoth(config.Data, config.Seed);
        using IDisposable first = train, second = heldOut;
        int extra = Math.Min(config.Evaluation.HeldOut, heldOut.Count), before = 0;
        int total = train.Count + extra + (config.Data.Edits > 0 ? 2 * (config.Data.Edits + config.Evaluation.HeldOut) : 0);
        using (LatentSet set = Save(train, DataSplit.Train, int.MaxValue, Train))
        {
            using Measurements all = new();
            LatentMeasures.AddHealth(all, set, config.Autoencoder.LatentChannels);
            all.Run(null, context.Cancellation);
            StageFiles.Write(context.Directory, all);
        }
        Save(heldOut, DataSplit.HeldOut, extra, HeldOut).Dispose();

        LatentSet Save(IImageSource source, DataSplit split, int limit, string name)
        {
            LatentSet set = Encode(source, limit);
            if (config.Data.Edits > 0)
            {
                using ShapesEditSource sources = new(config.Data, split, EditSide.Before, config.Seed), results = new(config.Data, split, EditSide.After, config.Seed);
                set = set.WithEdits(Encode(sources, limit), Encode(results, limit));
            }
            set.Save(Path.Combine(context.Directory, name));
            return set;
        }

        LatentSet Encode(IImageSource source, int limit)
        {
            LatentSet set = LatentSet.Encode(
                autoencoder, source, limit,
                done => context.Progress(new StageProgress(before + done, total, "images", new Dictionary<string, double>())), context.Cancellation);
            before += set.Captions.Count;
            return set;
        }
    }
}
