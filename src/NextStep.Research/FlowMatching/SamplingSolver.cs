using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The <c>sampling.solver</c> node: how a head with a velocity integrates from noise (t = 0) to a token (t = 1). A solver of one's own is a
/// record that derives from this; its name in files is that of its type in kebab-case without <c>Solver</c>.
/// </summary>
public abstract record SamplingSolver : ComponentConfig
{
    /// <summary>Euler on the probability-flow equation.</summary>
    public static SamplingSolver Ode { get; } = new OdeSolver();

    /// <summary>Stochastic, with noise level η (spec §3.5c, "sde").</summary>
    public static SamplingSolver Sde { get; } = new SdeSolver();

    /// <summary>Coefficient-preserving stochastic sampling (spec §3.5c, "cps").</summary>
    public static SamplingSolver Cps { get; } = new CpsSolver();

    /// <summary>The first release's sampler, quirks included (spec §3.4); for parity.</summary>
    public static SamplingSolver Reference { get; } = new ReferenceSolver();

    /// <summary>The sampler of the code inside the released model folders: the reference's stochastic rule in every step, the last included, over the whole of time (spec §3.5b).</summary>
    public static SamplingSolver Released { get; } = new ReleasedSolver();

    /// <summary>Heun's method: two evaluations a step, of second order.</summary>
    public static SamplingSolver Heun { get; } = new HeunSolver();

    /// <summary>Lays out the steps of one schedule.</summary>
    public abstract SolverSteps Build(FlowSamplerOptions options);
}

/// <summary>The steps of a solver over one schedule: the mathematics of a sampler, for any velocity.</summary>
public abstract class SolverSteps
{
    /// <summary>Steps N.</summary>
    public abstract int Count { get; }

    /// <summary>Every time at which a velocity is asked for, in the order in which it is, 0 = noise, 1 = token. Fixed in advance, so that what depends on time alone is computed once.</summary>
    public abstract IReadOnlyList<float> Times { get; }

    /// <summary>The state after a step.</summary>
    /// <param name="x">State [m, d] float32; noise at the first step.</param>
    /// <param name="step">0 … N − 1.</param>
    /// <param name="velocity">The guided velocity [m, d] float32 at a state and at <c>Times[index]</c>.</param>
    /// <param name="draw">Standard normal noise of the state's shape.</param>
    public abstract Tensor Step(Tensor x, int step, Func<Tensor, int, Tensor> velocity, Func<Tensor> draw);
}

/// <summary><see cref="SamplingSolver.Ode"/>.</summary>
public sealed record OdeSolver : SamplingSolver
{
    /// <inheritdoc/>
    public override SolverSteps Build(FlowSamplerOptions options) => new FlowSolver(options);
}

/// <summary><see cref="SamplingSolver.Sde"/>.</summary>
public sealed record SdeSolver : SamplingSolver
{
    /// <inheritdoc/>
    public override SolverSteps Build(FlowSamplerOptions options) => new FlowSolver(options);
}

/// <summary><see cref="SamplingSolver.Cps"/>.</summary>
public sealed record CpsSolver : SamplingSolver
{
    /// <inheritdoc/>
    public override SolverSteps Build(FlowSamplerOptions options) => new FlowSolver(options);
}

/// <summary>As <see cref="SamplingSolver.Cps"/>, with noise in the last step too, so that every step is a Gaussian, as a draft needs (<see cref="SpeculativeDraft"/>).</summary>
public sealed record NoisyCpsSolver : SamplingSolver
{
    /// <summary>Deviation of the noise that the last step adds to the token.</summary>
    [System.ComponentModel.DataAnnotations.Range(1e-6, 1.0)]
    public double LastNoise { get; init; } = 0.05;

    /// <inheritdoc/>
    public override SolverSteps Build(FlowSamplerOptions options) => new FlowSolver(options);
}

/// <summary><see cref="SamplingSolver.Reference"/>.</summary>
public sealed record ReferenceSolver : SamplingSolver
{
    /// <inheritdoc/>
    public override SolverSteps Build(FlowSamplerOptions options) => new FlowSolver(options);
}

/// <summary><see cref="SamplingSolver.Released"/>.</summary>
public sealed record ReleasedSolver : SamplingSolver
{
    /// <inheritdoc/>
    public override SolverSteps Build(FlowSamplerOptions options) => new FlowSolver(options);
}

/// <summary><see cref="SamplingSolver.Heun"/>.</summary>
public sealed record HeunSolver : SamplingSolver
{
    /// <inheritdoc/>
    public override SolverSteps Build(FlowSamplerOptions options) => new HeunSteps(options);
}
