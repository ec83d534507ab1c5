using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>What the bounds of the heads' tests mean: the distance tells the ring from a Gaussian of its mean and variance, and not from itself.</summary>
public sealed class TwoSamplesTests
{
    [Fact]
    public void The_distance_tells_the_ring_from_one_Gaussian()
    {
        using GaussianMixture ring = TwoSamples.Ring(), blob = new([[0, 0]], Math.Sqrt((1.5 * 1.5 / 2) + 0.09));
        using NoiseSource noise = new DrawnNoise(3, "two.samples");
        Tensor one = ring.Sample(2000, noise);
        Assert.InRange(TwoSamples.Distance(one, ring.Sample(2000, noise)), -0.002, 0.002);
        Assert.InRange(TwoSamples.Distance(one, blob.Sample(2000, noise)), 0.05, 0.075);
        Assert.Equal(0.5 * 0.5, TwoSamples.Distance(zeros(2, 1), full(2, 1, 0.125f)), 5);
    }

    [Fact]
    public void The_density_of_a_mixture_is_the_sum_of_its_Gaussians()
    {
        using GaussianMixture mixture = new([[-1, 0], [1, 0.5]], 0.25, [1, 3]);
        double Gaussian(double dx, double dy) => Math.Exp(-((dx * dx) + (dy * dy)) / (2 * 0.0625)) / (2 * Math.PI * 0.0625);
        double expected = Math.Log((0.25 * Gaussian(1.3, 0.1)) + (0.75 * Gaussian(-0.7, -0.4)));
        Assert.Equal(expected, mixture.LogDensity(tensor([0.3f, 0.1f], [1, 2])).item<float>(), 3);
    }
}
