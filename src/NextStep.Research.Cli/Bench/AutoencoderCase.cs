using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>The autoencoder's training step of <c>experiments/base/shapes-32.yaml</c>, in turn with the same step by libtorch's own group norm and silu.</summary>
internal static class AutoencoderCase
{
    private const int Pictures = 8, Side = 32, Steps = 8;

    public static BenchRow Run(string name, BenchOptions options)
    {
        AutoencoderConfig shape = new() { Width = 16, Multipliers = [1, 2, 4], BlocksPerLevel = 1, LatentChannels = 4, PatchSize = 2, NoiseStrength = 0.3 };
        using ImageAutoencoder autoencoder = new(shape);
        Initialization.Apply(autoencoder, 0);
        using Tensor pixels = rand(Pictures, 3, Side, Side).Times(2).Plus(-1);
        List<double> ours = [], own = [];
        int steps = 1 + (2 * Steps * (options.Rounds + 1)), taken = -1;
        double start = 0;
        DirectoryInfo folder = Directory.CreateTempSubdirectory("nextstep-bench-");
        try
        {
            void After()
            {
                if (++taken % Steps == 0)
                {
                    if (taken > 2 * Steps)
                    {
                        (taken / Steps % 2 == 1 ? ours : own).Add((Timings.Now - start) / Steps);
                    }
                    NormSilu.Use(!options.Naive || taken / Steps % 2 == 0);
                    start = Timings.Now;
                }
            }
            TrainerConfig config = new() { Images = Pictures * steps, BatchSize = Pictures, LogEvery = long.MaxValue, CheckpointEvery = long.MaxValue };
            new TrainingLoop(config, 1e-4, new TrainingRun(folder.FullName, "bench", (_, _) => After())).Run(autoencoder, step =>
            {
                using DrawnNoise noise = new(0, "bench", step);
                Tensor latents = autoencoder.Sample(autoencoder.Encode(pixels), noise);
                Tensor loss = ReconstructionLoss.Of(autoencoder.Decode(ImageAutoencoder.Perturb(latents, shape.NoiseStrength, noise)), pixels, shape.LossWeights);
                return new StepOutcome(loss, [StepMetric.Mean("loss", loss)], []);
            });
        }
        finally
        {
            NormSilu.Use(true);
            folder.Delete(true);
        }
        double median = Timings.Median(ours);
        return new BenchRow(
            name, string.Create(CultureInfo.InvariantCulture, $"training step of the autoencoder ({autoencoder.parameters().Sum(p => p.numel()) / 1e6:F1} M), {Pictures} pictures of {Side}×{Side}, fp32"), median, "the same by libtorch's group norm and silu",
            new BenchValue(BenchKind.Speedup, options.Naive ? Timings.Median(own.Zip(ours, (o, m) => o / m)) : double.NaN), null)
        {
            Details = new Dictionary<string, double> { ["imagesPerSecond"] = 1000 * Pictures / median },
        };
    }
}
