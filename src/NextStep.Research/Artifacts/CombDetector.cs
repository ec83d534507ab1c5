using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Comb: blockiness seen as a spectral comb, after Wang, Bovik and Evans 2000. Across columns (rows) the profile of <see cref="BlockProfile"/>,
/// its median along them, is a pulse train when block borders stand out; its power at the harmonics k/P is compared with the median power
/// elsewhere, in dB, mean of both directions. As many of the largest values as there are periods are cut to the smallest of them, so that a
/// single pulse, such as the rim of a flat area, is no comb. The set's profile is the median over its pictures. More sensitive than the edge
/// ratio under noise.
/// </summary>
public sealed class CombDetector(int period, int token) : IArtifactDetector
{
    private const double Floor = 1e-6;
    private const int FewestPeriods = 3;

    /// <inheritdoc/>
    public string Name => "grid";

    /// <inheritdoc/>
    public ArtifactUnit Unit => ArtifactUnit.Decibels;

    /// <inheritdoc/>
    public string Meaning => $"power of the differences' profile at multiples of 1/{period} per pixel, over the rest";

    /// <inheritdoc/>
    public ArtifactReading Read(Tensor pictures)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        using DisposeScope scope = NewDisposeScope();
        if (Math.Min(pictures.size(2), pictures.size(3)) < (FewestPeriods + 1) * period || period < 3)
        {
            return new ArtifactReading(double.NaN, [.. Enumerable.Repeat(double.NaN, (int)pictures.size(0))]);
        }
        BlockProfile profile = BlockProfile.Of(pictures, period, token);
        Tensor x = Medians.Along(profile.X, 1), y = Medians.Along(profile.Y, 1);
        Tensor each = Decibels(x).Plus(Decibels(y)).Over(2);
        Tensor set = Decibels(Medians.Along(x, 0, true)).Plus(Decibels(Medians.Along(y, 0, true))).Over(2);
        return new ArtifactReading(set.item<double>(), [.. each.data<double>()]);
    }

    // Profiles [n, length] to [n].
    private Tensor Decibels(Tensor profiles)
    {
        using DisposeScope scope = NewDisposeScope();
        long periods = profiles.size(1) / period;
        Tensor whole = profiles.narrow(1, 0, periods * period).to_type(float64);
        Tensor highest = whole.topk((int)periods, 1).values.amin([1], keepdim: true);
        Tensor power = fft.rfft(minimum(whole, highest)).abs().Squared().narrow(1, 1, periods * period / 2);
        long[] bins = [.. Enumerable.Range(1, (int)power.size(1)).Select(b => (long)b)];
        Tensor Pick(bool harmonic) => power.index_select(1, tensor([.. bins.Where(b => b % periods == 0 == harmonic).Select(b => b - 1)]));
        return (Pick(true).mean([1]).Plus(Floor) / Medians.Along(Pick(false), 1).Plus(Floor)).log10().Times(10).MoveToOuterDisposeScope();
    }
}
