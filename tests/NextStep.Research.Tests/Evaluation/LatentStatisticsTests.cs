using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class LatentStatisticsTests : IDisposable
{
    // What is made on the way in an expression lives until the test ends: the collector may not free it during a native call.
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void A_standard_normal_is_healthy()
    {
        LatentStatistics found = LatentStatistics.Of(Normal(400, 16, 8, 1), 2);
        Assert.Equal(0, found.Mean, 0.02);
        Assert.Equal(1, found.Deviation, 0.02);
        Assert.Equal(0, found.Kurtosis, 0.1);
        Assert.InRange(found.EffectiveDimension, 7.9, 8);
        Assert.Equal(0, found.NormalDistance, 0.03);
        Assert.Equal((2, 16), (found.Channels.Mean.Count, found.Tokens.Mean.Count));
        double width = found.Bins[1] - found.Bins[0];
        Assert.All(found.Densities, line => Assert.Equal(1, line.Sum() * width, 0.001));
        Assert.All(found.Bins.Zip(found.Densities[0]), p => Assert.Equal(LatentStatistics.NormalDensity(p.First), p.Second, 0.05));
    }

    [Fact]
    public void Shift_and_scale_are_the_distance_from_a_standard_normal()
    {
        // W₂(N(m, s²), N(0, 1)) = √(m² + (s − 1)²)
        using Tensor tokens = (Normal(400, 16, 4, 2) * 2) + 0.5;
        Assert.Equal(Math.Sqrt(0.25 + 1), LatentStatistics.Of(tokens, 1).NormalDistance, 0.03);
    }

    [Fact]
    public void Kurtosis_and_dimension_follow_their_definitions()
    {
        using Tensor uniform = arange(0, 4096, float64).div(4096).reshape(256, 4, 4);
        Assert.Equal(-1.2, LatentStatistics.Of(uniform, 1).Kurtosis, 0.01); // of a uniform distribution
        using Tensor one = Normal(500, 4, 1, 3).expand(500, 4, 6).contiguous(); // six copies of one number
        Assert.Equal(1, LatentStatistics.Of(one, 6).EffectiveDimension, 6);
        using Tensor unequal = Normal(3000, 4, 2, 4) * tensor(new[] { 1.0, 3.0 }); // λ = 1, 9
        Assert.Equal(100.0 / 82, LatentStatistics.Of(unequal, 2).EffectiveDimension, 0.02);
    }

    [Fact]
    public void Channels_and_tokens_are_told_apart()
    {
        using Tensor tokens = Normal(300, 3, 8, 5);
        tokens.select(1, 2).add_(5); // the third token
        tokens.narrow(2, 4, 4).mul_(3); // the second channel: features 4 to 7
        LatentStatistics found = LatentStatistics.Of(tokens, 2);
        Assert.True(found.Channels.Deviation[1] > 2.5 * found.Channels.Deviation[0]);
        Assert.True(found.Tokens.Mean[2] > 9 && Math.Abs(found.Tokens.Mean[0]) < 0.3);
    }

    [Fact]
    public void Shapes_that_do_not_fit_and_values_that_are_no_numbers_are_refused()
    {
        using Tensor tokens = Normal(2, 3, 8, 6);
        Assert.Throws<ArgumentException>(() => LatentStatistics.Of(tokens, 3));
        tokens[0, 0, 0] = double.PositiveInfinity;
        Assert.Contains("no numbers", Assert.Throws<ArgumentException>(() => LatentStatistics.Of(tokens, 2)).Message, StringComparison.Ordinal);
    }

    private static Tensor Normal(long n, long tokens, long width, int seed)
    {
        using Generator random = Streams.For(seed, "test.latents");
        return randn([n, tokens, width], float64, generator: random);
    }
}
