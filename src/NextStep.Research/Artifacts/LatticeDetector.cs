using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Lattice: a pattern that repeats alike in every P×P cell, such as the checkerboard of strided decoders (Odena, Dumoulin and Olah 2016)
/// or a faint regular grid. The power spectrum of the Laplacian residual, averaged over channels and pictures, at the frequencies (i/P, j/P)
/// against the median of their surroundings (on the axes: along the axis), the maximum over i, j in dB. Offsets that differ from
/// block to block give no such peaks: <see cref="BlockEdges"/> finds those. The map is the amplitude of the repeated pattern in each cell.
/// </summary>
public sealed class LatticeDetector(int period, string name = "lattice") : IArtifactDetector
{
    private const double Floor = 1e-10;

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public ArtifactUnit Unit => ArtifactUnit.Decibels;

    /// <inheritdoc/>
    public string Meaning => $"strongest spectral peak of a pattern that repeats every {period} pixels, over its surroundings";

    /// <inheritdoc/>
    public (double Low, double High) Scale => (0, 0.03);

    /// <inheritdoc/>
    public ArtifactReading Read(Tensor pictures)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        using DisposeScope scope = NewDisposeScope();
        (long n, long height, long width) = (pictures.size(0), pictures.size(2), pictures.size(3));
        (long rows, long columns) = (height / period, width / period);
        if (Math.Min(rows, columns) < 2 || period < 2)
        {
            return new ArtifactReading(double.NaN, [.. Enumerable.Repeat(double.NaN, (int)n)]);
        }
        Tensor residual = SharedResponses.Of(pictures, "laplacian", () => Residual(pictures)).narrow(2, 0, rows * period).narrow(3, 0, columns * period);
        Tensor power = SharedResponses.Of(pictures, $"laplacian/power/{residual.size(2)}x{residual.size(3)}", () => Power(residual));
        double[] perPicture = [.. Peak(power, rows, columns).to_type(float64).data<double>()];
        double value = n == 1 ? perPicture[0] : Peak(power.mean([0], keepdim: true), rows, columns).item<float>();
        return new ArtifactReading(value, perPicture, Map(residual, rows, columns, height, width).DetachFromDisposeScope());
    }

    // [n, h, w].
    private static Tensor Power(Tensor residual)
    {
        using DisposeScope scope = NewDisposeScope();
        return fft.fft2(residual).abs().Squared().mean([1]).MoveToOuterDisposeScope();
    }

    private static Tensor Residual(Tensor pictures)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor kernel = tensor(new float[] { 0, -1, 0, -1, 4, -1, 0, -1, 0 }, [1, 1, 3, 3]).OverInPlace(4).expand(3, 1, 3, 3);
        return Convolution.EachChannel(nn.functional.pad(pictures, [1, 1, 1, 1], PaddingModes.Reflect), kernel).MoveToOuterDisposeScope();
    }

    // [n, h, w] to dB [n]; harmonics lie at multiples of (rows, columns) bins, surroundings reach half way to the next.
    private static Tensor Peak(Tensor power, long rows, long columns)
    {
        using DisposeScope scope = NewDisposeScope();
        (long up, long across) = (Math.Max(1, rows / 2), Math.Max(1, columns / 2));
        Tensor around = Around(Around(power, 1, up, rows), 2, across, columns); // [n, P, P, 2·up + 1, 2·across + 1]
        Tensor floor = Median(around.flatten(3), (((2 * up) + 1) * ((2 * across) + 1)) / 2);
        floor.narrow(2, 0, 1).copy_(Median(around.narrow(2, 0, 1).select(4, across), up)); // frequencies (i, 0): along their axis
        floor.narrow(1, 0, 1).copy_(Median(around.narrow(1, 0, 1).select(3, up), across));
        Tensor quotient = At(power, rows, columns).Plus(Floor) / floor.Plus(Floor);
        quotient.narrow(1, 0, 1).narrow(2, 0, 1).fill_(Scalars.Of(0)); // the mean is no pattern
        return quotient.flatten(1).amax([1]).log10().Times(10).MoveToOuterDisposeScope();
    }

    // Windows around every harmonic along one axis of a spectrum, which has no ends; in a last axis.
    private static Tensor Around(Tensor power, int dimension, long reach, long step)
    {
        long length = power.size(dimension);
        long[] places = [.. Enumerable.Range(0, (int)(length + (2 * reach))).Select(i => (i - reach + length) % length)];
        return power.index_select(dimension, tensor(places)).unfold(dimension, (2 * reach) + 1, step);
    }

    // Along the last axis, without the harmonic itself, which is in the middle.
    private static Tensor Median(Tensor values, long middle) =>
        Medians.Along(cat([values.narrow(-1, 0, middle), values.narrow(-1, middle + 1, values.size(-1) - middle - 1)], -1), (int)values.dim() - 1);

    private static Tensor At(Tensor power, long rows, long columns) =>
        power.slice(1, 0, power.size(1), rows).slice(2, 0, power.size(2), columns);

    // Each cell projected onto the mean of the other cells: what it shares with them, as an RMS amplitude of the residual.
    private Tensor Map(Tensor residual, long rows, long columns, long height, long width)
    {
        using DisposeScope scope = NewDisposeScope();
        long n = residual.size(0);
        Tensor cells = residual.reshape([n, 3, rows, period, columns, period]).permute(0, 2, 4, 1, 3, 5).reshape(n, rows * columns, -1);
        Tensor others = cells.sum(1, keepdim: true) - cells;
        Tensor amplitude = ((cells * others).sum(2) / others.Squared().sum(2).sqrt().Plus(Floor)).Over(Math.Sqrt(cells.size(2)));
        return ArtifactMaps.Spread(amplitude.clamp_min(Scalars.Of(0)).reshape(n, rows, columns), period, height, width).MoveToOuterDisposeScope();
    }
}
