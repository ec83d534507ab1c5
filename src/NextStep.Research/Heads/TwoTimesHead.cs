using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The two times of training rows.</summary>
/// <param name="First">Where the step begins, t, [n] in [0, 1].</param>
/// <param name="Second">Where it ends or how long it is, as the head says, [n].</param>
/// <param name="Far">The first so many rows go somewhere; the others learn the velocity at t.</param>
internal readonly record struct StepTimes(Tensor First, Tensor Second, long Far);

/// <summary>
/// A velocity that is told how far its step goes, by a second time: what <see cref="ShortcutHead"/> and <see cref="MeanFlowHead"/> have in common. Rows that go
/// nowhere learn x₁ − ε, the velocity; the first ones what the head makes of itself, without gradient.
/// </summary>
internal abstract class TwoTimesHead : TokenHead
{
    internal readonly FlowHeadNetwork net;

    /// <summary>Builds the network.</summary>
    protected TwoTimesHead(TokenHeadContext context)
        : base(context)
    {
        using GlobalGenerator untouched = GlobalGenerator.Keep();
        net = new FlowHeadNetwork(context.Shape with { Times = 2 }, context.Device, context.Dtype);
        RegisterComponents();
    }

    /// <summary>The loss of the head's paper at x_t = t·x₁ + (1 − t)·ε. Draws: ε of the target's shape, then those of <see cref="Times"/>.</summary>
    /// <param name="target">Clean tokens x₁, [n, d].</param>
    /// <param name="condition">[n, H].</param>
    /// <param name="noise">Source of ε and of the times.</param>
    /// <param name="mask">[n] weights; null = plain mean.</param>
    public sealed override TokenLoss Loss(Tensor target, Tensor condition, NoiseSource noise, Tensor? mask = null)
    {
        using DisposeScope scope = NewDisposeScope();
        long rows = target.size(0);
        Tensor epsilon = noise.Normal(target.shape).to(target.dtype, target.device);
        (Tensor first, Tensor second, long far) = Times(rows, noise);
        (Tensor t, Tensor end) = (first.to(target.dtype, target.device).unsqueeze(1), second.to(target.dtype, target.device).unsqueeze(1));
        Tensor velocity = target.sub(epsilon), wanted = velocity, noisy = target.mul(t).Plus(epsilon.mul(t.neg().Plus(1)));
        if (far > 0)
        {
            Tensor Of(Tensor x) => x.narrow(0, 0, far);
            wanted = cat([Wanted(Of(noisy), Of(t), Of(end), Of(velocity), Of(condition)), velocity.narrow(0, far, rows - far)]);
        }
        Tensor error = net.forward(noisy, cat([t, Told(t, end)], 1), condition).sub(wanted).to_type(ScalarType.Float32);
        return TokenLoss.Of(Loss(error), t.squeeze(1), mask).MoveToOuterDisposeScope();
    }

    /// <summary>Draws the times of <paramref name="rows"/> rows.</summary>
    protected abstract StepTimes Times(long rows, NoiseSource noise);

    /// <summary>What the rows that go somewhere learn, [m, d], without gradient.</summary>
    protected abstract Tensor Wanted(Tensor noisy, Tensor t, Tensor end, Tensor velocity, Tensor condition);

    /// <summary>The network's second time for a step from <paramref name="t"/>.</summary>
    protected abstract Tensor Told(Tensor t, Tensor end);

    /// <summary>[n] of the errors [n, d].</summary>
    protected abstract Tensor Loss(Tensor error);

    /// <summary>Euler steps, each told its length.</summary>
    /// <param name="problem">Why it cannot be drawn so; null: it can.</param>
    /// <param name="options">Steps.</param>
    /// <param name="told">The network's second time for a step of this length.</param>
    protected FlowSampler Sampler(string? problem, FlowSamplerOptions options, Func<float, float> told) => problem is null
        ? new FlowSampler(net, options, told)
        : throw new ArgumentException($"sampling: {problem}.", nameof(options));
}
