using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>One step: x ← State·x + Velocity·v + Noise·ξ; no draw where Noise is null.</summary>
public readonly record struct FlowStep(float State, float Velocity, float? Noise);

/// <summary>
/// The update rules with one evaluation a step, each linear in state, velocity and noise: <see cref="SamplingSolver.Ode"/>, <see cref="SamplingSolver.Sde"/>,
/// <see cref="SamplingSolver.Cps"/>, <see cref="SamplingSolver.Reference"/>, <see cref="SamplingSolver.Released"/> (spec §3.4, §3.5).
/// </summary>
public sealed class FlowSolver : SolverSteps
{
    private readonly FlowSamplerOptions _options;
    private readonly float[] _times;
    private readonly FlowStep[] _steps;

    /// <summary>Prepares the schedule.</summary>
    public FlowSolver(FlowSamplerOptions options)
    {
        _options = options;
        _times = options.Solver is ReferenceSolver
            ? TimestepSchedule.ReferenceGrid(options.Steps, options.TimestepShift, options.LastStep)
            : TimestepSchedule.Grid(options.Steps, options.TimestepShift);
        _steps = [.. Enumerable.Range(0, options.Steps).Select(i => options.Solver is ReferenceSolver ? ReferenceStep(i) : GridStep(i))];
    }

    /// <inheritdoc/>
    public override int Count => _options.Steps;

    /// <summary>The N times at which the velocity is evaluated.</summary>
    public override IReadOnlyList<float> Times => _times[.._options.Steps];

    /// <summary>Step <paramref name="index"/> as weights: every rule is linear in state, velocity and noise.</summary>
    public FlowStep At(int index) => _steps[index];

    /// <summary>The state after step <paramref name="index"/>.</summary>
    /// <param name="x">State [m, d] float32 at <c>Times[index]</c>; noise at the first.</param>
    /// <param name="velocity">[m, d] float32 there.</param>
    /// <param name="index">0 … N − 1.</param>
    /// <param name="draw">Standard normal noise of the state's shape; called at most once.</param>
    public Tensor Step(Tensor x, Tensor velocity, int index, Func<Tensor> draw)
    {
        using DisposeScope scope = NewDisposeScope();
        FlowStep step = _steps[index];
        Tensor next = x.Times(step.State).PlusInPlace(velocity.Times(step.Velocity));
        return (step.Noise is { } weight ? next.PlusInPlace(draw().Times(weight)) : next).MoveToOuterDisposeScope();
    }

    /// <summary>What stochastic steps draw from, each row by a step of its own: the mean [n, d], as <see cref="Step(Tensor, Tensor, int, Func{Tensor})"/> has it before its noise, and the standard deviation [n, 1].</summary>
    /// <param name="x">States [n, d] float32 at the steps' times.</param>
    /// <param name="velocity">[n, d] float32 there.</param>
    /// <param name="steps">int64 [n].</param>
    internal (Tensor Mean, Tensor Deviation) Gaussian(Tensor x, Tensor velocity, Tensor steps)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor state = Weight(s => s.State), velocities = Weight(s => s.Velocity), noise = Weight(s => s.Noise ?? 0);
        return (x.mul(state).Plus(velocity.mul(velocities)).MoveToOuterDisposeScope(), noise.MoveToOuterDisposeScope());

        Tensor Weight(Func<FlowStep, float> of) => tensor([.. _steps.Select(of)]).to(x.device).index_select(0, steps).unsqueeze(1);
    }

    /// <inheritdoc/>
    public override Tensor Step(Tensor x, int step, Func<Tensor, int, Tensor> velocity, Func<Tensor> draw) => Step(x, velocity(x, step), step, draw);

    private FlowStep GridStep(int index)
    {
        double t = _times[index], next = _times[index + 1], delta = next - t, eta = _options.NoiseLevel;
        switch (_options.Solver)
        {
            case SdeSolver:
                // σ̃ = 1 − t₁ replaces σ = 1, where 1/(1 − σ) is infinite (Flow-GRPO; the same number as spec §3.5c for s = 1).
                double sigma = 1 - t, substitute = sigma >= 1 ? 1 - _times[1] : sigma;
                double strength = eta * Math.Sqrt(sigma / (1 - substitute));
                return Mix(t, 1 - next - (strength * strength * delta / (2 * sigma)), next, strength * Math.Sqrt(delta));
            case NoisyCpsSolver noisy when index == _options.Steps - 1:
                return Mix(t, 0, next, noisy.LastNoise);
            case CpsSolver or NoisyCpsSolver:
                double injected = (1 - next) * Math.Sin(eta * Math.PI / 2);
                return Mix(t, Math.Sqrt(Math.Max(0, ((1 - next) * (1 - next)) - (injected * injected))), next, injected == 0 ? null : injected);
            case ReleasedSolver:
                return ReverseTime(t, delta);
            default:
                return Mix(t, 1 - next, next, null);
        }
    }

    // a·(x − t·v) + b·(x + (1 − t)·v) + c·ξ: weights of the noise estimate, of the data estimate, of fresh noise.
    private static FlowStep Mix(double t, double noiseEstimate, double dataEstimate, double? noise) =>
        new((float)(noiseEstimate + dataEstimate), (float)((dataEstimate * (1 - t)) - (noiseEstimate * t)), (float?)noise);

    /// <summary>∇ log p_t(x) = (t·v − x)/((1 − t)² + t(1 − t)), from the velocity v at x (spec §3.4). t is broadcast over x.</summary>
    public static Tensor Score(Tensor x, Tensor velocity, Tensor t)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor rest = t.neg().Plus(1);
        return velocity.mul(t).sub(x).div(rest.Squared().Plus(rest.mul(t))).MoveToOuterDisposeScope();
    }

    // Spec §3.4: the last step is Euler over δ.
    private FlowStep ReferenceStep(int index) =>
        index == _options.Steps - 1 ? new FlowStep(1, _options.LastStep, null) : ReverseTime(_times[index], _times[index + 1] - (double)_times[index]);

    // Spec §3.4: drift v + (1 − t)·score = (1 + t)·v − x, noise √(2(1 − t)Δ).
    private static FlowStep ReverseTime(double t, double delta) =>
        new((float)(1 - delta), (float)((1 + t) * delta), (float)Math.Sqrt(2 * (1 - t) * delta));
}
