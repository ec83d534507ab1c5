using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>Trains the autoencoder and measures it on held-out pictures.</summary>
internal static class AutoencoderStage
{
    private const int Shown = 12;

    public static void Run(StageContext context)
    {
        ResearchConfig config = context.Config;
        using IImageSource source = ImageSources.Open(config.Data, DataSplit.Train, config.Seed);
        using ImageAutoencoder autoencoder = AutoencoderTrainer.Train(config, source, new TrainingRun(
            context.Directory, "autoencoder",
            (images, numbers) => context.Progress(new StageProgress(images, config.Training.Autoencoder.Images, "images", numbers)),
            context.Cancellation) { Note = context.Note });
        ReleasedFolder.SaveAutoencoder(Path.Combine(context.Directory, "vae"), autoencoder);
        Measure(context, autoencoder);
    }

    private static void Measure(StageContext context, ImageAutoencoder autoencoder)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor heldOut = CellMeasures.HeldOut(context.Config);
        using Measurements all = new();
        LatentMeasures.AddReconstruction(all, autoencoder, heldOut, context.Config, decoded => SaveSheet(context, decoded, heldOut));
        all.Run(p => context.Progress(new StageProgress(p.Done, p.Total, "measurements", all.Numbers)), context.Cancellation);
        all.Numbers["autoencoder.parameters"] = autoencoder.parameters().Sum(p => p.numel());
        StageFiles.Write(context.Directory, all, new Dictionary<string, string> { ["reconstructions"] = "reconstructions.png" });
    }

    private static void SaveSheet(StageContext context, Tensor decoded, Tensor originals)
    {
        int shown = (int)Math.Min(Shown, originals.size(0));
        using Tensor rows = cat([originals.narrow(0, 0, shown), decoded.narrow(0, 0, shown)]), sheet = ImageGrid.Make(rows, shown, enlarge: SamplesStage.Enlarged(context.Config));
        ImageFile.Save(Path.Combine(context.Directory, "reconstructions.png"), sheet);
    }
}
