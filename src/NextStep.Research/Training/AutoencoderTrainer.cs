using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Trains the image autoencoder: encode, normalise, perturb, decode, compare (spec §4.5).</summary>
public static class AutoencoderTrainer
{
    /// <summary>Trains, or continues what <paramref name="run"/>'s folder holds, and returns the averaged weights in evaluation mode.</summary>
    public static ImageAutoencoder Train(ResearchConfig config, IImageSource source, TrainingRun run)
    {
        Device device = config.OpenDevice();
        AutoencoderTrainerConfig trainer = config.Training.Autoencoder;
        bool fitted = false;
        ImageAutoencoder autoencoder = trainer.Start is { } start ? StartWeights.Autoencoder(config.Autoencoder, ShippedModel.FolderOf(start), out fitted) : First(config);
        autoencoder.to(device);
        TrainingLoop loop = new(trainer, trainer.LearningRate ?? 2e-3, run);
        using BatchPrefetcher batches = new(source, config.Seed, "autoencoder.order", trainer.BatchSize);
        (PictureLoss Term, double Weight)[] terms = [.. (trainer.Losses ?? []).Select(l => (l.Build(device), l.Weight))];
        try
        {
            loop.Run(autoencoder, step => Step(autoencoder, config, terms, batches, step, device), batches.Ids);
        }
        finally
        {
            Array.ForEach(terms, t => t.Term.Dispose());
        }
        if (autoencoder.Normalization.NeedsStatistics && !(fitted && trainer.Images == 0))
        {
            autoencoder.Normalization.Fit(RawLatents(autoencoder, source, device));
        }
        return autoencoder;
    }

    private static ImageAutoencoder First(ResearchConfig config)
    {
        ImageAutoencoder autoencoder = new(config.Autoencoder);
        Initialization.Apply(autoencoder, config.Seed);
        return autoencoder;
    }

    private static StepOutcome Step(
        ImageAutoencoder autoencoder, ResearchConfig config, (PictureLoss Term, double Weight)[] terms, BatchPrefetcher batches, long step, Device device)
    {
        using CaptionedBatch batch = batches.Get(step);
        using NoiseSource noise = new DrawnNoise(config.Seed, "autoencoder.noise", step);
        using IDisposable? precision = Autocast.For(config.Training.Autoencoder.Precision, device);
        Tensor pixels = batch.Pixels.to(device).alias();
        LatentPosterior posterior = autoencoder.Encode(pixels);
        Tensor latents = autoencoder.Sample(posterior, noise);
        Tensor output = autoencoder.Decode(ImageAutoencoder.Perturb(latents, config.Autoencoder.NoiseStrength, noise)).to_type(ScalarType.Float32);
        Tensor loss = terms.Length > 0 ? ReconstructionLoss.Of(output, pixels, terms) : ReconstructionLoss.Of(output, pixels, config.Autoencoder.LossWeights);
        List<StepMetric> metrics = [StepMetric.Mean("autoencoder.loss", loss), StepMetric.Mean("autoencoder.squaredError", (output - pixels).Squared().mean())];
        if (config.Autoencoder.KlWeight > 0)
        {
            Tensor divergence = ReconstructionLoss.Divergence(posterior);
            metrics.Add(StepMetric.Mean("autoencoder.kl", divergence));
            loss = loss.Plus(divergence.Times((float)config.Autoencoder.KlWeight));
        }
        return new StepOutcome(loss, metrics, batch.Ids);
    }

    // Of at most 4096 pictures of the training set, with the final weights.
    private static IEnumerable<Tensor> RawLatents(ImageAutoencoder autoencoder, IImageSource source, Device device)
    {
        using IDisposable guard = no_grad();
        int count = Math.Min(source.Count, 4096), size;
        using (CaptionedImage first = source.Load(0))
        {
            size = autoencoder.AtOnce(first.Pixels.size(1), first.Pixels.size(2));
        }
        for (int start = 0; start < count; start += size)
        {
            using DisposeScope inner = NewDisposeScope();
            using CaptionedBatch batch = Batches.Load(source, [.. Enumerable.Range(start, Math.Min(size, count - start))]);
            yield return autoencoder.EncodeRaw(batch.Pixels.to(device)).cpu().to_type(ScalarType.Float64);
        }
    }
}
