using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Pixel metrics of pairs of pictures, [n, 3, H, W] in [−1, 1], after clamping and rounding to 8 bits.</summary>
public static class ImageMetrics
{
    private const int Window = 11;
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
        using Tensor error = (a - b).square().mean([1, 2, 3]);
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
        Tensor line = (arange(Window, float64) - (Window / 2)).square().mul(-1 / (2 * Sigma * Sigma)).exp();
        line = line / line.sum();
        Tensor kernel = outer(line, line).expand(3, 1, Window, Window);
        Tensor Blur(Tensor x) => nn.functional.conv2d(x, kernel, groups: 3);
        Tensor meanA = Blur(a);
        Tensor meanB = Blur(b);
        Tensor varianceA = Blur(a * a) - (meanA * meanA);
        Tensor varianceB = Blur(b * b) - (meanB * meanB);
        Tensor covariance = Blur(a * b) - (meanA * meanB);
        Tensor map = ((2 * meanA * meanB) + C1) * ((2 * covariance) + C2)
            / (((meanA * meanA) + (meanB * meanB) + C1) * (varianceA + varianceB + C2));
        return map.mean().item<double>();
    }

    private static (Tensor A, Tensor B) Prepare(Tensor reconstructed, Tensor original)
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
        return bytes.to(float64).div_(255.0);
    }
}
