using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class MixtureHeadTests
{
    [Fact]
    public void The_density_is_that_of_the_mixture()
    {
        using GaussianMixture mixture = new([[-1, 0], [1, 0.5]], 0.25, [1, 3]);
        DiagonalMixture same = new(
            tensor([0.25f, 0.75f], [1, 2]).log(), tensor([-1f, 0f, 1f, 0.5f], [1, 2, 2]), full([1, 2, 2], 0.25f));
        Tensor points = TinyModels.Normal("points", 30, 2);
        Assert.True(TinyModels.Distance(mixture.LogDensity(points), same.Log(points.unsqueeze(0)).squeeze(0)) < 1e-4);
        using NoiseSource noise = new DrawnNoise(3, "mixture");
        Assert.InRange(TwoSamples.Distance(same.Sample(2000, noise).squeeze(0), mixture.Sample(2000, noise)), -0.002, 0.003);
    }

    [Fact]
    public void It_learns_the_mixture_and_its_density()
    {
        using GaussianMixture ring = TwoSamples.Ring();
        using TrainedHead<MixtureTokenHead> trained = new(ring, new MixtureHead { Components = 6 }, 250);
        Assert.InRange(trained.Distance(ring), -0.002, 0.003);
        using NoiseSource noise = new DrawnNoise(8, "mixture");
        Tensor fresh = ring.Sample(2000, noise);
        double own = 2 * trained.Head.Loss(fresh, TwoSamples.Condition(2000), noise).Mean.item<float>();
        Assert.InRange(own + ring.LogDensity(fresh).mean().item<float>(), -0.02, 0.06); // nats above the least that is possible
    }

    /// <summary>Guidance s of N(0, 1) against N(0, 2²) is p_c·(p_c/p_u)^(s − 1), a Gaussian of variance 1/(s − (s − 1)/4).</summary>
    [Theory]
    [InlineData(1.0)]
    [InlineData(2.0)]
    [InlineData(4.0)]
    public void Guidance_is_of_densities(double scale)
    {
        Tensor Conditions(int rows) => cat([zeros(rows, 4), ones(rows, 4)]);
        MixtureHead config = new() { Components = 2, GuidanceCandidates = 200 };
        using TrainedHead<MixtureTokenHead> trained = new(config, noise => (noise.Normal(400, 2).mul(cat([ones(200, 1), full(200, 1, 2f)])), Conditions(200)), 120);
        using NoiseSource noise = new DrawnNoise(9, "mixture");
        using TokenHeadSampler sampler = trained.Head.Sampler(new FlowSamplerOptions());
        double variance = sampler.Sample(Conditions(2000), new Guidance(GuidanceBranches.Text, scale), noise).var().item<float>(), expected = 1 / (scale - ((scale - 1) / 4));
        Assert.InRange(variance, expected * 0.85, expected * 1.15);
    }
}
