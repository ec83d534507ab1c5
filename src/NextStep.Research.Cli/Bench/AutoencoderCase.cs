using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>The autoencoder's training step of <c>experiments/base/shapes-32.yaml</c>, in turn with the same step by libtorch's own group norm and silu.</summary>
internal static class AutoencoderCase
{
    private const int Pictures = 8, Side = 32, Steps = 8;

    private static readonly AutoencoderConfig Shape = new() { Width = 16, Multipliers = [1, 2, 4], BlocksPerLevel = 1, LatentChannels = 4, PatchSize = 2, NoiseStrength = 0.3 };

    public static BenchRow Run(string name, BenchOptions options)
    {
        List<double> ours = [], own = [];
        int taken = -1;
        double start = 0;
        try
        {
            Train(Shape, 1 + (2 * Steps * (options.Rounds + 1)), () =>
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
            });
        }
        finally
        {
            NormSilu.Use(true);
        }
        return Row(name, Shape, ours, own, "the same by libtorch's group norm and silu", options);
    }

    /// <summary>The same with a patch stem, in turn with the paper's form.</summary>
    public static BenchRow Stem(string name, BenchOptions options)
    {
        AutoencoderConfig stem = Shape with { Multipliers = [2, 4], StemPatch = 2 };
        List<double> ours = [], own = [];
        for (int round = 0; round <= options.Rounds; round++)
        {
            double with = Once(stem), without = options.Naive ? Once(Shape) : double.NaN;
            if (round > 0)
            {
                ours.Add(with);
                own.Add(without);
            }
        }
        return Row(name, stem, ours, own, "the same without a patch stem", options);
    }

    private static double Once(AutoencoderConfig shape)
    {
        int taken = 0;
        double start = 0, end = 0;
        Train(shape, 1 + Steps, () =>
        {
            end = Timings.Now;
            start = taken++ == 0 ? end : start;
        });
        return (end - start) / Steps;
    }

    private static void Train(AutoencoderConfig shape, int steps, Action after)
    {
        using ImageAutoencoder autoencoder = new(shape);
        Initialization.Apply(autoencoder, 0);
        using Tensor pixels = rand(Pictures, 3, Side, Side).Times(2).Plus(-1);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("nextstep-bench-");
        try
        {
            TrainerConfig config = new() { Images = Pictures * steps, BatchSize = Pictures, LogEvery = long.MaxValue, CheckpointEvery = long.MaxValue };
            new TrainingLoop(config, 1e-4, new TrainingRun(folder.FullName, "bench", (_, _) => after())).Run(autoencoder, step =>
            {
                using DrawnNoise noise = new(0, "bench", step);
                Tensor latents = autoencoder.Sample(autoencoder.Encode(pixels), noise);
                Tensor loss = ReconstructionLoss.Of(autoencoder.Decode(ImageAutoencoder.Perturb(latents, shape.NoiseStrength, noise)), pixels, shape.LossWeights);
                return new StepOutcome(loss, [StepMetric.Mean("loss", loss)], []);
            });
        }
        finally
        {
            folder.Delete(true);
        }
    }

    private static BenchRow Row(string name, AutoencoderConfig shape, List<double> ours, List<double> own, string against, BenchOptions options)
    {
        using ImageAutoencoder autoencoder = new(shape, META);
        double median = Timings.Median(ours);
        return new BenchRow(
            name, string.Create(CultureInfo.InvariantCulture, $"training step of the autoencoder ({autoencoder.parameters().Sum(p => p.numel()) / 1e6:F1} M{(shape.StemPatch > 1 ? ", patch stem" : "")}), {Pictures} pictures of {Side}×{Side}, fp32"), median, against,
            new BenchValue(BenchKind.Speedup, options.Naive ? Timings.Median(own.Zip(ours, (o, m) => o / m)) : double.NaN), null)
        {
            Details = new Dictionary<string, double> { ["imagesPerSecond"] = 1000 * Pictures / median },
        };
    }
}
