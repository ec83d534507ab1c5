using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The pixel terms of the autoencoder's loss.</summary>
internal static class ReconstructionLoss
{
    /// <summary>Weighted squared, absolute and edge errors of [n, 3, H, W] pictures in [−1, 1]; a scalar.</summary>
    public static Tensor Of(Tensor output, Tensor target, ReconstructionWeights weights)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor error = output - target;
        Tensor loss = error.Squared().mean().Times((float)weights.Squared);
        if (weights.Absolute > 0)
        {
            loss = loss.Plus(error.abs().mean().Times((float)weights.Absolute));
        }
        if (weights.Gradient > 0)
        {
            Tensor across = error.narrow(3, 1, error.size(3) - 1) - error.narrow(3, 0, error.size(3) - 1);
            Tensor down = error.narrow(2, 1, error.size(2) - 1) - error.narrow(2, 0, error.size(2) - 1);
            loss = loss.Plus(across.abs().mean().Plus(down.abs().mean()).Times((float)(weights.Gradient / 2)));
        }
        return loss.MoveToOuterDisposeScope();
    }

    /// <summary>The weighted sum of the terms of <c>training.autoencoder.losses</c>; a scalar.</summary>
    /// <param name="output">[n, 3, H, W], float32.</param>
    /// <param name="target">[n, 3, H, W] in [−1, 1].</param>
    /// <param name="terms">At least one.</param>
    public static Tensor Of(Tensor output, Tensor target, IReadOnlyList<(PictureLoss Term, double Weight)> terms)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] parts = [.. terms.Select(t => t.Term.Of(output, target).Times((float)t.Weight))];
        return parts.Aggregate((a, b) => a.Plus(b)).MoveToOuterDisposeScope();
    }

    /// <summary>KL divergence of the posterior to a standard normal, mean over latent values; a scalar.</summary>
    public static Tensor Divergence(LatentPosterior posterior)
    {
        using DisposeScope scope = NewDisposeScope();
        return (posterior.Mean.Squared().Plus(posterior.LogVariance.exp()) - posterior.LogVariance).Minus(1f).mean().Times(0.5f).MoveToOuterDisposeScope();
    }
}
