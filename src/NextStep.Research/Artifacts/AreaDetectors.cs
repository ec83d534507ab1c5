using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Flat colour regions (the paper's solid colour at the bottom): the share of pixels whose 5×5 surroundings span at most 4 of 255 grey
/// levels in every channel. Drawings are flat by nature and noise unmakes flatness: read it as generated ÷ real.
/// </summary>
public sealed class FlatRegions : IArtifactDetector
{
    private const int Window = 5;
    private const double Span = 4.5 / 255;

    /// <inheritdoc/>
    public string Name => "flat";

    /// <inheritdoc/>
    public ArtifactUnit Unit => ArtifactUnit.Share;

    /// <inheritdoc/>
    public string Meaning => "share of pixels in regions of one colour";

    /// <inheritdoc/>
    public ArtifactReading Read(Tensor pictures)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        using DisposeScope scope = NewDisposeScope();
        // Beyond its edges a picture goes on with their values, which add nothing to what a window at the edge spans.
        Tensor padded = nn.functional.pad(pictures, [Window / 2, Window / 2, Window / 2, Window / 2], PaddingModes.Replicate);
        Tensor map = (Extreme(padded, maximum) - Extreme(padded, minimum)).amax([1]).le(Scalars.Of(Span)).to_type(float32);
        double[] each = [.. map.mean([1, 2]).to_type(float64).data<double>()];
        return new ArtifactReading(each.Average(), each, map.DetachFromDisposeScope());
    }

    // Of every window: along rows, then columns, of 2, 4, then 5 values.
    private static Tensor Extreme(Tensor padded, Func<Tensor, Tensor, Tensor> of) => Along(Along(padded, 3, of), 2, of);

    private static Tensor Along(Tensor x, int dimension, Func<Tensor, Tensor, Tensor> of)
    {
        long length = x.size(dimension);
        Tensor two = of(x.narrow(dimension, 0, length - 1), x.narrow(dimension, 1, length - 1));
        Tensor four = of(two.narrow(dimension, 0, length - 3), two.narrow(dimension, 2, length - 3));
        return of(four.narrow(dimension, 0, length - Window + 1), x.narrow(dimension, Window - 1, length - Window + 1));
    }
}

/// <summary>Clipped values: the share of channel values at 0 or 255.</summary>
public sealed class ClippedValues : IArtifactDetector
{
    private const double Half = 0.5 / 255;

    /// <inheritdoc/>
    public string Name => "clipped";

    /// <inheritdoc/>
    public ArtifactUnit Unit => ArtifactUnit.Share;

    /// <inheritdoc/>
    public string Meaning => "share of channel values at either end of the scale";

    /// <inheritdoc/>
    public ArtifactReading Read(Tensor pictures)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        using DisposeScope scope = NewDisposeScope();
        Tensor clipped = pictures.le(Scalars.Of(Half)).logical_or(pictures.ge(Scalars.Of(1 - Half))).to_type(float32);
        double[] each = [.. clipped.mean([1, 2, 3]).to_type(float64).data<double>()];
        return new ArtifactReading(each.Average(), each);
    }
}
