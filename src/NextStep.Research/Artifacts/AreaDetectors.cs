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
        Tensor highest = Highest(pictures), lowest = Highest(pictures.neg());
        Tensor map = highest.Plus(lowest).amax([1]).le(Scalars.Of(Span)).to_type(float32);
        double[] each = [.. map.mean([1, 2]).to_type(float64).data<double>()];
        return new ArtifactReading(each.Average(), each, map.DetachFromDisposeScope());
    }

    // Rows first, then columns: 10 comparisons instead of 25.
    private static Tensor Highest(Tensor pictures) =>
        nn.functional.max_pool2d(nn.functional.max_pool2d(pictures, [1, Window], [1, 1], [0, Window / 2]), [Window, 1], [1, 1], [Window / 2, 0]);
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
