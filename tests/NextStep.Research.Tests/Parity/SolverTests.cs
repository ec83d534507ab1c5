using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Solvers on velocities whose answer is known in closed form.</summary>
public sealed class SolverTests : IDisposable
{
    private const int Samples = 40_000;
    private readonly IDisposable _guard = no_grad();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _guard.Dispose();
    }

    [Theory]
    [InlineData(1, 1.0)]
    [InlineData(2, 3.2)]
    [InlineData(50, 1.0)]
    public void Ode_reaches_a_point_mass_exactly_in_any_number_of_steps(int steps, double shift)
    {
        Tensor point = TinyModels.Normal("point", 3, 4);
        Tensor end = Run(new FlowSamplerOptions { Solver = Solver.Ode, Steps = steps, TimestepShift = shift }, TinyModels.Normal("start", 3, 4), (x, t) => (point - x) / (1 - t));
        Assert.InRange(TinyModels.Distance(point, end), 0, 1e-5);
    }

    [Theory]
    [InlineData(Solver.Ode, 1.0)]
    [InlineData(Solver.Ode, 3.2)]
    [InlineData(Solver.Sde, 1.0)]
    [InlineData(Solver.Sde, 3.2)]
    [InlineData(Solver.Reference, 1.0)]
    [InlineData(Solver.Released, 1.0)]
    [InlineData(Solver.Released, 3.2)]
    public void Gaussian_data_come_out_with_their_mean_and_deviation(Solver kind, double shift)
    {
        const double Mean = 0.7, Deviation = 0.5;
        Tensor end = Run(new FlowSamplerOptions { Solver = kind, Steps = 400, TimestepShift = shift }, TinyModels.Normal("start", Samples, 1), Velocity(Mean, Deviation));
        Assert.Equal(Mean, end.mean().item<float>(), 0.02);
        Assert.Equal(Deviation, end.std().item<float>(), 0.02);
    }

    // With a point mass the coefficients are preserved exactly: at every time the state is t·x₁ plus noise of deviation 1 − t.
    [Theory]
    [InlineData(5)]
    [InlineData(30)]
    public void Cps_keeps_the_noise_at_one_minus_t(int steps)
    {
        const float Point = 1.5f;
        FlowSolver solver = new(new FlowSamplerOptions { Solver = Solver.Cps, Steps = steps });
        using DrawnNoise noise = new(4, "steps");
        Tensor x = noise.Normal(Samples, 1);
        for (int i = 0; i < steps; i++)
        {
            float t = solver.Times[i];
            Assert.Equal(t * Point, x.mean().item<float>(), 0.02);
            Assert.Equal(1 - t, x.std().item<float>(), 0.02);
            x = solver.Step(x, (Point - x) / (1 - t), i, () => noise.Normal(Samples, 1));
        }
        Assert.InRange(x.sub(Point).abs().max().item<float>(), 0, 1e-5);
    }

    [Theory]
    [InlineData(Solver.Sde)]
    [InlineData(Solver.Cps)]
    public void Without_noise_the_stochastic_solvers_are_the_ode(Solver kind)
    {
        Tensor start = TinyModels.Normal("start", 50, 1);
        FlowSamplerOptions options = new() { Solver = kind, Steps = 9, TimestepShift = 2, NoiseLevel = 0 };
        Tensor quiet = Run(options, start, Velocity(0.7, 0.5));
        Assert.InRange(TinyModels.Distance(Run(options with { Solver = Solver.Ode }, start, Velocity(0.7, 0.5)), quiet), 0, 1e-5);
    }

    // Spec §3.4: a shift other than 1 moves the last grid point but not the last step, so the reference stops short of t = 1.
    [Fact]
    public void The_reference_takes_its_last_step_from_the_shifted_grid()
    {
        FlowSolver solver = new(new FlowSamplerOptions { Solver = Solver.Reference, Steps = 5, TimestepShift = 3.2 });
        Tensor x = TinyModels.Normal("x", 2, 3), v = TinyModels.Normal("v", 2, 3);
        Tensor end = solver.Step(x, v, 4, () => throw new InvalidOperationException("the last step draws nothing"));
        Assert.InRange(TinyModels.Distance(x + (v * 0.04f), end), 0, 1e-6);
    }

    // Spec §3.5b: noise in every step, so that with a point mass the last one leaves √(2(1 − t)Δ) of it.
    [Fact]
    public void The_released_sampler_is_stochastic_to_the_end()
    {
        FlowSolver solver = new(new FlowSamplerOptions { Solver = Solver.Released, Steps = 4 });
        Assert.Equal([0, 0.25f, 0.5f, 0.75f], solver.Times);
        Tensor x = TinyModels.Normal("x", 2, 3), v = TinyModels.Normal("v", 2, 3), drawn = TinyModels.Normal("drawn", 2, 3);
        for (int i = 0; i < 4; i++)
        {
            float t = solver.Times[i];
            Tensor expected = x + ((((1 + t) * v) - x) * 0.25f) + (drawn * MathF.Sqrt(2 * (1 - t) * 0.25f));
            Assert.InRange(TinyModels.Distance(expected, solver.Step(x, v, i, () => drawn.clone())), 0, 1e-6);
        }
    }

    [Fact]
    public void Grids_have_their_golden_values()
    {
        Near([0, .24, .48, .72, .96], TimestepSchedule.ReferenceGrid(5, 1));
        Near([0, .08982, .223881, .445545, .882353], TimestepSchedule.ReferenceGrid(5, 3.2));
        Near([0, .2, .4, .6, .8, 1], TimestepSchedule.Grid(5, 1));
        Near([0, .072464, .172414, .319149, .555556, 1], TimestepSchedule.Grid(5, 3.2));
        Near([0, 1], TimestepSchedule.Grid(1, 7));
        Assert.Throws<ArgumentOutOfRangeException>(() => TimestepSchedule.ReferenceGrid(1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => TimestepSchedule.Grid(0, 1));
    }

    private static void Near(double[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, 1e-6));
    }

    // The exact velocity for data N(μ, s²) (spec, appendix A).
    private static Func<Tensor, float, Tensor> Velocity(double mean, double deviation) => (x, t) =>
    {
        double variance = (t * t * deviation * deviation) + ((1 - t) * (1 - t));
        return ((x - (float)(t * mean)) * (float)(((t * deviation * deviation) - (1 - t)) / variance)) + (float)mean;
    };

    private static Tensor Run(FlowSamplerOptions options, Tensor start, Func<Tensor, float, Tensor> velocity)
    {
        FlowSolver solver = new(options);
        using DrawnNoise noise = new(4, "steps");
        Tensor x = start;
        for (int i = 0; i < options.Steps; i++)
        {
            using DisposeScope step = NewDisposeScope();
            x = solver.Step(x, velocity(x, solver.Times[i]), i, () => noise.Normal(start.shape)).MoveToOuterDisposeScope();
        }
        return x;
    }
}
