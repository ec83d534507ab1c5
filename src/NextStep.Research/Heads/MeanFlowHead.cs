using System.ComponentModel.DataAnnotations;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The average velocity of MeanFlow (Geng et al. 2025, "Mean Flows for One-step Generative Modeling", arXiv 2505.13447) as a token head: u(x, t, r) with
/// (r − t)·u = ∫ v dτ from t to r, so that a token is x + u(x, 0, 1) in one evaluation, or in <c>sampling.steps</c> steps. Times run from
/// noise (0) to token (1) as everywhere here, the other way round than in the paper.
/// </summary>
/// <remarks>
/// Guidance interpolates the average velocities, u_u + s·(u_c − u_u); of one step that moves the token itself in a straight line. The paper trains
/// guidance in instead, at one scale, which leaves nothing to be chosen when drawing.
/// </remarks>
public sealed record MeanFlowHead : TokenHeadConfig
{
    /// <summary>Share of the rows whose r lies beyond t; the others learn the velocity at t (paper: a quarter).</summary>
    [Range(0.0, 1.0)]
    public double IntervalShare { get; init; } = 0.25;

    /// <summary>Location of the logit-normal that times are drawn from, in this kit's direction (paper: −0.4 in its own, which is 0.4 here).</summary>
    [Range(-5.0, 5.0)]
    public double TimeLocation { get; init; } = 0.4;

    /// <summary>
    /// p of the weights 1/(‖Δ‖² + 10⁻³)ᵖ, which are held fixed. 0 is the plain square. The paper's 1 suits pictures of thousands of numbers, whose ‖Δ‖² hardly
    /// varies; of the few of a token it counts unlikely tokens for little and pulls towards the likely ones (experiments/LOG.md).
    /// </summary>
    [Range(0.0, 2.0)]
    public double AdaptivePower { get; init; }

    /// <inheritdoc/>
    public override TokenHead Build(TokenHeadContext context) => new MeanFlowTokenHead(this, context);

    /// <inheritdoc/>
    public override string? Problem(FlowSamplerOptions sampling) => sampling.Solver is OdeSolver ? null
        : $"the mean-flow head steps by itself; sampling.solver stays ode, not {ComponentCatalog.NameOf(sampling.Solver.GetType())}";
}

/// <summary>
/// The training objective of <see cref="MeanFlowHead"/>: w·‖Δ‖², Δ = u(x_t, t, r) − (v + (r − t)·du/dt) with v = x₁ − ε, the bracket without gradient and
/// w = 1/(‖Δ‖² + 10⁻³)ᵖ (Geng et al. 2025, eq. 10, 11 and 22; the sign of the second term is this kit's direction of time).
/// </summary>
internal sealed class MeanFlowTokenHead(MeanFlowHead config, TokenHeadContext context) : TwoTimesHead(context)
{
    // Half the width of the central difference: float32 rounding gives about 10⁻⁷/h, the third derivative h²/6 of itself.
    private const double Half = 5e-3;
    private const double Floor = 1e-3;

    /// <summary>
    /// t and r, two normals [n] made logit-normal with scale 1: t is the smaller of both and r the larger of the first <see cref="MeanFlowHead.IntervalShare"/>
    /// of the rows, r = t of the others.
    /// </summary>
    protected override StepTimes Times(long rows, NoiseSource noise)
    {
        long apart = (long)(rows * config.IntervalShare);
        Tensor Time() => noise.Normal(rows).Plus(config.TimeLocation).sigmoid();
        (Tensor one, Tensor other) = (Time(), Time());
        Tensor t = one.minimum(other);
        return new StepTimes(t, cat([one.maximum(other).narrow(0, 0, apart), t.narrow(0, apart, rows - apart)]), apart);
    }

    /// <inheritdoc/>
    protected override Tensor Told(Tensor t, Tensor end) => end.sub(t);

    /// <inheritdoc/>
    protected override Tensor Wanted(Tensor noisy, Tensor t, Tensor end, Tensor velocity, Tensor condition) =>
        velocity.Plus(Derivative((x, s, e) => net.forward(x, cat([s, Told(s, e)], 1), condition), noisy, t, end, velocity).mul(Told(t, end)));

    /// <inheritdoc/>
    protected override Tensor Loss(Tensor error)
    {
        Tensor squared = error.Squared().sum([-1]);
        return squared.mul(squared.detach().Plus(Floor).pow(Scalars.Of(-config.AdaptivePower)));
    }

    /// <summary>
    /// du/dt along the path, v·∂u/∂x + ∂u/∂t at fixed r: the Jacobian-vector product of the paper by a central difference, (u(x + hv, t + h, r) −
    /// u(x − hv, t − h, r))/2h with h = 0.005, two evaluations without gradient, in float32 whatever the training's precision. Exact forward mode is not in
    /// TorchSharp, and differentiating backwards twice costs more than twice as much.
    /// </summary>
    internal static Tensor Derivative(Func<Tensor, Tensor, Tensor, Tensor> average, Tensor x, Tensor t, Tensor r, Tensor velocity)
    {
        using IDisposable guard = no_grad();
        using IDisposable? exact = Autocast.For(Precision.Float32, x.device);
        using DisposeScope scope = NewDisposeScope();
        Tensor step = velocity.Times(Half);
        Tensor after = average(x.Plus(step), t.Plus(Half), r), before = average(x.sub(step), t.Minus(Half), r);
        return after.sub(before).Over(2 * Half).to_type(x.dtype).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override TokenHeadSampler Sampler(FlowSamplerOptions options) => Sampler(config.Problem(options), options, length => length);
}
