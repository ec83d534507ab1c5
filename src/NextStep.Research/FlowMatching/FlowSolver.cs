using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>One update rule and its times: the mathematics of a sampler, for any velocity (spec §3.4, §3.5).</summary>
public sealed class FlowSolver
{
    private readonly FlowSamplerOptions _options;
    private readonly float[] _times;

    /// <summary>Prepares the schedule.</summary>
    public FlowSolver(FlowSamplerOptions options)
    {
        _options = options;
        _times = options.Solver == Solver.Reference
            ? TimestepSchedule.ReferenceGrid(options.Steps, options.TimestepShift, options.LastStep)
            : TimestepSchedule.Grid(options.Steps, options.TimestepShift);
    }

    /// <summary>The N times at which the velocity is evaluated.</summary>
    public IReadOnlyList<float> Times => _times[.._options.Steps];

    /// <summary>The state after step <paramref name="index"/>.</summary>
    /// <param name="x">State [m, d] float32 at <c>Times[index]</c>; noise at the first.</param>
    /// <param name="velocity">[m, d] float32 there.</param>
    /// <param name="index">0 … N − 1.</param>
    /// <param name="draw">Standard normal noise of the state's shape; called at most once.</param>
    public Tensor Step(Tensor x, Tensor velocity, int index, Func<Tensor> draw)
    {
        using DisposeScope scope = NewDisposeScope();
        return (_options.Solver == Solver.Reference ? ReferenceStep(x, velocity, index, draw) : GridStep(x, velocity, index, draw)).MoveToOuterDisposeScope();
    }

    private Tensor GridStep(Tensor x, Tensor velocity, int index, Func<Tensor> draw)
    {
        double t = _times[index], next = _times[index + 1], delta = next - t, eta = _options.NoiseLevel;
        Tensor noiseEstimate = x - (velocity * (float)t);
        Tensor dataEstimate = x + (velocity * (float)(1 - t));
        switch (_options.Solver)
        {
            case Solver.Sde:
                // σ̃ = 1 − t₁ replaces σ = 1, where 1/(1 − σ) is infinite (Flow-GRPO; the same number as spec §3.5c for s = 1).
                double sigma = 1 - t, substitute = sigma >= 1 ? 1 - _times[1] : sigma;
                double strength = eta * Math.Sqrt(sigma / (1 - substitute));
                return (noiseEstimate * (float)(1 - next - (strength * strength * delta / (2 * sigma))))
                    + (dataEstimate * (float)next) + (draw() * (float)(strength * Math.Sqrt(delta)));
            case Solver.Cps:
                double injected = (1 - next) * Math.Sin(eta * Math.PI / 2);
                Tensor kept = (noiseEstimate * (float)Math.Sqrt(Math.Max(0, ((1 - next) * (1 - next)) - (injected * injected)))) + (dataEstimate * (float)next);
                return injected == 0 ? kept : kept + (draw() * (float)injected);
            default:
                return (noiseEstimate * (float)(1 - next)) + (dataEstimate * (float)next);
        }
    }

    /// <summary>∇ log p_t(x) = (t·v − x)/((1 − t)² + t(1 − t)), from the velocity v at x (spec §3.4). t is broadcast over x.</summary>
    public static Tensor Score(Tensor x, Tensor velocity, Tensor t)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor rest = t.neg().add(1);
        return velocity.mul(t).sub(x).div(rest.square().add(rest.mul(t))).MoveToOuterDisposeScope();
    }

    // Spec §3.4: drift v + (1 − t)·score = (1 + t)·v − x, noise √(2(1 − t)Δ); the last step is Euler over δ.
    private Tensor ReferenceStep(Tensor x, Tensor velocity, int index, Func<Tensor> draw)
    {
        if (index == _options.Steps - 1)
        {
            return x + (velocity * _options.LastStep);
        }
        double t = _times[index], delta = _times[index + 1] - t;
        Tensor drift = (velocity * (float)(1 + t)) - x;
        return x + (drift * (float)delta) + (draw() * (float)Math.Sqrt(2 * (1 - t) * delta));
    }
}
