using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Draws tokens by going back through a diffusion: x̂ = (x_i − √(1 − ᾱ_i)·ε_θ)/√ᾱ_i, kept within its bound, and x_(i−1) = (√ᾱ_(i−1)·β_i·x̂ +
/// √(1 − β_i)·(1 − ᾱ_(i−1))·x_i)/(1 − ᾱ_i) + σ_i·ξ with the learned σ_i, without noise in the last step (Ho et al. 2020, eq. 7; Nichol and Dhariwal 2021).
/// </summary>
internal sealed class DiffusionSampler : TokenHeadSampler
{
    private readonly FlowHeadNetwork _network;
    private readonly DiffusionSchedule _schedule;
    private readonly double _bound;
    private readonly Tensor _timeEmbeddings;

    public DiffusionSampler(FlowHeadNetwork network, DiffusionSchedule schedule, double bound)
    {
        (_network, _schedule, _bound) = (network, schedule, bound);
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Parameter weight = network.parameters().First();
        _timeEmbeddings = network.EmbedTimes(tensor([.. schedule.Steps.Select(s => (float)s)]).to(weight.dtype, weight.device)).DetachFromDisposeScope();
    }

    public override int Evaluations => _schedule.Steps.Count;

    // Draws: the first state, then the noise of every step but the last, each [m, d].
    public override Tensor Sample(Tensor conditions, Guidance guidance, NoiseSource noise, Action<Tensor>? onStep = null)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int branches = (int)guidance.Branches;
        Tensor embedded = _network.EmbedConditions(conditions.to(_timeEmbeddings.dtype, _timeEmbeddings.device));
        long pictures = embedded.size(0) / branches, width = _network.Config.TokenWidth;
        Tensor state = noise.Normal(pictures, width).to(_timeEmbeddings.device);
        for (int i = _schedule.Steps.Count - 1; i >= 0; i--)
        {
            using DisposeScope step = NewDisposeScope();
            FlowModulations modulations = _network.InferredModulations(_timeEmbeddings.narrow(0, i, 1).Plus(embedded));
            Tensor input = state.to_type(_timeEmbeddings.dtype);
            Tensor output = _network.Velocity(branches == 1 ? input : input.repeat(branches, 1), modulations).to_type(ScalarType.Float32);
            Tensor epsilon = guidance.Combine(output.narrow(1, 0, width)), range = output.narrow(0, 0, pictures).narrow(1, width, width);
            state = Back(_schedule, _bound, state, epsilon, range, i, noise).MoveToOuterDisposeScope();
            onStep?.Invoke(state);
        }
        return state.MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        _timeEmbeddings.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>x_(i−1), [m, d], of x_i, the noise and the place in the variance's range that were predicted there, and fresh noise.</summary>
    internal static Tensor Back(DiffusionSchedule schedule, double bound, Tensor state, Tensor epsilon, Tensor range, int step, NoiseSource noise)
    {
        double kept = schedule.Kept[step], before = step == 0 ? 1 : schedule.Kept[step - 1], beta = schedule.Beta[step];
        Tensor token = state.sub(epsilon.Times(Math.Sqrt(1 - kept))).Over(Math.Sqrt(kept));
        token = bound > 0 ? token.clamp(Scalars.Of(-bound), Scalars.Of(bound)) : token;
        if (step == 0)
        {
            return token;
        }
        Tensor mean = token.Times(Math.Sqrt(before) * beta / (1 - kept)).Plus(state.Times(Math.Sqrt(1 - beta) * (1 - before) / (1 - kept)));
        (double low, double high) = schedule.LogVariances(step);
        Tensor deviation = range.Plus(1).Times((high - low) / 4).Plus(low / 2).exp();
        return mean.Plus(deviation.mul(noise.Normal(state.shape).to(state.device)));
    }
}
