using System.ComponentModel.DataAnnotations;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The generator of EAR (Shao et al. 2025, "Continuous Visual Autoregressive Generation via Score Maximization", arXiv 2505.07812; CALM, arXiv 2510.27688, uses
/// the same score with more samples): the condition goes through the blocks, noise modulates them, and what comes out is a token. One evaluation a
/// token; <c>sampling.solver</c>, <c>steps</c> and <c>timestepShift</c> mean nothing to it.
/// </summary>
/// <remarks>Guidance interpolates the condition before the network, c_u + s·(c_c − c_u), as in EAR's code.</remarks>
public sealed record EnergyHead : TokenHeadConfig
{
    /// <summary>Tokens K drawn for every target in training (EAR: 2, CALM: 8).</summary>
    [Range(2, 64)]
    public int Samples { get; init; } = 2;

    /// <summary>α of the distances ‖·‖ᵅ: the score is strictly proper between 0 and 2, ends excluded (EAR and CALM: 1).</summary>
    [Range(0.1, 1.9)]
    public double Exponent { get; init; } = 1;

    /// <summary>Features of the noise, uniform in [−½, ½] (EAR: 64).</summary>
    [Range(1, 4096)]
    public int NoiseWidth { get; init; } = 64;

    /// <inheritdoc/>
    public override TokenHead Build(TokenHeadContext context) => new EnergyTokenHead(this, context);
}

/// <summary>The network of <see cref="EnergyHead"/> and its training objective.</summary>
internal sealed class EnergyTokenHead : TokenHead
{
    // Inside the root, so that two equal tokens, as all are at the first weights, have the gradient 0 and not 0/0.
    private const double Apart = 1e-12;

    private readonly EnergyHead _config;
    internal readonly FlowHeadNetwork net;

    /// <summary>Builds the head.</summary>
    public EnergyTokenHead(EnergyHead config, TokenHeadContext context)
        : base(context)
    {
        _config = config;
        using GlobalGenerator untouched = GlobalGenerator.Keep();
        net = new FlowHeadNetwork(
            context.Shape with { Times = 0, InputWidth = context.ConditionWidth, ConditionWidth = config.NoiseWidth }, context.Device, context.Dtype);
        RegisterComponents();
    }

    /// <summary>
    /// The negative energy score, 2/K·Σ‖x_i − x‖ᵅ − 1/(K(K − 1))·Σ_(i≠j)‖x_i − x_j‖ᵅ over K tokens that the head draws (Shao et al. 2025, eq. 12; unbiased for
    /// 2E‖X − x‖ᵅ − E‖X − X'‖ᵅ, least where X is distributed as x). Draws: K·n rows of noise.
    /// </summary>
    /// <param name="target">Clean tokens x, [n, d].</param>
    /// <param name="condition">[n, H].</param>
    /// <param name="noise">Source of the head's noise.</param>
    /// <param name="mask">[n] weights; null = plain mean.</param>
    public override TokenLoss Loss(Tensor target, Tensor condition, NoiseSource noise, Tensor? mask = null)
    {
        using DisposeScope scope = NewDisposeScope();
        int samples = _config.Samples;
        Tensor drawn = net.Untimed(condition.repeat(samples, 1), Noise(noise, condition.size(0) * samples, condition)).to_type(ScalarType.Float32);
        return TokenLoss.Of(Score(drawn.view(samples, -1, target.size(1)), target.to_type(ScalarType.Float32), _config.Exponent), mask: mask).MoveToOuterDisposeScope();
    }

    /// <summary>The negative energy score by token, [n], of drawn [K, n, d] against targets [n, d].</summary>
    internal static Tensor Score(Tensor drawn, Tensor target, double exponent)
    {
        using DisposeScope scope = NewDisposeScope();
        long samples = drawn.size(0);
        Tensor toTarget = Distance(drawn, target).mean([0]).Times(2);
        Tensor between = Distance(drawn.unsqueeze(0), drawn.unsqueeze(1)).sum([0, 1]).Over(samples * (samples - 1));
        return toTarget.sub(between).MoveToOuterDisposeScope();

        Tensor Distance(Tensor a, Tensor b) => a.sub(b).Squared().sum([-1]).Plus(Apart).pow(Scalars.Of(exponent / 2));
    }

    /// <inheritdoc/>
    public override TokenHeadSampler Sampler(FlowSamplerOptions options) => new OneEvaluation(this);

    private static Tensor Noise(NoiseSource noise, long rows, Tensor like, int width) => noise.Uniform(rows, width).Minus(0.5).to(like.dtype, like.device);

    private Tensor Noise(NoiseSource noise, long rows, Tensor like) => Noise(noise, rows, like, _config.NoiseWidth);

    private sealed class OneEvaluation(EnergyTokenHead head) : TokenHeadSampler
    {
        public override int Evaluations => 1;

        public override Tensor Sample(Tensor conditions, Guidance guidance, NoiseSource noise, Action<Tensor>? onStep = null)
        {
            using IDisposable guard = no_grad();
            using DisposeScope scope = NewDisposeScope();
            Tensor weight = head.net.input_proj.weight!, condition = guidance.Combine(conditions.to(weight.dtype, weight.device));
            Tensor token = head.net.Untimed(condition, head.Noise(noise, condition.size(0), condition)).to_type(ScalarType.Float32);
            onStep?.Invoke(token);
            return token.MoveToOuterDisposeScope();
        }
    }
}
