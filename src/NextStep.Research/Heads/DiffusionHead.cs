using System.ComponentModel.DataAnnotations;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The diffusion head of MAR (Li et al. 2024, "Autoregressive Image Generation without Vector Quantization", arXiv 2406.11838): the same network, but
/// it predicts the noise, and the variance of each step with it, over a cosine schedule of 1000 steps, and draws by <c>sampling.steps</c> of
/// them (MAR: 100), each with fresh noise. <c>sampling.solver</c> and <c>timestepShift</c> mean nothing to it.
/// </summary>
/// <remarks>Guidance interpolates the predicted noise, ε_u + s·(ε_c − ε_u), with the variance of the conditional branch, as in MAR.</remarks>
public sealed record DiffusionHead : TokenHeadConfig
{
    /// <summary>Steps T of the schedule that is trained on (MAR: 1000).</summary>
    [Range(1, 100_000)]
    public int TrainingSteps { get; init; } = 1000;

    /// <summary>
    /// Bound that every predicted token number is kept within on the way, in units of a token's deviation; 0 = none (MAR). The first steps multiply an error
    /// of the noise by hundreds, which a head that was not trained for days does not come back from.
    /// </summary>
    [Range(0.0, 1000.0)]
    public double ClipDenoised { get; init; } = 5;

    /// <inheritdoc/>
    public override TokenHead Build(TokenHeadContext context) => new DiffusionTokenHead(this, context);

    /// <inheritdoc/>
    public override string? Problem(FlowSamplerOptions sampling) => sampling.Steps <= TrainingSteps ? null
        : $"{sampling.Steps} steps are more than the {TrainingSteps} that the diffusion head is trained on; take at most so many, or raise model.head.trainingSteps";
}

/// <summary>The network of <see cref="DiffusionHead"/> and its training objective.</summary>
internal sealed class DiffusionTokenHead : TokenHead
{
    private readonly DiffusionHead _config;
    private readonly DiffusionSchedule _schedule;
    internal readonly FlowHeadNetwork net;

    /// <summary>Builds the head.</summary>
    public DiffusionTokenHead(DiffusionHead config, TokenHeadContext context)
        : base(context)
    {
        (_config, _schedule) = (config, DiffusionSchedule.Cosine(config.TrainingSteps));
        using GlobalGenerator untouched = GlobalGenerator.Keep();
        net = new FlowHeadNetwork(context.Shape with { OutputWidth = 2 * context.TokenWidth }, context.Device, context.Dtype);
        RegisterComponents();
    }

    /// <summary>
    /// (ε − ε_θ)² + L_vlb, both mean over features, at x_i = √ᾱ_i·x + √(1 − ᾱ_i)·ε and a step i drawn evenly (Nichol and Dhariwal 2021, eq. 16 with its
    /// λ = 0.001 of the sum over 1000 steps, which is 1 at one step). L_vlb, in bits, is KL(q(x_(i−1)|x_i, x) ‖ p_θ), of the first step −log p_θ(x|x_0);
    /// it trains the variance alone, log σ² = v·log β_i + (1 − v)·log β̃_i. Draws: ε of the target's shape, then the step [n].
    /// </summary>
    /// <param name="target">Clean tokens, [n, d].</param>
    /// <param name="condition">[n, H].</param>
    /// <param name="noise">Source of ε and the step.</param>
    /// <param name="mask">[n] weights; null = plain mean.</param>
    public override TokenLoss Loss(Tensor target, Tensor condition, NoiseSource noise, Tensor? mask = null)
    {
        using DisposeScope scope = NewDisposeScope();
        int count = _config.TrainingSteps;
        Tensor epsilon = noise.Normal(target.shape).to(target.dtype, target.device);
        Tensor step = noise.Uniform(target.size(0)).Times(count).floor().clamp_max(Scalars.Of(count - 1)).to_type(ScalarType.Int64);
        Tensor Of(Func<int, double> number) =>
            tensor([.. Enumerable.Range(0, count).Select(i => (float)number(i))]).index_select(0, step).to(target.device).unsqueeze(1);
        Tensor kept = Of(i => _schedule.Kept[i]);
        Tensor noisy = target.mul(kept.sqrt().to_type(target.dtype)).Plus(epsilon.mul(kept.neg().Plus(1).sqrt().to_type(target.dtype)));
        Tensor[] parts = net.forward(noisy, step.to(target.dtype, target.device), condition).to_type(ScalarType.Float32).chunk(2, -1);
        Tensor error = parts[0].sub(epsilon.to_type(ScalarType.Float32));

        // Both means are linear in x_i and the noise, so they differ by β/(√(1 − β)·√(1 − ᾱ))·(ε_θ − ε).
        Tensor apart = error.detach().mul(Of(i => _schedule.Beta[i] / Math.Sqrt((1 - _schedule.Beta[i]) * (1 - _schedule.Kept[i])))).Squared();
        Tensor low = Of(i => _schedule.LogVariances(i).Low), variance = Interpolated(parts[1], low, Of(i => _schedule.LogVariances(i).High));
        Tensor scaled = apart.mul(variance.neg().exp());
        Tensor divergence = variance.sub(low).Minus(1).Plus(low.sub(variance).exp()).Plus(scaled).Times(0.5);
        Tensor likelihood = variance.Plus(Math.Log(2 * Math.PI)).Plus(scaled).Times(0.5);
        Tensor bound = where(step.to(target.device).eq(Scalars.Of(0)).unsqueeze(1), likelihood, divergence).Over(Math.Log(2));
        Tensor times = step.to_type(ScalarType.Float32).Plus(0.5).Over((double)-count).Plus(1).to(target.device);
        return TokenLoss.Of(error.Squared().Plus(bound).mean([-1]), times, mask).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override TokenHeadSampler Sampler(FlowSamplerOptions options) => _config.Problem(options) is { } problem
        ? throw new ArgumentException($"sampling.steps: {problem}.", nameof(options))
        : new DiffusionSampler(net, _schedule.Respaced(options.Steps), _config.ClipDenoised);

    /// <summary>log σ² between its two ends, v = (output + 1)/2 of the way up (Nichol and Dhariwal 2021, eq. 15).</summary>
    internal static Tensor Interpolated(Tensor output, Tensor low, Tensor high) => low.Plus(output.Plus(1).Over(2).mul(high.sub(low)));
}
