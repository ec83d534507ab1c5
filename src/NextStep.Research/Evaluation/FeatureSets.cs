using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>What every measure of feature sets asks of them.</summary>
internal static class FeatureSets
{
    /// <summary>[n, d] in float64, n at least 2, every value finite.</summary>
    public static Tensor Check(Tensor features)
    {
        ArgumentNullException.ThrowIfNull(features);
        if (features.dim() != 2 || features.size(1) == 0)
        {
            throw new ArgumentException($"Features are [pictures, width], not [{string.Join(", ", features.shape)}].", nameof(features));
        }
        if (features.size(0) < 2)
        {
            throw new ArgumentException($"A spread needs at least two pictures, not {features.size(0)}.", nameof(features));
        }
        Tensor x = features.to_type(float64);
        using Tensor finite = x.isfinite().all(1);
        if (!finite.all().item<bool>())
        {
            using Tensor bad = finite.logical_not().nonzero();
            throw new ArgumentException($"The features of picture {bad[0, 0].item<long>() + 1} hold values that are no numbers.", nameof(features));
        }
        return x;
    }

    /// <summary>Both sets checked, and of one width.</summary>
    public static (Tensor First, Tensor Second) CheckPair(Tensor first, Tensor second)
    {
        (Tensor a, Tensor b) = (Check(first), Check(second));
        return a.size(1) == b.size(1) ? (a, b) : throw new ArgumentException($"Features of width {a.size(1)} and {b.size(1)} do not come from one network.", nameof(second));
    }
}
