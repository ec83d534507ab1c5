using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The samplers of one picture's tokens: one for all, or, with <see cref="SamplingConfig.FinalSteps"/>, fewer steps towards the end of
/// the raster order, where a token is nearly decided by those before it (spec §10.3, DiSA).
/// </summary>
internal sealed class FlowSamplers : IDisposable
{
    private readonly FlowHeadNetwork _network;
    private readonly FlowHeadNetwork? _copy;
    private readonly SamplingConfig _sampling;
    private readonly int _count;
    private readonly int? _noiseRepeat;
    private readonly Dictionary<int, FlowSampler> _bySteps = [];

    /// <summary>For pictures of <paramref name="count"/> tokens; <paramref name="noiseRepeat"/> as in <see cref="FlowSamplerOptions"/>.</summary>
    public FlowSamplers(FlowHeadNetwork network, SamplingConfig sampling, int count, int? noiseRepeat)
    {
        (_sampling, _count, _noiseRepeat) = (sampling, count, noiseRepeat);
        Parameter first = network.parameters().First();
        if (sampling.HeadPrecision?.ToScalarType() is { } dtype && dtype != first.dtype)
        {
            _copy = new FlowHeadNetwork(network.Config, META, dtype); // draws no first weights
            foreach ((Parameter theirs, Parameter ours) in network.parameters().Zip(_copy.parameters()))
            {
                using Tensor rounded = theirs.detach().to(dtype);
                TensorMemory.Assign(ours, rounded);
            }
        }
        _network = _copy ?? network;
    }

    /// <summary>The sampler of token <paramref name="index"/>.</summary>
    public FlowSampler At(int index)
    {
        int steps = Steps(_sampling, index, _count);
        if (!_bySteps.TryGetValue(steps, out FlowSampler? sampler))
        {
            _bySteps[steps] = sampler = new FlowSampler(_network, new FlowSamplerOptions
            {
                Solver = _sampling.Solver,
                Steps = steps,
                TimestepShift = _sampling.TimestepShift,
                NoiseLevel = _sampling.NoiseLevel,
                NoiseRepeat = _noiseRepeat,
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
        _copy?.Dispose();
    }
}
