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
        using IImageSource source = ImageSources.Open(config.Data, Split.Train, config.Seed);
        using ImageAutoencoder autoencoder = AutoencoderTrainer.Train(config, source, new TrainingRun(
            context.Directory, "autoencoder",
            (images, numbers) => context.Progress(new StageProgress(images, config.Training.Autoencoder.Images, "images", numbers)),
            context.Cancellation) { Note = context.Note });
        ReleasedFolder.SaveAutoencoder(Path.Combine(context.Directory, "vae"), autoencoder);
        using IImageSource heldOut = ImageSources.Open(config.Data, Split.HeldOut, config.Seed);
        Measure(context, autoencoder, heldOut);
    }

    private static void Measure(StageContext context, ImageAutoencoder autoencoder, IImageSource heldOut)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Device device = autoencoder.parameters().First().device;
        int count = Math.Min(context.Config.Evaluation.HeldOut, heldOut.Count);
        using CaptionedBatch batch = Batches.Load(heldOut, [.. Enumerable.Range(0, count)]);
        Tensor originals = batch.Pixels;
        Dictionary<string, double> numbers = [];
        foreach (double strength in (double[])[0, 0.2, 0.5])
        {
            using DisposeScope inner = NewDisposeScope();
            using NoiseSource noise = new DrawnNoise(context.Config.Seed, "evaluation.latentNoise");
            Tensor output = cat([.. originals.split(64).Select(part => Reconstruct(autoencoder, part.to(device), strength, noise))]);
            string suffix = strength == 0 ? "" : System.FormattableString.Invariant($".noise{strength}");
            numbers["autoencoder.psnr" + suffix] = ImageMetrics.Psnr(output, originals);
            numbers["autoencoder.ssim" + suffix] = ImageMetrics.Ssim(output, originals);
            if (strength == 0)
            {
                int shown = Math.Min(Shown, count);
                Tensor rows = cat([originals.narrow(0, 0, shown), output.narrow(0, 0, shown)]);
                ImageFile.SavePng(Path.Combine(context.Directory, "reconstructions.png"), ImageGrid.Make(rows, shown, enlarge: SamplesStage.Enlarged(context.Config)));
            }
        }
        numbers["autoencoder.parameters"] = autoencoder.parameters().Sum(p => p.numel());
        StageFiles.WriteSummary(context.Directory, numbers);
        StageFiles.WritePictures(context.Directory, new Dictionary<string, string> { ["reconstructions"] = "reconstructions.png" });
    }

    // Noise of a fixed strength on the normalised latent: how robust the decoder is (paper, Fig. 6).
    private static Tensor Reconstruct(ImageAutoencoder autoencoder, Tensor pixels, double strength, NoiseSource noise)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor latents = autoencoder.Encode(pixels).Mean;
        if (strength > 0)
        {
            latents = latents + (noise.Normal(latents.shape).to(latents.device) * (float)strength);
        }
        return autoencoder.Decode(latents).clamp(-1, 1).cpu().MoveToOuterDisposeScope();
    }
}
