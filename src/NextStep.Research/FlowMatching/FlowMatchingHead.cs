using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The flow-matching head: its network and its training objective (spec §3).</summary>
public sealed class FlowMatchingHead : TokenHead
{
    internal readonly FlowHeadNetwork net;

    /// <summary>Builds the head.</summary>
    public FlowMatchingHead(FlowHeadConfig config, Device? device = null, ScalarType? dtype = null)
        : this(new TokenHeadContext(config, device, dtype))
    {
    }

    /// <summary>Builds the head.</summary>
    public FlowMatchingHead(TokenHeadContext context)
        : base(context)
    {
        using GlobalGenerator untouched = GlobalGenerator.Keep();
        net = new FlowHeadNetwork(context.Shape, context.Device, context.Dtype);
        RegisterComponents();
    }

    /// <summary>The velocity network.</summary>
    public override FlowHeadNetwork Network => net;

    /// <inheritdoc/>
    public override string LossName => "flow.loss";

    /// <summary>
    /// x_t = t·x₁ + (1 − t)·ε, v* = x₁ − ε, t = sigmoid(u), u ~ N(0, 1); mean over features of (v − v*)² in float32 (spec §3.3).
    /// Draws: ε of the target's shape, then u [n].
    /// </summary>
    /// <param name="target">Clean tokens x₁, [n, d].</param>
    /// <param name="condition">[n, H].</param>
    /// <param name="noise">Source of ε and u.</param>
    /// <param name="mask">[n], weights Σ(loss·mask)/(Σmask + 1e−8); null = plain mean.</param>
    public override TokenLoss Loss(Tensor target, Tensor condition, NoiseSource noise, Tensor? mask = null)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor epsilon, Tensor t) = Draw(target, noise);
        return TokenLoss.Of(PerToken(target, condition, epsilon, t), t, mask).MoveToOuterDisposeScope();
    }

    /// <summary>What the loss draws for these tokens: noise of their shape, then times [n].</summary>
    internal static (Tensor Epsilon, Tensor Times) Draw(Tensor target, NoiseSource noise)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor epsilon = noise.Normal(target.shape).to(target.dtype, target.device);
        Tensor t = noise.Normal(target.size(0)).to(target.device).sigmoid().to_type(target.dtype);
        return (epsilon.MoveToOuterDisposeScope(), t.MoveToOuterDisposeScope());
    }

    /// <summary>The loss by token at given noise [n, d] and times [n]: [n] float32, with gradient.</summary>
    internal Tensor PerToken(Tensor target, Tensor condition, Tensor epsilon, Tensor t)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor column = t.unsqueeze(-1);
        Tensor noisy = target.mul(column).Plus(epsilon.mul(column.neg().Plus(1)));
        Tensor error = net.forward(noisy, t, condition).sub(target.sub(epsilon)).to_type(ScalarType.Float32);
        return error.Squared().mean([-1]).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override TokenHeadSampler Sampler(FlowSamplerOptions options) => new FlowSampler(net, options);
}
