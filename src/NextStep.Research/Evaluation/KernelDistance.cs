using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>An estimate and its standard error.</summary>
public sealed record KernelDistanceValue(double Value, double StandardError);

/// <summary>
/// Kernel distance: the unbiased squared maximum mean discrepancy with k(x, y) = (x·y/d + 1)³ (Bińkowski et al. 2018). Unbiased at any
/// count, so it may be slightly negative; blind to missing modes, so read it beside recall. Over the whole sets instead of random
/// subsets; the standard error is the jackknife's (one vector left out, both sets), which counts every vector once.
/// </summary>
public static class KernelDistance
{
    /// <summary>Of [m, d] and [n, d], each with at least three vectors.</summary>
    /// <exception cref="ArgumentException">Too few vectors, different widths, or a value that is not finite.</exception>
    public static KernelDistanceValue Of(Tensor first, Tensor second)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor x, Tensor y) = FeatureSets.CheckPair(first, second);
        (double m, double n) = (x.size(0), y.size(0));
        if (m < 3 || n < 3)
        {
            throw new ArgumentException($"The kernel distance needs at least three pictures in each set, not {m} and {n}.", nameof(first));
        }
        Tensor ownX = Rows(x, x) - Diagonal(x), ownY = Rows(y, y) - Diagonal(y), crossX = Rows(x, y), crossY = Rows(y, x); // sums over the partners
        double sumX = ownX.sum().item<double>(), sumY = ownY.sum().item<double>(), cross = crossX.sum().item<double>();
        double partX = sumX / (m * (m - 1)), partY = sumY / (n * (n - 1));
        double value = partX + partY - (2 * cross / (m * n));
        // Without one vector of the first set its pairs go twice, its cross terms once; likewise for the second.
        Tensor withoutX = ownX.Times(-2).Plus(sumX).Over((m - 1) * (m - 2)).Plus(partY) - crossX.neg().Plus(cross).Times(2 / ((m - 1) * n));
        Tensor withoutY = ownY.Times(-2).Plus(sumY).Over((n - 1) * (n - 2)).Plus(partX) - crossY.neg().Plus(cross).Times(2 / (m * (n - 1)));
        double variance = Spread(withoutX, m) + Spread(withoutY, n);
        return new KernelDistanceValue(value, Math.Sqrt(variance));
    }

    private static double Spread(Tensor without, double count) =>
        (without - without.mean()).Squared().sum().item<double>() * (count - 1) / count;

    private static Tensor Rows(Tensor a, Tensor b)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] parts = [.. a.split(1024).Select(p => Kernel(matmul(p, b.transpose(0, 1)), b.size(1)).sum(1))];
        return cat(parts).MoveToOuterDisposeScope();
    }

    private static Tensor Diagonal(Tensor a) => Kernel(a.Squared().sum(1), a.size(1));

    private static Tensor Kernel(Tensor products, double width) => products.Over(width).PlusInPlace(1).pow(Scalars.Of(3));
}
