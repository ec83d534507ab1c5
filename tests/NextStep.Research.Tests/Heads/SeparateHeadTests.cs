using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Two tokens of one number each with correlation 0.9: the world in which drawing together and apart can be told from each other.</summary>
public sealed class SeparateHeadTests
{
    private const float Correlation = 0.9f;

    [Fact]
    public void A_joint_head_learns_how_tokens_hang_together()
    {
        using TrainedHead<FlowMatchingHead> trained = new(new FlowHead(), World, 300);
        (double first, double second, double correlation) = Statistics(trained.Draw(2000, 20));
        Assert.InRange(first, 0.9, 1.1);
        Assert.InRange(second, 0.9, 1.1);
        Assert.InRange(correlation, 0.85, 0.95);
    }

    [Fact]
    public void A_separate_one_learns_each_and_not_how_they_hang_together()
    {
        using TrainedHead<SeparateHead> trained = new(new PairHead(), World, 300);
        (double first, double second, double correlation) = Statistics(trained.Draw(2000, 20));
        Assert.InRange(first, 0.9, 1.1);
        Assert.InRange(second, 0.9, 1.1);
        Assert.InRange(correlation, -0.07, 0.07); // three standard errors of 2000 draws
    }

    [Fact]
    public void Every_token_has_a_condition_of_its_own_in_every_branch()
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        TokenHead one = new FlowHead().Build(PairHead.One(new TokenHeadContext(new FlowHeadConfig { TokenWidth = 6, ConditionWidth = 8, Width = 16, Layers = 2 })));
        TinyModels.Randomize(one, 3);
        using SeparateHead head = new(one, 2);
        using TokenHeadSampler sampler = head.Sampler(new FlowSamplerOptions { Steps = 3 }), single = one.Sampler(new FlowSamplerOptions { Steps = 3 });
        Tensor conditions = TinyModels.Normal("conditions", 2, 5, 8), draws = TinyModels.Normal("draws", 5, 2, 3);
        Tensor drawn = sampler.Sample(conditions.flatten(0, 1), new Guidance(GuidanceBranches.Text, 2), new RecordedNoise([draws.clone()]));
        for (int token = 0; token < 2; token++)
        {
            Tensor alone = single.Sample(conditions.narrow(2, 4 * token, 4).flatten(0, 1), new Guidance(GuidanceBranches.Text, 2), new RecordedNoise([draws.select(1, token)]));
            Assert.True(TinyModels.Distance(alone, drawn.narrow(1, 3 * token, 3)) < 1e-5);
        }
    }

    [Fact]
    public void A_mask_weighs_all_tokens_of_its_step()
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using TokenHead head = new PairHead().Build(new TokenHeadContext(new FlowHeadConfig { TokenWidth = 2, ConditionWidth = 4, Width = 16, Layers = 1 }));
        TinyModels.Randomize(head, 3);
        using NoiseSource noise = new DrawnNoise(1, "loss");
        TokenLoss loss = head.Loss(TinyModels.Normal("target", 3, 2), TwoSamples.Condition(3), noise, tensor((float[])[0, 1, 0]));
        Assert.Equal(6, loss.PerToken.size(0));
        Assert.Equal(loss.PerToken.narrow(0, 2, 2).mean().item<float>(), loss.Mean.item<float>(), 1e-5);
    }

    private static (Tensor Points, Tensor Conditions) World(NoiseSource noise)
    {
        Tensor both = noise.Normal(256, 1), own = noise.Normal(256, 2);
        return (both.Times(MathF.Sqrt(Correlation)).Plus(own.Times(MathF.Sqrt(1 - Correlation))), TwoSamples.Condition(256));
    }

    private static (double First, double Second, double Correlation) Statistics(Tensor drawn)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor covariance = drawn.t().cov();
        double first = Math.Sqrt(covariance[0, 0].item<float>()), second = Math.Sqrt(covariance[1, 1].item<float>());
        return (first, second, covariance[0, 1].item<float>() / (first * second));
    }

    // The context of a step becomes that of one of its two tokens.
    private sealed record PairHead : TokenHeadConfig
    {
        public override TokenHead Build(TokenHeadContext context) => new SeparateHead(new FlowHead().Build(One(context)), 2);

        public static TokenHeadContext One(TokenHeadContext context) =>
            context with { Shape = context.Shape with { TokenWidth = context.TokenWidth / 2, ConditionWidth = context.ConditionWidth / 2 } };
    }
}
