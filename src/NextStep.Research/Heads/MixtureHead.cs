using System.ComponentModel.DataAnnotations;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The mixture of GIVT (Tschannen et al. 2023, "GIVT: Generative Infinite-Vocabulary Transformers", arXiv 2312.02116): shares, means and deviations of k diagonal
/// Gaussians from the condition, fitted by their likelihood. There the transformer's last layer gives them; here the same network as of the other heads
/// stands between, so that sizes can be equal. One evaluation a token; <c>sampling.solver</c>, <c>steps</c> and <c>timestepShift</c> mean nothing to it.
/// </summary>
/// <remarks>
/// Guidance is of densities, p_c·(p_c/p_u)^(s − 1), as in GIVT, which draws from it by rejection; here a token is chosen among
/// <see cref="GuidanceCandidates"/> of p_c with these weights. Guidance 1 needs no candidates.
/// </remarks>
public sealed record MixtureHead : TokenHeadConfig
{
    /// <summary>Gaussians k (GIVT: 16).</summary>
    [Range(1, 1024)]
    public int Components { get; init; } = 16;

    /// <summary>Smallest deviation. Normalised tokens lie on a surface, where a likelihood without one has no greatest value.</summary>
    [Range(1e-6, 1.0)]
    public double MinimumDeviation { get; init; } = 0.01;

    /// <summary>Tokens of the conditional density that guidance chooses from.</summary>
    [Range(1, 4096)]
    public int GuidanceCandidates { get; init; } = 64;

    /// <inheritdoc/>
    public override TokenHead Build(TokenHeadContext context) => new MixtureTokenHead(this, context);
}

/// <summary>The network of <see cref="MixtureHead"/> and its training objective.</summary>
internal sealed class MixtureTokenHead : TokenHead
{
    private readonly MixtureHead _config;
    internal readonly FlowHeadNetwork net;
    private readonly Parameter component_means; // [k, d]: the network's first output is 0, and equal components would stay equal

    /// <summary>Builds the head.</summary>
    public MixtureTokenHead(MixtureHead config, TokenHeadContext context)
        : base(context)
    {
        _config = config;
        using GlobalGenerator untouched = GlobalGenerator.Keep();
        int output = config.Components * (1 + (2 * context.TokenWidth));
        net = new FlowHeadNetwork(context.Shape with { Times = 0, InputWidth = context.ConditionWidth, OutputWidth = output }, context.Device, context.Dtype);
        component_means = new Parameter(empty(config.Components, context.TokenWidth, context.Dtype ?? ScalarType.Float32, context.Device));
        RegisterComponents();
    }

    /// <summary>−log p(x) over the number of features, in nats (Tschannen et al. 2023, §3.2). Draws nothing.</summary>
    /// <param name="target">Clean tokens x, [n, d].</param>
    /// <param name="condition">[n, H].</param>
    /// <param name="noise">Not asked.</param>
    /// <param name="mask">[n] weights; null = plain mean.</param>
    public override TokenLoss Loss(Tensor target, Tensor condition, NoiseSource noise, Tensor? mask = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor log = Density(condition).Log(target.to_type(ScalarType.Float32).unsqueeze(1)).squeeze(1);
        return TokenLoss.Of(log.Over(-(double)target.size(1)), mask: mask).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override TokenHeadSampler Sampler(FlowSamplerOptions options) => new OneEvaluation(this);

    /// <summary>The density of a token under each condition, [n, H]. Tensors of the caller's scope.</summary>
    internal DiagonalMixture Density(Tensor condition)
    {
        int count = _config.Components, width = Context.TokenWidth;
        Tensor output = net.Untimed(condition, condition).to_type(ScalarType.Float32);
        Tensor parts = output.narrow(1, count, 2L * count * width).view(-1, 2, count, width);
        Tensor means = parts.select(1, 0).Plus(component_means.to_type(ScalarType.Float32));
        Tensor raw = parts.select(1, 1), deviations = raw.logaddexp(zeros_like(raw)).clamp_min(Scalars.Of(_config.MinimumDeviation)); // softplus
        return new DiagonalMixture(output.narrow(1, 0, count).log_softmax(1), means, deviations);
    }

    private sealed class OneEvaluation(MixtureTokenHead head) : TokenHeadSampler
    {
        public override int Evaluations => 1;

        // Draws: uniform [m, c] for the components, normal [m, c, d], and of guidance uniform [m]; c candidates.
        public override Tensor Sample(Tensor conditions, Guidance guidance, NoiseSource noise, Action<Tensor>? onStep = null)
        {
            using IDisposable guard = no_grad();
            using DisposeScope scope = NewDisposeScope();
            long pictures = conditions.size(0) / (int)guidance.Branches;
            bool plain = guidance.Branches == GuidanceBranches.None || (guidance.Scale == 1 && guidance.ImageScale == 1);
            Tensor weight = head.net.input_proj.weight!;
            DiagonalMixture all = head.Density(conditions.to(weight.dtype, weight.device)), own = all.Rows(0, pictures);
            Tensor candidates = own.Sample(plain ? 1 : head._config.GuidanceCandidates, noise); // [m, c, d]
            Tensor token = plain ? candidates.squeeze(1) : Choose(candidates, all, own, guidance, noise);
            onStep?.Invoke(token);
            return token.MoveToOuterDisposeScope();
        }

        private static Tensor Choose(Tensor candidates, DiagonalMixture all, DiagonalMixture own, Guidance guidance, NoiseSource noise)
        {
            Tensor guided = guidance.Combine(all.Log(candidates.repeat((int)guidance.Branches, 1, 1))); // log p_u + s·(log p_c − log p_u)
            Tensor shares = guided.sub(own.Log(candidates)).softmax(1);
            Tensor chosen = DiagonalMixture.Pick(shares, noise.Uniform(candidates.size(0), 1).to(shares.device));
            return candidates.gather(1, chosen.unsqueeze(2).expand(-1, -1, candidates.size(2))).squeeze(1);
        }
    }
}
