namespace NextStep.Research;

/// <summary>How the flow head integrates from noise (t = 0) to a token (t = 1).</summary>
public enum Solver
{
    /// <summary>Euler on the probability-flow equation.</summary>
    Ode,

    /// <summary>Stochastic, with noise level η (spec §3.5c, "sde").</summary>
    Sde,

    /// <summary>Coefficient-preserving stochastic sampling (spec §3.5c, "cps").</summary>
    Cps,

    /// <summary>The first release's sampler, quirks included (spec §3.4); for parity.</summary>
    Reference,

    /// <summary>The sampler of the code inside the released model folders: the reference's stochastic rule in every step, the last included, over the whole of time (spec §3.5b).</summary>
    Released,
}
