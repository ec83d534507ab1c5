using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>Health of the latents and robustness of the decoder as numbers and curves.</summary>
internal static class LatentMeasures
{
    private const int MostPictures = 2048;
    private const int MostChannels = 16;

    // Also as numbers: no noise, and the strengths of the paper's examples.
    private static readonly double[] Summarized = [0, 0.2, 0.5];

    /// <summary>Adds <c>latents.*</c> of the first pictures of a set, which must be alive until the list has run.</summary>
    public static void AddHealth(Measurements all, LatentSet latents, int channels) =>
        all.Add("latents", () => WriteHealth(all, latents.Means.narrow(0, 0, Math.Min(MostPictures, latents.Means.size(0))), channels));

    /// <summary>Writes <c>latents.*</c> of image tokens [n, L, C·p²].</summary>
    public static void WriteHealth(Measurements all, Tensor tokens, int channels)
    {
        LatentStatistics found = LatentStatistics.Of(tokens, channels);
        all.Numbers["latents.mean"] = found.Mean;
        all.Numbers["latents.std"] = found.Deviation;
        all.Numbers["latents.kurtosis"] = found.Kurtosis;
        all.Numbers["latents.effectiveDimension"] = found.EffectiveDimension;
        all.Numbers["latents.effectiveShare"] = found.EffectiveDimension / tokens.size(2);
        all.Numbers["latents.normalDistance"] = found.NormalDistance;
        AddMoments(all, "channel", "latent channel", found.Channels);
        AddMoments(all, "token", "image token, raster order", found.Tokens);
        Dictionary<string, IReadOnlyList<double>> lines = new()
        {
            ["all channels"] = [.. found.Bins.Select((_, b) => found.Densities.Average(d => d[b]))],
            ["standard normal"] = [.. found.Bins.Select(LatentStatistics.NormalDensity)],
        };
        for (int channel = 0; channel < Math.Min(MostChannels, channels); channel++)
        {
            lines[string.Create(CultureInfo.InvariantCulture, $"channel {channel}")] = found.Densities[channel];
        }
        all.Curves["latents.histogram"] = new Curve("Values of the latents", "value", "density", found.Bins, lines);
    }

    private static void AddMoments(Measurements all, string what, string axis, LatentMoments moments)
    {
        double[] x = [.. Enumerable.Range(0, moments.Mean.Count).Select(i => (double)i)];
        void Add(string name, string title, IReadOnlyList<double> values) =>
            all.Curves[$"latents.{what}.{name}"] = new Curve($"{title} of the latents", axis, title.ToLowerInvariant(), x, new Dictionary<string, IReadOnlyList<double>> { ["latents"] = values });
        Add("mean", "Mean", moments.Mean);
        Add("std", "Standard deviation", moments.Deviation);
        Add("kurtosis", "Excess kurtosis", moments.Kurtosis);
    }

    // Gaussian noise on the latents (paper, Fig. 6), the same noise pattern at every strength.
    private static void AddRobustness(
        Measurements all, ImageAutoencoder autoencoder, Tensor pictures, IReadOnlyList<double> strengths, long seed, Action<double, Tensor> onDecoded)
    {
        double[] sorted = [.. strengths.Distinct().Order()], psnr = new double[sorted.Length], ssim = new double[sorted.Length];
        Device device = autoencoder.parameters().First().device;
        Tensor? latents = null;
        all.Add("latents of held-out pictures", () => latents = cat([.. pictures.split(64).Select(p => autoencoder.Encode(p.to(device)).Mean)]).DetachFromDisposeScope());
        for (int i = 0; i < sorted.Length; i++)
        {
            int at = i;
            all.Add(string.Create(CultureInfo.InvariantCulture, $"decoder under noise {sorted[at]}"), () =>
            {
                using NoiseSource noise = new DrawnNoise(seed, "evaluation.latentNoise");
                Tensor decoded = cat([.. latents!.split(64).Select(p => Decode(autoencoder, p, sorted[at], noise))]);
                (psnr[at], ssim[at]) = (ImageMetrics.Psnr(decoded, pictures), Similarity(decoded, pictures));
                onDecoded(sorted[at], decoded);
            });
        }
        all.Add("decoder under noise", () =>
        {
            latents!.Dispose();
            Curve Of(string what, string unit, double[] values) => new(
                $"{what} of reconstructions from noisy latents", "standard deviation of the noise on the latents", unit, sorted, new Dictionary<string, IReadOnlyList<double>> { ["decoder"] = values });
            all.Curves["latents.robustness.psnr"] = Of("PSNR", "PSNR, dB", psnr);
            all.Curves["latents.robustness.ssim"] = Of("SSIM", "SSIM", ssim);
        });
    }

