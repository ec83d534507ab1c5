using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Noise after Immerkær 1996: the response to [1 −2 1; −2 4 −2; 1 −2 1] is zero on straight outlines and slopes and has six times the noise's
/// standard deviation. What repeats alike in every token's cell is taken out first.
/// </summary>
internal static class NoiseResponse
{
    /// <summary>|response| [n, 3, H, W], borders reflected.</summary>
    public static Tensor Of(Tensor pictures, int token) => SharedResponses.Of(pictures, $"noise/{token}", () => Compute(pictures, token));

    private static Tensor Compute(Tensor pictures, int token)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor inner = CoherentPart.Remove(Stencil.Of(pictures, [1, -2, 1, -2, 4, -2, 1, -2, 1]), token).abs_();
        return nn.functional.pad(inner, [1, 1, 1, 1], PaddingModes.Reflect).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Noise level of the whole picture in Immerkær's own form, √(π/2)/6 · mean |response|: the number of the literature. Corners and texture
/// of the content count too, and noise in a part of the picture counts by its share: it does not tell local from global noise.
/// </summary>
public sealed class MeanNoise(int token) : IArtifactDetector
{
    /// <inheritdoc/>
    public string Name => "noise";

    /// <inheritdoc/>
    public ArtifactUnit Unit => ArtifactUnit.Level;

    /// <inheritdoc/>
    public string Meaning => "standard deviation of noise, mean form (Immerkær)";

    /// <inheritdoc/>
    public ArtifactReading Read(Tensor pictures)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor response = NoiseResponse.Of(pictures, token);
        double[] each = [.. response.mean([1, 2, 3]).to_type(float64).Times(Math.Sqrt(Math.PI / 2) / NoiseLevel.Gain).data<double>()];
        return new ArtifactReading(each.Average(), each);
    }
}

/// <summary>
/// Global noise: the same response by its median, over 0.6745·6, which neither content in less than half of the picture nor noise in a small
/// part of it moves. The set's value is the mean over its pictures.
/// </summary>
public sealed class MedianNoise(int token) : IArtifactDetector
{
    /// <inheritdoc/>
    public string Name => "noiseMedian";

    /// <inheritdoc/>
    public ArtifactUnit Unit => ArtifactUnit.Level;

    /// <inheritdoc/>
    public string Meaning => "standard deviation of noise all over the picture, median form";

    /// <inheritdoc/>
    public ArtifactReading Read(Tensor pictures)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor medians = Medians.Along(NoiseResponse.Of(pictures, token).flatten(1), 1);
        double[] each = [.. medians.to_type(float64).Over(NoiseLevel.MedianOfNormal * NoiseLevel.Gain).data<double>()];
        return new ArtifactReading(each.Average(), each);
    }
}

/// <summary>
/// Local noise: the median form in windows of 8×8 pixels; the 90th percentile of the windows less their median, so that noise which is
/// everywhere does not count. The map holds the windows' standard deviations. The set's value is the mean over its pictures.
/// </summary>
public sealed class LocalNoise(int token) : IArtifactDetector
{
    private const int Window = 8;
    private const int FewestWindows = 4;

    /// <inheritdoc/>
    public string Name => "noiseLocal";

    /// <inheritdoc/>
    public ArtifactUnit Unit => ArtifactUnit.Level;

    /// <inheritdoc/>
    public string Meaning => "how much noisier the noisiest tenth of 8-pixel windows is than the middle one";

    /// <inheritdoc/>
    public (double Low, double High) Scale => (0, 0.1);

    /// <inheritdoc/>
    public ArtifactReading Read(Tensor pictures)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        using DisposeScope scope = NewDisposeScope();
        (long n, long rows, long columns) = (pictures.size(0), pictures.size(2) / Window, pictures.size(3) / Window);
        if (rows * columns < FewestWindows)
        {
            return new ArtifactReading(double.NaN, [.. Enumerable.Repeat(double.NaN, (int)n)]);
        }
        Tensor cut = NoiseResponse.Of(pictures, token).narrow(2, 0, rows * Window).narrow(3, 0, columns * Window)
            .reshape([n, 3, rows, Window, columns, Window]).permute(0, 2, 4, 1, 3, 5).flatten(3);
        Tensor windows = Medians.Along(cut, 3).Over(NoiseLevel.MedianOfNormal * NoiseLevel.Gain); // [n, rows, columns]
        Tensor ends = windows.flatten(1).quantile(tensor(new float[] { 0.9f, 0.5f }), 1); // [2, n]
        double[] each = [.. (ends[0] - ends[1]).to_type(float64).data<double>()];
        return new ArtifactReading(each.Average(), each, ArtifactMaps.Spread(windows, Window, pictures.size(2), pictures.size(3)).DetachFromDisposeScope());
    }
}
