using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Heun's method on the probability-flow equation: an Euler step, then the mean of the velocities at both ends. The last step is Euler's, as
/// in Karras et al. 2022, so that N steps take 2N − 1 evaluations and the velocity is never asked for at t = 1.
/// </summary>
internal sealed class HeunSteps(FlowSamplerOptions options) : SolverSteps
{
    private readonly float[] _grid = TimestepSchedule.Grid(options.Steps, options.TimestepShift);

    public override int Count => options.Steps;

    public override IReadOnlyList<float> Times { get; } =
        [.. TimestepSchedule.Grid(options.Steps, options.TimestepShift).SkipLast(1).SelectMany((t, i) => i == 0 ? new[] { t } : [t, t])];

    public override Tensor Step(Tensor x, int step, Func<Tensor, int, Tensor> velocity, Func<Tensor> draw)
    {
        using DisposeScope scope = NewDisposeScope();
        float delta = _grid[step + 1] - _grid[step];
        Tensor first = velocity(x, 2 * step), euler = x.Plus(first.Times(delta));
        return (step == Count - 1 ? euler : x.Plus(first.Plus(velocity(euler, (2 * step) + 1)).Times(delta / 2))).MoveToOuterDisposeScope();
    }
}
