namespace NextStep.Research;

/// <summary>How <see cref="PostMethod.Grpo"/> draws: without guidance, since it learns what the model alone draws, by a stochastic solver, and the same number of steps for every token.</summary>
internal static class PolicySampling
{
    /// <summary>The sampling of a policy: the configured solver where a step of it draws noise, else <see cref="SamplingSolver.Cps"/>.</summary>
    public static SamplingConfig Of(SamplingConfig sampling)
    {
        SamplingConfig policy = sampling with { Guidance = 1, ImageGuidance = 1, StepSchedule = null, FinalSteps = null, HeadPrecision = null };
        return Options(policy) is { } own && own.Solver.Build(own) is FlowSolver solver && Stochastic(solver).Length > 0 ? policy : policy with { Solver = SamplingSolver.Cps };
    }

    /// <summary>The solver that such a sampling draws by.</summary>
    /// <exception cref="NotSupportedException">None of its steps is stochastic.</exception>
    public static FlowSolver Solver(SamplingConfig policy)
    {
        FlowSolver solver = new(Options(policy));
        return Stochastic(solver).Length > 0 ? solver
            : throw new NotSupportedException($"training.post.method: grpo learns from stochastic steps, and {policy.Steps} steps at sampling.noiseLevel {policy.NoiseLevel} have none; raise sampling.steps to 2 or more and the level above 0.");
    }

    /// <summary>The steps that draw noise.</summary>
    public static int[] Stochastic(FlowSolver solver) => [.. Enumerable.Range(0, solver.Count).Where(i => solver.At(i).Noise > 0)];

    private static FlowSamplerOptions Options(SamplingConfig sampling) =>
        new() { Solver = sampling.Solver, Steps = sampling.Steps, TimestepShift = sampling.TimestepShift, NoiseLevel = sampling.NoiseLevel };
}
