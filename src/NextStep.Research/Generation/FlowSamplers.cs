namespace NextStep.Research;

/// <summary>
/// The samplers of one picture's tokens: one for all, or, with <see cref="SamplingConfig.FinalSteps"/>, fewer steps towards the end of
/// the raster order, where a token is nearly decided by those before it (spec §10.3, DiSA).
/// </summary>
internal sealed class FlowSamplers(FlowHeadNetwork network, SamplingConfig sampling, int count, int? noiseRepeat) : IDisposable
{
    private readonly Dictionary<int, FlowSampler> _bySteps = [];

    /// <summary>The sampler of token <paramref name="index"/>.</summary>
    public FlowSampler At(int index)
    {
        int steps = Steps(sampling, index, count);
        if (!_bySteps.TryGetValue(steps, out FlowSampler? sampler))
        {
            _bySteps[steps] = sampler = new FlowSampler(network, new FlowSamplerOptions
            {
                Solver = sampling.Solver,
                Steps = steps,
                TimestepShift = sampling.TimestepShift,
                NoiseLevel = sampling.NoiseLevel,
                NoiseRepeat = noiseRepeat,
            });
        }
        return sampler;
    }

    /// <summary>Steps of token <paramref name="index"/> of <paramref name="count"/>: linear from the first token's to the last one's, rounded.</summary>
    public static int Steps(SamplingConfig sampling, int index, int count) =>
        sampling.FinalSteps is not { } final || count == 1
            ? sampling.Steps
            : (int)Math.Round(sampling.Steps + ((final - sampling.Steps) * (double)index / (count - 1)), MidpointRounding.AwayFromZero);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (FlowSampler sampler in _bySteps.Values)
        {
            sampler.Dispose();
        }
    }
}
