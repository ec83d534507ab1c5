using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Mean and covariance of a set of feature vectors.</summary>
/// <param name="Mean">[d] float64.</param>
/// <param name="Covariance">[d, d] float64, unbiased.</param>
public sealed record GaussianFit(Tensor Mean, Tensor Covariance) : IDisposable
{
    /// <summary>Two-pass mean and covariance of [n, d], n at least 2.</summary>
    /// <exception cref="ArgumentException">One vector has no covariance; or a value is not finite.</exception>
    public static GaussianFit Of(Tensor features)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = FeatureSets.Check(features);
        Tensor mean = x.mean([0]), centred = x - mean;
        Tensor covariance = matmul(centred.transpose(0, 1), centred).Over((double)(x.size(0) - 1));
        return new GaussianFit(mean.MoveToOuterDisposeScope(), covariance.MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Mean.Dispose();
        Covariance.Dispose();
    }
}

/// <summary>
/// Fréchet distance of two Gaussians, ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½) (Dowson and Landau 1982; Heusel et al. 2017 for features of
/// a network). Never negative, no imaginary part: in the symmetric form tr(Σ₁Σ₂)^½ = Σ√λ(Σ₁^½ Σ₂ Σ₁^½) of a real eigen-decomposition, and
/// for fewer vectors than features, exactly, as the nuclear norm of X₁X₂ᵀ/√((n₁−1)(n₂−1)) of the centred sets.
/// Biased upwards for small sets: compare only numbers of the same counts.
/// </summary>
public static class FrechetDistance
{
    /// <summary>Of two sets of feature vectors [n₁, d] and [n₂, d].</summary>
    /// <exception cref="ArgumentException">Fewer than two vectors, different widths, or a value that is not finite.</exception>
    public static double Of(Tensor first, Tensor second)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor a, Tensor b) = FeatureSets.CheckPair(first, second);
        if (Math.Min(a.size(0), b.size(0)) > a.size(1))
        {
            using GaussianFit fitA = GaussianFit.Of(a), fitB = GaussianFit.Of(b);
            return Of(fitA, fitB);
        }
        Tensor meanA = a.mean([0]), meanB = b.mean([0]);
        Tensor centredA = (a - meanA).Over(Math.Sqrt(a.size(0) - 1)), centredB = (b - meanB).Over(Math.Sqrt(b.size(0) - 1));
        double root = linalg.svdvals(matmul(centredA, centredB.transpose(0, 1))).sum().item<double>();
        double traces = centredA.Squared().sum().item<double>() + centredB.Squared().sum().item<double>();
        return Math.Max(0, (meanA - meanB).Squared().sum().item<double>() + traces - (2 * root));
    }

    /// <summary>Of two Gaussians.</summary>
    public static double Of(GaussianFit first, GaussianFit second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        using DisposeScope scope = NewDisposeScope();
        (Tensor values, Tensor vectors) = linalg.eigh(first.Covariance);
        Tensor half = matmul(vectors * values.clamp_min(Scalars.Of(0)).sqrt(), vectors.transpose(0, 1));
        Tensor product = matmul(matmul(half, second.Covariance), half);
        double root = linalg.eigvalsh(product.Plus(product.transpose(0, 1)).Over(2)).clamp_min(Scalars.Of(0)).sqrt().sum().item<double>();
        double traces = first.Covariance.trace().item<double>() + second.Covariance.trace().item<double>();
        return Math.Max(0, (first.Mean - second.Mean).Squared().sum().item<double>() + traces - (2 * root));
    }
}
