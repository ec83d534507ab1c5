using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The density of what a stochastic step draws, N(mean, σ²·I) of a token's d features (<see cref="FlowSolver.Gaussian"/>).</summary>
internal static class StepDensity
{
    /// <summary>log N(next; mean, σ²·I), [n], with gradient.</summary>
    /// <param name="next">The state after the step, [n, d].</param>
    /// <param name="mean">[n, d].</param>
    /// <param name="deviation">σ, [n, 1].</param>
    public static Tensor LogProbability(Tensor next, Tensor mean, Tensor deviation)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor squares = Standardized(next, mean, deviation).Squared().Times(-0.5);
        return squares.sub(deviation.log()).Minus(0.5 * Math.Log(2 * Math.PI)).sum(-1).MoveToOuterDisposeScope();
    }

    /// <summary>(next − mean)/σ, [n, d]: the noise of the step, if these were its mean and deviation.</summary>
    public static Tensor Standardized(Tensor next, Tensor mean, Tensor deviation)
    {
        using DisposeScope scope = NewDisposeScope();
        return next.sub(mean).div(deviation).MoveToOuterDisposeScope();
    }

    /// <summary>The divergence KL(N(mean, σ²) ‖ N(other, σ²)) = ‖mean − other‖²/(2σ²), [n], with gradient.</summary>
    public static Tensor Divergence(Tensor mean, Tensor other, Tensor deviation)
    {
        using DisposeScope scope = NewDisposeScope();
        return Standardized(mean, other, deviation).Squared().sum(-1).Times(0.5).MoveToOuterDisposeScope();
    }

    /// <summary>The policy gradient's loss: −mean of advantage · log-probability; its gradient is that of the negative expected advantage, where the weights are those that drew.</summary>
    /// <param name="logProbability">By token, picture by picture, [pictures·L], with gradient.</param>
    /// <param name="advantage">By picture.</param>
    public static Tensor PolicyLoss(Tensor logProbability, IReadOnlyList<float> advantage)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weights = tensor([.. advantage]).to(logProbability.device).unsqueeze(1);
        return logProbability.view(advantage.Count, -1).mul(weights).mean().neg().MoveToOuterDisposeScope();
    }
}
