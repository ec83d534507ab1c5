using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The samplers of one picture's tokens: one for all, or, with <see cref="SamplingConfig.FinalSteps"/>, fewer steps towards the end of
/// the raster order, where a token is nearly decided by those before it (spec §10.3, DiSA).
/// </summary>
internal sealed class TokenHeadSamplers : IDisposable
{
    private readonly TokenHead _head;
    private readonly TokenHead? _copy;
    private readonly SamplingConfig _sampling;
    private readonly int _count;
    private readonly int? _noiseRepeat;
    private readonly Dictionary<int, TokenHeadSampler> _bySteps = [];

    /// <summary>For pictures of <paramref name="count"/> tokens; <paramref name="noiseRepeat"/> as in <see cref="FlowSamplerOptions"/>.</summary>
    public TokenHeadSamplers(NextStepModel model, SamplingConfig sampling, int count, int? noiseRepeat)
    {
        (_sampling, _count, _noiseRepeat) = (sampling, count, noiseRepeat);
        Parameter first = model.Head.parameters().First();
        if (sampling.HeadPrecision?.ToScalarType() is { } dtype && dtype != first.dtype)
        {
            using GlobalGenerator untouched = GlobalGenerator.Keep(); // the first weights that it draws are not kept
            _copy = model.Config.BuildHead(first.device, dtype);
            _copy.eval();
            foreach ((Parameter theirs, Parameter ours) in model.Head.parameters().Zip(_copy.parameters()))
            {
                using var scope = NewDisposeScope();
                TensorMemory.Assign(ours, theirs.detach().to(dtype));
            }
        }
        _head = _copy ?? model.Head;
    }

    /// <summary>The sampler of token <paramref name="index"/>.</summary>
    public TokenHeadSampler At(int index)
    {
        int steps = Steps(_sampling, index, _count);
        if (!_bySteps.TryGetValue(steps, out TokenHeadSampler? sampler))
        {
            _bySteps[steps] = sampler = _head.Sampler(new FlowSamplerOptions
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

    /// <summary>Steps of token <paramref name="index"/> of <paramref name="count"/>, as the schedule says.</summary>
    public static int Steps(SamplingConfig sampling, int index, int count) =>
        Math.Max(1, (sampling.StepSchedule ?? new LinearSteps { Final = sampling.FinalSteps }).At(sampling.Steps, index, count));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (TokenHeadSampler sampler in _bySteps.Values)
        {
            sampler.Dispose();
        }
        _copy?.Dispose();
    }
}
