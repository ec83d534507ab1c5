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

/// <summary>The network of <see cref="ShortcutHead"/> and its training objective.</summary>
internal sealed class ShortcutTokenHead : TokenHead
{
    private readonly ShortcutHead _config;
    internal readonly FlowHeadNetwork net;

    /// <summary>Builds the head.</summary>
    public ShortcutTokenHead(ShortcutHead config, TokenHeadContext context)
        : base(context)
    {
        _config = config;
        using GlobalGenerator untouched = GlobalGenerator.Keep();
        net = new FlowHeadNetwork(context.Shape with { Times = 2 }, context.Device, context.Dtype);
        RegisterComponents();
    }

    /// <summary>
    /// Of most rows ‖s(x_t, t, 1/M) − (x₁ − ε)‖², t even on the grid of M. Of the first <see cref="ShortcutHead.ConsistencyShare"/> of the rows
    /// ‖s(x_t, t, 2d) − s*‖² with s* = (s(x_t, t, d) + s(x_t + d·s(x_t, t, d), t + d, d))/2 without gradient, 2d drawn evenly from 1, 1/2 … 2/M, t from its
    /// multiples (Frans et al. 2024, eq. 5). Their average of the weights for s* is left out: the present ones are used. Mean over features.
    /// Draws: ε of the target's shape, then for t and d uniform [n] each.
    /// </summary>
    /// <param name="target">Clean tokens x₁, [n, d].</param>
    /// <param name="condition">[n, H].</param>
    /// <param name="noise">Source of ε, t and d.</param>
    /// <param name="mask">[n] weights; null = plain mean.</param>
    public override TokenLoss Loss(Tensor target, Tensor condition, NoiseSource noise, Tensor? mask = null)
    {
        using DisposeScope scope = NewDisposeScope();
        long rows = target.size(0), paired = (long)(rows * _config.ConsistencyShare);
        Tensor epsilon = noise.Normal(target.shape).to(target.dtype, target.device);
        (Tensor place, Tensor level) = (noise.Uniform(rows), noise.Uniform(rows));
        // log₂ of the steps that a whole way of this length takes: M of the velocity's rows, 1, 2 … M/2 of the others.
        int finest = BitOperations.Log2((uint)_config.FinestSteps);
        Tensor levels = cat([level.narrow(0, 0, paired).Times(finest).floor().clamp_max(Scalars.Of(finest - 1)), full(rows - paired, Scalars.Of(finest))]);
        Tensor count = levels.exp2();
        Tensor t = place.mul(count).floor().minimum(count.Minus(1)).div(count).to(target.dtype, target.device).unsqueeze(1);
        Tensor noisy = target.mul(t).Plus(epsilon.mul(t.neg().Plus(1))), wanted = target.sub(epsilon);
        levels = levels.to(target.dtype, target.device).unsqueeze(1);
        if (paired > 0)
        {
            Tensor First(Tensor x) => x.narrow(0, 0, paired);
            Tensor twice = Twice(First(noisy), First(t), First(levels), First(condition));
            wanted = cat([twice, wanted.narrow(0, paired, rows - paired)]);
        }
        Tensor error = net.forward(noisy, cat([t, levels], 1), condition).sub(wanted).to_type(ScalarType.Float32);
        return TokenLoss.Of(error.Squared().mean([-1]), t.squeeze(1), mask).MoveToOuterDisposeScope();
    }

    // The mean velocity of two steps of half the length.
    private Tensor Twice(Tensor x, Tensor t, Tensor levels, Tensor condition)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor half = levels.Plus(1), length = half.neg().exp2();
        Tensor first = net.forward(x, cat([t, half], 1), condition);
        Tensor second = net.forward(x.Plus(first.mul(length)), cat([t.Plus(length), half], 1), condition);
        return first.Plus(second).Over(2).to_type(x.dtype).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override TokenHeadSampler Sampler(FlowSamplerOptions options) => _config.Problem(options) is { } problem
        ? throw new ArgumentException($"sampling: {problem}.", nameof(options))
        : new FlowSampler(net, options, length => -MathF.Round(MathF.Log2(length)));
}
