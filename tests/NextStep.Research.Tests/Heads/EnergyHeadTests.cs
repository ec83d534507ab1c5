using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class EnergyHeadTests
{
    [Theory]
    [InlineData(2, 1.0)]
    [InlineData(5, 1.0)]
    [InlineData(3, 1.5)]
    public void The_score_is_the_sum_over_pairs(int samples, double exponent)
    {
        Tensor drawn = TinyModels.Normal("drawn", samples, 4, 3), target = TinyModels.Normal("target", 4, 3);
        float[] scores = [.. EnergyTokenHead.Score(drawn, target, exponent).data<float>()];
        for (int row = 0; row < 4; row++)
        {
            double to = 0, between = 0;
            for (int i = 0; i < samples; i++)
            {
                to += Math.Pow((drawn[i, row] - target[row]).norm().item<float>(), exponent);
                for (int j = 0; j < samples; j++)
                {
                    between += i == j ? 0 : Math.Pow((drawn[i, row] - drawn[j, row]).norm().item<float>(), exponent);
                }
            }
            Assert.Equal((2 * to / samples) - (between / (samples * (samples - 1))), scores[row], 3);
        }
    }

    /// <summary>Strictly proper: drawn from the truth it is least, beside narrower, wider and shifted draws. Without its second half the narrowest would win.</summary>
    [Fact]
    public void The_truth_has_the_least_score()
    {
        using NoiseSource noise = new DrawnNoise(3, "energy");
        Tensor target = noise.Normal(20_000, 2), drawn = noise.Normal(2, 20_000, 2);
        double Score(double scale, double shift) => EnergyTokenHead.Score(drawn.Times(scale).Plus(shift), target, 1).mean().item<float>();
        double truth = Score(1, 0);
        Assert.All([(0.6, 0.0), (1.5, 0.0), (1.0, 0.5)], other => Assert.True(Score(other.Item1, other.Item2) > truth + 0.02));
        Assert.Equal(Math.Sqrt(Math.PI), truth, 1); // 2E‖X − Y‖ − E‖X − X'‖ of two numbers each: E‖·‖ = √π
    }

    [Fact]
    public void It_learns_the_mixture_in_one_evaluation()
    {
        using GaussianMixture ring = TwoSamples.Ring();
        using TrainedHead<EnergyTokenHead> trained = new(ring, new EnergyHead { Samples = 4, NoiseWidth = 8 }, 350);
        Assert.InRange(trained.Distance(ring), -0.002, 0.018);
        using TokenHeadSampler sampler = trained.Head.Sampler(new FlowSamplerOptions { Steps = 50 });
        Assert.Equal(1, sampler.Evaluations);
    }
}
