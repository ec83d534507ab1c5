using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class GaussianMixtureTests
{
    [Fact]
    public void Of_one_Gaussian_the_velocity_is_the_closed_form()
    {
        using GaussianMixture mixture = new([[1.5, -0.5]], 0.3);
        Tensor x = TinyModels.Normal("x", 5, 2), mean = tensor([1.5f, -0.5f]);
        Tensor expected = mean + ((x - (mean * 0.4f)) * (float)(((0.4 * 0.09) - 0.6) / ((0.16 * 0.09) + 0.36)));
        Assert.True(TinyModels.Distance(expected, mixture.Velocity(x, 0.4)) < 1e-5);
    }

    /// <summary>The velocity is the conditional mean of x₁ − ε: it beats every other function of x_t, so the error must be orthogonal to it.</summary>
    [Fact]
    public void The_velocity_is_the_best_prediction()
    {
        using GaussianMixture mixture = new([[-1, 0], [1, 0.5], [0, 2]], 0.25, [1, 2, 3]);
        using NoiseSource noise = new DrawnNoise(1, "mixture");
        Tensor data = mixture.Sample(200_000, noise), epsilon = noise.Normal(200_000, 2);
        Tensor state = (data * 0.6f) + (epsilon * 0.4f), velocity = mixture.Velocity(state, 0.6);
        Tensor error = data - epsilon - velocity;
        Assert.True(error.mean([0]).abs().max().item<float>() < 0.01);
        Assert.True(Math.Abs((error * velocity).sum(1).mean().item<float>()) < 0.02);
        Assert.True(Math.Abs((error * state.sin()).sum(1).mean().item<float>()) < 0.02);
    }

    [Theory]
    [InlineData("ode")]
    [InlineData("sde")]
    public void Its_flow_ends_in_its_own_samples(string solverName)
    {
        SamplingSolver solver = (SamplingSolver)ComponentCatalog.Make(typeof(SamplingSolver), solverName);
        using DisposeScope scope = NewDisposeScope();
        using GaussianMixture mixture = GaussianMixture.Ring(6, 2, 0.15);
        using NoiseSource noise = new DrawnNoise(2, "mixture");
        FlowSolver steps = new(new FlowSamplerOptions { Solver = solver, Steps = 100 });
        Tensor x = noise.Normal(2000, 2);
        for (int i = 0; i < 100; i++)
        {
            x = steps.Step(x, mixture.Velocity(x, steps.Times[i]), i, () => noise.Normal(2000, 2));
        }
        double drawn = mixture.Deviations(x).mean().item<float>(), own = mixture.Deviations(mixture.Sample(2000, noise)).mean().item<float>();
        Assert.InRange(drawn, own - 0.15, own + 0.15);
    }
}
