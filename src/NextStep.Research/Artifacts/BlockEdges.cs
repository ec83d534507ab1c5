using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Blockiness: how much larger neighbouring pixels differ across the borders of P×P blocks than elsewhere, after Wang, Sheikh and Bovik
/// 2002 (their B against A). Per phase of the period the median over the segments of <see cref="BlockProfile"/>, so that outlines and flat
/// areas of the content do not count; the quotient of the border phase and the mean of the other phases is 1 for pictures without blocks.
/// The set's value is the median over its pictures; <c>phase</c> says where the largest phase lies, 0 = on the borders. Noise of the same
/// strength as the offsets hides them; read it as generated ÷ real.
/// </summary>
/// <param name="period">P in pixels, at least 3.</param>
/// <param name="token">Period of the coherent part, a multiple of P.</param>
/// <param name="name">As in <c>artifacts.NAME</c>.</param>
public sealed class BlockEdges(int period, int token, string name = "blockiness") : IArtifactDetector
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public ArtifactUnit Unit => ArtifactUnit.Ratio;

    /// <inheritdoc/>
    public string Meaning => $"differences across the borders of {period}-pixel blocks, over those elsewhere";

    /// <inheritdoc/>
    public (double Low, double High) Scale => (1, 4);

    /// <inheritdoc/>
    public ArtifactReading Read(Tensor pictures)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        using DisposeScope scope = NewDisposeScope();
        if (Math.Min(pictures.size(2), pictures.size(3)) < 2 * period || period < 3)
        {
            return new ArtifactReading(double.NaN, [.. Enumerable.Repeat(double.NaN, (int)pictures.size(0))]);
        }
        BlockProfile profile = BlockProfile.Of(pictures, period, token);
        Tensor phases = stack([.. Enumerable.Range(0, period).Select(p => Medians.Along(cat([At(profile.X, p).flatten(1), At(profile.Y, p).flatten(1)], 1), 1))], 1); // [n, P]
        Tensor ratios = phases.select(1, period - 1) / phases.narrow(1, 0, period - 1).mean([1]);
        long largest = Medians.Along(phases, 0).argmax().item<long>();
        return new ArtifactReading(
            ratios.quantile(tensor(0.5f)).item<float>(), [.. ratios.to_type(float64).data<double>()], Map(profile, pictures.shape).DetachFromDisposeScope(),
            new Dictionary<string, double> { ["phase"] = (largest + 1) % period });
    }

    private Tensor At(Tensor segments, int phase) => segments.slice(2, phase, segments.size(2), period);

    // Each block: the mean over those of its four sides that are borders.
    private Tensor Map(BlockProfile profile, long[] shape)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor vertical = At(profile.X, period - 1), horizontal = At(profile.Y, period - 1).transpose(1, 2); // [n, rows, columns − 1], [n, rows − 1, columns]
        Tensor sums = zeros(shape[0], vertical.size(1), horizontal.size(2)), counts = zeros_like(sums);
        foreach (int side in (int[])[0, 1])
        {
            sums.narrow(2, side, vertical.size(2)).PlusInPlace(vertical);
            counts.narrow(2, side, vertical.size(2)).PlusInPlace(1);
            sums.narrow(1, side, horizontal.size(1)).PlusInPlace(horizontal);
            counts.narrow(1, side, horizontal.size(1)).PlusInPlace(1);
        }
        return ArtifactMaps.Spread(sums / counts, period, shape[2], shape[3]).MoveToOuterDisposeScope();
    }
}
