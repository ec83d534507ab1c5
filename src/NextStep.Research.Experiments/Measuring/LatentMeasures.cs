using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>Health of the latents and robustness of the decoder as numbers and curves.</summary>
public static class LatentMeasures
{
    private const int MostPictures = 2048;
    private const int MostChannels = 16;

    /// <summary>Adds <c>latents.*</c> of the first pictures of a set.</summary>
    public static void AddHealth(Measurements all, LatentSet latents, int channels) => all.Add("latents", () =>
    {
        Tensor tokens = latents.Means.narrow(0, 0, Math.Min(MostPictures, latents.Means.size(0)));
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
    });

    private static void AddMoments(Measurements all, string what, string axis, Moments moments)
    {
        double[] x = [.. Enumerable.Range(0, moments.Mean.Count).Select(i => (double)i)];
        void Add(string name, string title, IReadOnlyList<double> values) =>
            all.Curves[$"latents.{what}.{name}"] = new Curve($"{title} of the latents", axis, title.ToLowerInvariant(), x, new Dictionary<string, IReadOnlyList<double>> { ["latents"] = values });
        Add("mean", "Mean", moments.Mean);
        Add("std", "Standard deviation", moments.Deviation);
        Add("kurtosis", "Excess kurtosis", moments.Kurtosis);
    }

    /// <summary>
    /// Adds <c>latents.robustness.psnr|ssim</c>: reconstructions with Gaussian noise on the latents (paper, Fig. 6), the same noise pattern at every
    /// strength.
    /// </summary>
    /// <param name="all">The list.</param>
    /// <param name="autoencoder">In evaluation mode; alive until the list has run.</param>
    /// <param name="pictures">[n, 3, H, W] in [−1, 1], alive until the list has run.</param>
    /// <param name="strengths">Standard deviations of the noise.</param>
    /// <param name="seed">Of the noise.</param>
    /// <param name="onDecoded">Called with each strength and its pictures, which are disposed afterwards.</param>
    public static void AddRobustness(
        Measurements all, ImageAutoencoder autoencoder, Tensor pictures, IReadOnlyList<double> strengths, long seed, Action<double, Tensor>? onDecoded = null)
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
                onDecoded?.Invoke(sorted[at], decoded);
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

    /// <summary>SSIM, or NaN for pictures smaller than its window.</summary>
    public static double Similarity(Tensor reconstructed, Tensor original) =>
        MultiScaleSimilarity.Scales(original.size(2), original.size(3)) == 0 ? double.NaN : ImageMetrics.Ssim(reconstructed, original);

    private static Tensor Decode(ImageAutoencoder autoencoder, Tensor latents, double strength, NoiseSource noise)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor noisy = strength == 0 ? latents : latents + (noise.Normal(latents.shape).to(latents.device) * (float)strength);
        return autoencoder.Decode(noisy).clamp(-1, 1).cpu().MoveToOuterDisposeScope();
    }
}
