/// <summary>The midpoint rule: half a step by the velocity at its beginning, the whole step by that in its middle. Two evaluations a step, of second order.</summary>
public sealed record MidpointSolver : SamplingSolver
{
    public override SolverSteps Build(FlowSamplerOptions options) => new Midpoint(options);

    private sealed class Midpoint(FlowSamplerOptions options) : SolverSteps
    {
        private readonly float[] _grid = TimestepSchedule.Grid(options.Steps, options.TimestepShift);

        public override int Count => options.Steps;

        public override IReadOnlyList<float> Times { get; } = Halves(TimestepSchedule.Grid(options.Steps, options.TimestepShift));

        public override Tensor Step(Tensor x, int step, Func<Tensor, int, Tensor> velocity, Func<Tensor> draw)
        {
            double whole = _grid[step + 1] - _grid[step];
            Tensor middle = x.Plus(velocity(x, 2 * step).Times(whole / 2));
            return x.Plus(velocity(middle, (2 * step) + 1).Times(whole));
        }

        private static float[] Halves(float[] grid) => [.. Enumerable.Range(0, grid.Length - 1).SelectMany(i => new[] { grid[i], (grid[i] + grid[i + 1]) / 2 })];
    }
}
