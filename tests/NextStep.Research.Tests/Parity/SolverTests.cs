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
        Tensor end = Run(new FlowSamplerOptions { Solver = SamplingSolver.Ode, Steps = steps, TimestepShift = shift }, TinyModels.Normal("start", 3, 4), (x, t) => (point - x) / (1 - t));
        Assert.InRange(TinyModels.Distance(point, end), 0, 1e-5);
    }

    [Theory]
    [InlineData("ode", 1.0)]
    [InlineData("ode", 3.2)]
    [InlineData("sde", 1.0)]
    [InlineData("sde", 3.2)]
    [InlineData("reference", 1.0)]
    [InlineData("released", 1.0)]
    [InlineData("released", 3.2)]
    public void Gaussian_data_come_out_with_their_mean_and_deviation(string kindName, double shift)
    {
        SamplingSolver kind = (SamplingSolver)ComponentCatalog.Make(typeof(SamplingSolver), kindName);
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
        FlowSolver solver = new(new FlowSamplerOptions { Solver = SamplingSolver.Cps, Steps = steps });
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
    [InlineData("sde")]
    [InlineData("cps")]
    public void Without_noise_the_stochastic_solvers_are_the_ode(string kindName)
    {
        SamplingSolver kind = (SamplingSolver)ComponentCatalog.Make(typeof(SamplingSolver), kindName);
        Tensor start = TinyModels.Normal("start", 50, 1);
        FlowSamplerOptions options = new() { Solver = kind, Steps = 9, TimestepShift = 2, NoiseLevel = 0 };
        Tensor quiet = Run(options, start, Velocity(0.7, 0.5));
        Assert.InRange(TinyModels.Distance(Run(options with { Solver = SamplingSolver.Ode }, start, Velocity(0.7, 0.5)), quiet), 0, 1e-5);
    }

    // Spec §3.4: a shift other than 1 moves the last grid point but not the last step, so the reference stops short of t = 1.
    [Fact]
    public void The_reference_takes_its_last_step_from_the_shifted_grid()
    {
        FlowSolver solver = new(new FlowSamplerOptions { Solver = SamplingSolver.Reference, Steps = 5, TimestepShift = 3.2 });
        Tensor x = TinyModels.Normal("x", 2, 3), v = TinyModels.Normal("v", 2, 3);
        Tensor end = solver.Step(x, v, 4, () => throw new InvalidOperationException("the last step draws nothing"));
        Assert.InRange(TinyModels.Distance(x + (v * 0.04f), end), 0, 1e-6);
    }

    // Spec §3.5b: noise in every step, so that with a point mass the last one leaves √(2(1 − t)Δ) of it.
    [Fact]
    public void The_released_sampler_is_stochastic_to_the_end()
    {
        FlowSolver solver = new(new FlowSamplerOptions { Solver = SamplingSolver.Released, Steps = 4 });
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

    [Fact]
    public void Heun_is_of_second_order_and_its_guided_sampling_is_that_of_its_steps()
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        // dx/dt = −x from 1: x(1) = 1/e.
        double Error(SamplingSolver solver, int steps)
        {
            SolverSteps plan = solver.Build(new FlowSamplerOptions { Solver = solver, Steps = steps });
            Tensor x = ones(1, 1);
            for (int i = 0; i < plan.Count; i++)
            {
                x = plan.Step(x, i, (at, _) => at.neg(), () => throw new InvalidOperationException("draws nothing"));
            }
            return Math.Abs(x.item<float>() - Math.Exp(-1));
        }

        Assert.Equal(2 * 8 - 1, SamplingSolver.Heun.Build(new FlowSamplerOptions { Solver = SamplingSolver.Heun, Steps = 8 }).Times.Count);
        Assert.InRange(Error(SamplingSolver.Ode, 8) / Error(SamplingSolver.Ode, 16), 1.8, 2.3);
        Assert.True(Error(SamplingSolver.Heun, 16) < Error(SamplingSolver.Ode, 32) / 3); // nearly as many evaluations
        using FlowMatchingHead head = new(new FlowHeadConfig { TokenWidth = 4, ConditionWidth = 6, Width = 8, Layers = 2 });
        Initialization.Apply(head, 1);
        foreach (TorchSharp.Modules.Parameter parameter in head.parameters())
        {
            parameter.copy_(TinyModels.Normal("w", parameter.shape).Times(0.3));
        }
        Tensor conditions = TinyModels.Normal("c", 4, 6);
        FlowSamplerOptions options = new() { Solver = SamplingSolver.Heun, Steps = 3, TimestepShift = 2 };
        Guidance guidance = new(GuidanceBranches.Text, 1.7);
        using DrawnNoise first = new(1, "heun"), second = new(1, "heun");
        using TokenHeadSampler sampler = head.Sampler(options);
        Tensor drawn = sampler.Sample(conditions, guidance, first);
        SolverSteps byHand = SamplingSolver.Heun.Build(options);
        Tensor state = second.Normal(2, 4);
        for (int i = 0; i < byHand.Count; i++)
        {
            state = byHand.Step(state, i, (x, index) => guidance.Combine(head.Network.forward(x.repeat(2, 1), tensor(Enumerable.Repeat(byHand.Times[index], 4).ToArray()), conditions)), () => throw new InvalidOperationException("draws nothing"));
        }
        Assert.InRange(TinyModels.Distance(drawn, state), 0, 1e-5);
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
