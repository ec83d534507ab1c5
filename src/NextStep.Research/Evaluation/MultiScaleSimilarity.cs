using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Multi-scale structural similarity (Wang, Simoncelli and Bovik 2003): contrast and structure of every scale, luminance of the coarsest,
/// each scale half the one before by 2×2 averaging, weights 0.0448, 0.2856, 0.3001, 0.2363, 0.1333. The published form has five scales
/// and needs sides of 161 pixels; smaller pictures get the first K that fit, with the weights scaled to sum 1, and the number is then
/// called MS-SSIM-K: it is not comparable with the published form.
/// </summary>
public static class MultiScaleSimilarity
{
    private static readonly double[] Weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

    /// <summary>Scales whose smaller side still holds the 11×11 window; 0 when not even the picture itself does.</summary>
    public static int Scales(long height, long width)
    {
        int scales = 0;
        for (long side = Math.Min(height, width); side >= ImageMetrics.Window && scales < Weights.Length; side /= 2)
        {
            scales++;
        }
        return scales;
    }

    /// <summary><c>MS-SSIM</c> with all five scales, else <c>MS-SSIM-2</c> and so on.</summary>
    public static string Name(int scales) => scales == Weights.Length ? "MS-SSIM" : $"MS-SSIM-{scales}";

    /// <summary>Mean over RGB and pictures of the product over scales, values clamped and rounded to 8 bits; 1 for equal pictures.</summary>
    /// <param name="reconstructed">[n, 3, H, W] in [−1, 1].</param>
    /// <param name="original">The same shape.</param>
    /// <exception cref="ArgumentException">A side is below 11 pixels, or the shapes differ.</exception>
    public static double Measure(Tensor reconstructed, Tensor original)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor a, Tensor b) = ImageMetrics.Prepare(reconstructed, original);
        int scales = Scales(a.size(2), a.size(3));
        if (scales == 0)
        {
            throw new ArgumentException($"MS-SSIM needs at least {ImageMetrics.Window}x{ImageMetrics.Window} pixels, not {a.size(2)}x{a.size(3)}.", nameof(original));
        }
        double total = Weights.Take(scales).Sum();
        Tensor product = ones([a.size(0), 3], float64);
        for (int scale = 0; scale < scales; scale++)
        {
            (Tensor luminance, Tensor structure) = ImageMetrics.SimilarityMaps(a, b);
            Tensor map = scale == scales - 1 ? luminance * structure : structure;
            product = product * map.mean([2, 3]).clamp_min(Scalars.Of(0)).pow(Scalars.Of(Weights[scale] / total));
            (a, b) = (nn.functional.avg_pool2d(a, 2), nn.functional.avg_pool2d(b, 2));
        }
        return product.mean().item<double>();
    }
}