    /// <summary>
    /// Adds <c>autoencoder.*</c> of held-out pictures: PSNR and SSIM without noise and at the paper's examples, 0.2 and 0.5; multi-scale SSIM
    /// and the distance of reconstructions from their originals; and the robustness curves.
    /// </summary>
    /// <param name="all">The list.</param>
    /// <param name="autoencoder">In evaluation mode; alive until the list has run.</param>
    /// <param name="pictures">Held-out pictures [n, 3, H, W] in [−1, 1], alive until the list has run.</param>
    /// <param name="config">Strengths and seed.</param>
    /// <param name="onReconstructed">Called with the reconstructions, which are disposed afterwards.</param>
    public static void AddReconstruction(Measurements all, ImageAutoencoder autoencoder, Tensor pictures, ResearchConfig config, Action<Tensor>? onReconstructed = null) =>
        AddRobustness(all, autoencoder, pictures, [.. Summarized, .. config.Evaluation.LatentNoise], config.Seed, (strength, decoded) =>
        {
            if (Summarized.Contains(strength))
            {
                string suffix = strength == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $".noise{strength}");
                all.Numbers["autoencoder.psnr" + suffix] = ImageMetrics.Psnr(decoded, pictures);
                all.Numbers["autoencoder.ssim" + suffix] = Similarity(decoded, pictures);
            }
            if (strength == 0)
            {
                Compare(all, decoded, pictures);
                onReconstructed?.Invoke(decoded);
            }
        });

    private static void Compare(Measurements all, Tensor decoded, Tensor originals)
    {
        int scales = MultiScaleSimilarity.Scales(originals.size(2), originals.size(3));
        if (scales > 1)
        {
            all.Numbers[string.Create(CultureInfo.InvariantCulture, $"autoencoder.msssim{scales}")] = MultiScaleSimilarity.Measure(decoded, originals);
        }
        if (originals.size(0) > 1)
        {
            using IFeatureNetwork network = new RandomConvolutionNetwork();
            using FeatureSet reconstructed = FeatureSet.Of(network, decoded), real = FeatureSet.Of(network, originals);
            DistributionMetrics metrics = DistributionMetrics.Of(reconstructed, real);
            (all.Numbers["autoencoder.frechet"], all.Identities["autoencoder.frechet"]) = (metrics.Numbers["frechet"], metrics.Identities["frechet"]);
        }
    }

    // NaN for pictures smaller than the window.
    private static double Similarity(Tensor reconstructed, Tensor original) =>
        MultiScaleSimilarity.Scales(original.size(2), original.size(3)) == 0 ? double.NaN : ImageMetrics.Ssim(reconstructed, original);

    private static Tensor Decode(ImageAutoencoder autoencoder, Tensor latents, double strength, NoiseSource noise)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor noisy = strength == 0 ? latents : latents.Plus(noise.Normal(latents.shape).to(latents.device).Times((float)strength));
        return autoencoder.Decode(noisy).clamp(Scalars.Of(-1), Scalars.Of(1)).cpu().MoveToOuterDisposeScope();
    }
}
