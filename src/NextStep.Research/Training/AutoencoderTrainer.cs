using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Trains the image autoencoder: encode, normalise, perturb, decode, compare (spec §4.5).</summary>
public static class AutoencoderTrainer
{
    /// <summary>Trains, or continues what <paramref name="run"/>'s folder holds, and returns the averaged weights in evaluation mode.</summary>
    public static ImageAutoencoder Train(ResearchConfig config, IImageSource source, TrainingRun run)
    {
        Device device = new(config.Device);
        ImageAutoencoder autoencoder = new(config.Autoencoder);
        Initialization.Apply(autoencoder, config.Seed);
        autoencoder.to(device);
        TrainerConfig trainer = config.Training.Autoencoder;
        TrainingLoop loop = new(trainer, trainer.LearningRate ?? 2e-3, run);
        using BatchPrefetcher batches = new(source, config.Seed, "autoencoder.order", trainer.BatchSize);
        loop.Run(autoencoder, step => Step(autoencoder, config, batches, step, device), batches.Ids);
        if (config.Autoencoder.Normalization == LatentNormalization.Channel)
        {
            EstimateChannelStatistics(autoencoder, source, device);
        }
        return autoencoder;
    }

    private static StepOutcome Step(ImageAutoencoder autoencoder, ResearchConfig config, BatchPrefetcher batches, long step, Device device)
    {
        using CaptionedBatch batch = batches.Get(step);
        using NoiseSource noise = new DrawnNoise(config.Seed, "autoencoder.noise", step);
        using IDisposable? precision = Autocast.For(config.Training.Autoencoder.Precision, device);
        Tensor pixels = batch.Pixels.to(device).alias();
        LatentPosterior posterior = autoencoder.Encode(pixels);
        Tensor latents = autoencoder.Sample(posterior, noise);
        Tensor output = autoencoder.Decode(ImageAutoencoder.Perturb(latents, config.Autoencoder.NoiseStrength, noise)).to_type(ScalarType.Float32);
        Tensor loss = ReconstructionLoss.Of(output, pixels, config.Autoencoder.LossWeights);
        List<StepMetric> metrics = [StepMetric.Mean("autoencoder.loss", loss), StepMetric.Mean("autoencoder.squaredError", (output - pixels).Squared().mean())];
        if (config.Autoencoder.KlWeight > 0)
        {
            Tensor divergence = ReconstructionLoss.Divergence(posterior);
            metrics.Add(StepMetric.Mean("autoencoder.kl", divergence));
            loss = loss.Plus(divergence.Times((float)config.Autoencoder.KlWeight));
        }
        return new StepOutcome(loss, metrics, batch.Ids);
    }

    // One mean and variance per channel over (at most 4096 pictures of) the training set, with the final weights.
    private static void EstimateChannelStatistics(ImageAutoencoder autoencoder, IImageSource source, Device device)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int channels = autoencoder.Config.LatentChannels, count = Math.Min(source.Count, 4096);
        Tensor sum = zeros(channels, dtype: ScalarType.Float64), squares = zeros(channels, dtype: ScalarType.Float64);
        long values = 0;
        for (int start = 0; start < count; start += 64)
        {
            using DisposeScope inner = NewDisposeScope();
            using CaptionedBatch batch = Batches.Load(source, [.. Enumerable.Range(start, Math.Min(64, count - start))]);
            Tensor raw = autoencoder.EncodeRaw(batch.Pixels.to(device)).cpu().to_type(ScalarType.Float64);
            sum.PlusInPlace(raw.sum([0, 2, 3]));
            squares.PlusInPlace(raw.Squared().sum([0, 2, 3]));
            values += raw.numel() / channels;
        }
        Tensor mean = sum.Over((double)values);
        Tensor deviation = (squares.Over((double)values) - mean.Squared()).clamp_min(Scalars.Of(1e-12)).sqrt();
        autoencoder.SetChannelStatistics(mean.to_type(ScalarType.Float32), deviation.to_type(ScalarType.Float32));
    }
}
