using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Mean, standard deviation and excess kurtosis along an axis.</summary>
public sealed record LatentMoments(IReadOnlyList<double> Mean, IReadOnlyList<double> Deviation, IReadOnlyList<double> Kurtosis);

/// <summary>
/// Health of a latent space as the paper judges it (§6.2, Fig. 7): the closer to a standard normal and the more evenly spread over its
/// dimensions, the better the head can draw it.
/// </summary>
/// <param name="Mean">Over everything.</param>
/// <param name="Deviation">Over everything.</param>
/// <param name="Kurtosis">Excess kurtosis, mean over the channels; 0 for a normal, negative for flat, positive for heavy-tailed distributions.</param>
/// <param name="EffectiveDimension">Participation ratio (Σλ)²/Σλ² of the eigenvalues of the tokens' covariance: between 1 and the token's width.</param>
/// <param name="NormalDistance">2-Wasserstein distance of each channel's values from N(0, 1), mean over the channels; 0 is a standard normal.</param>
/// <param name="Channels">By latent channel.</param>
/// <param name="Tokens">By raster index.</param>
/// <param name="Bins">Centres of the histogram's bins.</param>
/// <param name="Densities">Density per channel and bin; values beyond the ends are left out, so a line's area is the share inside.</param>
public sealed record LatentStatistics(
    double Mean, double Deviation, double Kurtosis, double EffectiveDimension, double NormalDistance,
    LatentMoments Channels, LatentMoments Tokens, IReadOnlyList<double> Bins, IReadOnlyList<double[]> Densities)
{
    private const int BinCount = 60;
    private const int End = 4;

    /// <summary>Of image tokens.</summary>
    /// <param name="tokens">[n, L, C·p²], as the transformer sees them, features with the channel slowest.</param>
    /// <param name="channels">C.</param>
    /// <exception cref="ArgumentException">Another shape, fewer than two tokens, or a value that is no number.</exception>
    public static LatentStatistics Of(Tensor tokens, int channels)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        if (tokens.dim() != 3 || tokens.size(0) * tokens.size(1) < 2 || tokens.size(2) % channels != 0)
        {
            throw new ArgumentException($"Tokens of {channels} channels are [n, L, {channels}·p²], at least two, not [{string.Join(", ", tokens.shape)}].", nameof(tokens));
        }
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tokens.cpu().to_type(float64);
        if (!x.isfinite().all().item<bool>())
        {
            throw new ArgumentException("The latents hold values that are no numbers.", nameof(tokens));
        }
        Tensor byChannel = x.reshape([x.size(0), x.size(1), channels, -1]).permute(2, 0, 1, 3).flatten(1); // [C, n·L·p²]
        LatentMoments perChannel = MomentsOf(byChannel);
        using GaussianFit fit = GaussianFit.Of(x.flatten(0, 1));
        double trace = fit.Covariance.trace().item<double>(), squares = fit.Covariance.Squared().sum().item<double>();
        return new LatentStatistics(
            x.mean().item<double>(), x.std(false).item<double>(), perChannel.Kurtosis.Average(), squares == 0 ? double.NaN : trace * trace / squares, DistanceToNormal(byChannel),
            perChannel, MomentsOf(x.transpose(0, 1).flatten(1)),
            [.. Enumerable.Range(0, BinCount).Select(b => -End + ((b + 0.5) * 2.0 * End / BinCount))],
            [.. Enumerable.Range(0, channels).Select(c => Histogram(byChannel[c]))]);
    }

    /// <summary>Density of the standard normal at <see cref="Bins"/>.</summary>
    public static double NormalDensity(double at) => Math.Exp(-at * at / 2) / Math.Sqrt(2 * Math.PI);

    private static LatentMoments MomentsOf(Tensor rows)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor mean = rows.mean([1]), centred = rows - mean.unsqueeze(1), variance = centred.Squared().mean([1]);
        Tensor kurtosis = (centred.pow(Scalars.Of(4)).mean([1]) / variance.Squared()).Minus(3); // NaN for a constant
        return new LatentMoments([.. mean.data<double>()], [.. variance.sqrt().data<double>()], [.. kurtosis.data<double>()]);
    }

    // In one dimension the optimal transport pairs sorted values with the normal's quantiles.
    private static double DistanceToNormal(Tensor rows)
    {
        using DisposeScope scope = NewDisposeScope();
        long count = rows.size(1);
        Tensor quantiles = special.ndtri(Scalars.Range(count, float64).Plus(0.5).Over((double)count));
        return (rows.sort(1).Values - quantiles).Squared().mean([1]).sqrt().mean().item<double>();
    }

    private static double[] Histogram(Tensor values)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor counts = histc(values, BinCount, -End, End);
        return [.. counts.Times(BinCount / (2.0 * End) / values.numel()).to_type(float64).data<double>()];
    }
}
