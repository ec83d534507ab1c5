using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Pixel metrics of pairs of pictures, [n, 3, H, W] in [−1, 1], after clamping and rounding to 8 bits.</summary>
public static class ImageMetrics
{
    internal const int Window = 11;
    private const double Sigma = 1.5;
    private const double C1 = 0.01 * 0.01;
    private const double C2 = 0.03 * 0.03;

    /// <summary>Mean over the pictures of 10·log₁₀(1/MSE), values in [0, 1]. Equal pictures give +∞.</summary>
    public static double Psnr(Tensor reconstructed, Tensor original) => PsnrPerImage(reconstructed, original).Average();

    /// <summary>10·log₁₀(1/MSE) of each picture.</summary>
    public static double[] PsnrPerImage(Tensor reconstructed, Tensor original)
    {
        using var scope = NewDisposeScope();
        (Tensor a, Tensor b) = Prepare(reconstructed, original);
        using Tensor error = (a - b).Squared().mean([1, 2, 3]);
        return [.. error.data<double>().Select(e => -10 * Math.Log10(e))];
    }

    /// <summary>Structural similarity (Wang et al. 2004): Gaussian window 11×11, σ 1.5, K₁ 0.01, K₂ 0.03, valid region, mean over RGB and pictures.</summary>
    /// <exception cref="ArgumentException">A side is below 11 pixels.</exception>
    public static double Ssim(Tensor reconstructed, Tensor original)
    {
        using var scope = NewDisposeScope();
        (Tensor a, Tensor b) = Prepare(reconstructed, original);
        if (a.size(2) < Window || a.size(3) < Window)
        {
            throw new ArgumentException($"SSIM needs at least {Window}x{Window} pixels, not {a.size(2)}x{a.size(3)}.", nameof(original));
        }
        (Tensor luminance, Tensor structure) = SimilarityMaps(a, b);
        return (luminance * structure).mean().item<double>();
    }

    /// <summary>The two factors of SSIM at every position where the window fits: luminance, and contrast times structure; [n, 3, H − 10, W − 10] each.</summary>
    internal static (Tensor Luminance, Tensor Structure) SimilarityMaps(Tensor a, Tensor b)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor line = Scalars.Range(Window, float64).Minus(Window / 2).Squared().Times(-1 / (2 * Sigma * Sigma)).exp();
        line = line / line.sum();
        // Separable: a row and a column of the Gaussian.
        Tensor row = line.reshape(1, 1, 1, Window).expand(3, 1, 1, Window), column = line.reshape(1, 1, Window, 1).expand(3, 1, Window, 1);
        Tensor Blur(Tensor x) => Convolution.EachChannel(Convolution.EachChannel(x, row), column);
        Tensor meanA = Blur(a);
        Tensor meanB = Blur(b);
        Tensor varianceA = Blur(a * a) - (meanA * meanA);
        Tensor varianceB = Blur(b * b) - (meanB * meanB);
        Tensor covariance = Blur(a * b) - (meanA * meanB);
        Tensor luminance = (meanA.Times(2) * meanB).Plus(C1) / (meanA * meanA).Plus(meanB * meanB).Plus(C1);
        Tensor structure = covariance.Times(2).Plus(C2) / varianceA.Plus(varianceB).Plus(C2);
        return (luminance.MoveToOuterDisposeScope(), structure.MoveToOuterDisposeScope());
    }

    /// <summary>Checks both shapes and gives float64 values in [0, 1], clamped and rounded to 8 bits.</summary>
    internal static (Tensor A, Tensor B) Prepare(Tensor reconstructed, Tensor original)
    {
        ArgumentNullException.ThrowIfNull(reconstructed);
        ArgumentNullException.ThrowIfNull(original);
        if (original.dim() != 4 || original.size(1) != 3 || original.size(0) == 0 || !reconstructed.shape.SequenceEqual(original.shape))
        {
            throw new ArgumentException($"Expected two equal shapes [n, 3, H, W], got [{string.Join(", ", reconstructed.shape)}] and [{string.Join(", ", original.shape)}].", nameof(original));
        }
        return (Unit(reconstructed), Unit(original));
    }

    private static Tensor Unit(Tensor pixels)
    {
        using Tensor bytes = ImageFile.ToBytes(pixels);
        return bytes.to(float64).OverInPlace(255.0);
    }
}
