using System.ComponentModel.DataAnnotations;
using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The shortcut head of FAR (Hang et al. 2025, "Fast Autoregressive Models for Continuous Latent Generation", arXiv 2504.18391), which is the shortcut
/// model of Frans et al. 2024 ("One Step Diffusion via Shortcut Models", arXiv 2410.12557): a velocity s(x, t, d) that is told how far the step goes,
/// so that x + d·s(x, t, d) ends where many small steps would. Draws in <c>sampling.steps</c> even steps, a power of two.
/// </summary>
/// <remarks>Guidance interpolates the velocities of the step, s_u + g·(s_c − s_u), as for the flow head.</remarks>
public sealed record ShortcutHead : TokenHeadConfig
{
    /// <summary>Steps M of the smallest length, a power of two; a step of 1/M stands for one of no length (Frans et al.: 128).</summary>
    [Range(2, 4096)]
    public int FinestSteps { get; init; } = 128;

    /// <summary>Share of the rows that learn that two steps are one of twice the length; the others learn the velocity (Frans et al.: a quarter).</summary>
    [Range(0.0, 1.0)]
    public double ConsistencyShare { get; init; } = 0.25;

    /// <inheritdoc/>
    public override TokenHead Build(TokenHeadContext context) => BitOperations.IsPow2(FinestSteps) ? new ShortcutTokenHead(this, context)
        : throw new ArgumentException($"model.head.finestSteps: {FinestSteps} is no power of two; write {BitOperations.RoundUpToPowerOf2((uint)FinestSteps)}.");

    /// <inheritdoc/>
    public override string? Problem(FlowSamplerOptions sampling) =>
        !BitOperations.IsPow2(FinestSteps) ? $"finestSteps {FinestSteps} is no power of two; write {BitOperations.RoundUpToPowerOf2((uint)FinestSteps)}"
        : !BitOperations.IsPow2(sampling.Steps) || sampling.Steps > FinestSteps
            ? $"the shortcut head knows steps of 1, 1/2, 1/4 … 1/{FinestSteps}, so sampling.steps is a power of two up to {FinestSteps}, not {sampling.Steps}; write 8, say"
        : sampling.Solver is not OdeSolver ? $"the shortcut head steps by itself; sampling.solver stays ode, not {ComponentCatalog.NameOf(sampling.Solver.GetType())}"
        : sampling.TimestepShift != 1 ? "the shortcut head's steps are of one length; sampling.timestepShift stays 1"
        : null;
}

/// <summary>
/// The training objective of <see cref="ShortcutHead"/>. Of most rows ‖s(x_t, t, 1/M) − (x₁ − ε)‖². Of the others ‖s(x_t, t, 2d) − s*‖² with
/// s* = (s(x_t, t, d) + s(x_t + d·s(x_t, t, d), t + d, d))/2 without gradient (Frans et al. 2024, eq. 5). Their average of the weights for s* is left out:
/// the present ones are used. Mean over features.
/// </summary>
internal sealed class ShortcutTokenHead(ShortcutHead config, TokenHeadContext context) : TwoTimesHead(context)
{
    /// <summary>
    /// t and log₂ of the steps that a whole way of this length takes, from two uniform [n]: of the first <see cref="ShortcutHead.ConsistencyShare"/> of the rows
    /// 2d is drawn evenly from 1, 1/2 … 2/M, and t from its multiples; of the others it is 1/M.
    /// </summary>
    protected override StepTimes Times(long rows, NoiseSource noise)
    {
        long paired = (long)(rows * config.ConsistencyShare);
        (Tensor place, Tensor level) = (noise.Uniform(rows), noise.Uniform(rows));
        int finest = BitOperations.Log2((uint)config.FinestSteps);
        Tensor levels = cat([level.narrow(0, 0, paired).Times(finest).floor().clamp_max(Scalars.Of(finest - 1)), full(rows - paired, Scalars.Of(finest))]);
        Tensor count = levels.exp2();
        return new StepTimes(place.mul(count).floor().minimum(count.Minus(1)).div(count), levels, paired);
    }

    /// <inheritdoc/>
    protected override Tensor Told(Tensor t, Tensor end) => end;

    /// <summary>The mean velocity of two steps of half the length.</summary>
    protected override Tensor Wanted(Tensor noisy, Tensor t, Tensor end, Tensor velocity, Tensor condition)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor half = end.Plus(1), length = half.neg().exp2();
        Tensor first = net.forward(noisy, cat([t, half], 1), condition);
        Tensor second = net.forward(noisy.Plus(first.mul(length)), cat([t.Plus(length), half], 1), condition);
        return first.Plus(second).Over(2).to_type(noisy.dtype).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override Tensor Loss(Tensor error) => error.Squared().mean([-1]);

    /// <inheritdoc/>
    public override TokenHeadSampler Sampler(FlowSamplerOptions options) => Sampler(config.Problem(options), options, length => -MathF.Round(MathF.Log2(length)));
}
