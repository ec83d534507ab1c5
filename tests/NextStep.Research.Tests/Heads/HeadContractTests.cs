using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>What every built-in head keeps, whatever its objective.</summary>
public sealed class HeadContractTests
{
    private const int Tokens = 6, Width = 12, Hidden = 10;

    public static TheoryData<string> Heads => [.. ComponentCatalog.Of(typeof(TokenHeadConfig)).Where(t => ComponentCatalog.SourceOf(t) is null).Select(ComponentCatalog.NameOf)];

    [Fact]
    public void There_are_six() => Assert.Equal(["diffusion", "energy", "flow", "mean-flow", "mixture", "shortcut"], Heads.Select(h => h.Data).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Heads))]
    public void The_loss_is_by_token_and_every_weight_learns(string name)
    {
        using TokenHead head = Build(name);
        Tensor target = TinyModels.Normal("target", Tokens, Width), condition = TinyModels.Normal("condition", Tokens, Hidden), mask = tensor([1f, 0, 0, 0, 0, 0]);
        using NoiseSource noise = new DrawnNoise(1, "contract"), again = new DrawnNoise(1, "contract");
        TokenLoss loss = head.Loss(target, condition, noise), masked = head.Loss(target, condition, again, mask);
        Assert.Equal([Tokens], loss.PerToken.shape);
        Assert.False(loss.PerToken.requires_grad);
        Assert.Equal(loss.PerToken.mean().item<float>(), loss.Mean.item<float>(), 4);
        Assert.Equal(loss.PerToken[0].item<float>(), masked.Mean.item<float>(), 4);
        Assert.True(loss.Times is null || (loss.Times.min().item<float>() >= 0 && loss.Times.max().item<float>() <= 1));
        loss.Mean.backward();
        Assert.All(head.named_parameters(), p => Assert.True(p.parameter.grad is { } g && g.isfinite().all().item<bool>(), p.name));
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void A_picture_is_the_same_in_every_batch_and_nothing_stays_alive(string name)
    {
        using TokenHead head = Build(name);
        using TokenHeadSampler sampler = head.Sampler(new FlowSamplerOptions { Steps = 4 });
        Tensor conditions = TinyModels.Normal("conditions", 2 * Tokens, Hidden), first = cat([conditions.narrow(0, 1, 1), conditions.narrow(0, Tokens + 1, 1)]);
        Guidance guidance = new(GuidanceBranches.Text, 2);
        Tensor all = Draw(conditions, 0);
        long before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        Tensor again = Draw(conditions, 0);
        Assert.Equal(before + 1, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
        Assert.Equal([Tokens, Width], all.shape);
        Assert.Equal(ScalarType.Float32, all.dtype);
        Assert.True(all.eq(again).all().item<bool>());
        Assert.True(TinyModels.Distance(all.narrow(0, 1, 1), Draw(first, 1)) < 1e-4);

        Tensor Draw(Tensor conditions, long picture)
        {
            using NoiseSource noise = new PerImageNoise(3, "contract", picture);
            return sampler.Sample(conditions, guidance, noise);
        }
    }

    /// <summary>Guidance 1 is the conditional draw, of two branches and of three; 0 is the unconditional one.</summary>
    [Theory]
    [MemberData(nameof(Heads))]
    public void Guidance_of_1_changes_nothing_and_more_does(string name)
    {
        using TokenHead head = Build(name);
        using TokenHeadSampler sampler = head.Sampler(new FlowSamplerOptions { Steps = 4 });
        Tensor conditions = TinyModels.Normal("conditions", 3 * Tokens, Hidden), two = conditions.narrow(0, 0, 2 * Tokens);
        Tensor plain = Draw(conditions.narrow(0, 0, Tokens), Guidance.Off);
        Assert.True(TinyModels.Distance(plain, Draw(two, new Guidance(GuidanceBranches.Text))) < 1e-4);
        Assert.True(TinyModels.Distance(plain, Draw(conditions, new Guidance(GuidanceBranches.TextAndImage))) < 1e-4);
        Assert.True(TinyModels.Distance(plain, Draw(two, new Guidance(GuidanceBranches.Text, 5))) > 0.01);

        Tensor Draw(Tensor conditions, Guidance guidance)
        {
            using NoiseSource noise = new DrawnNoise(3, "contract");
            return sampler.Sample(conditions, guidance, noise);
        }
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void It_draws_in_bfloat16_too(string name)
    {
        using TokenHead head = Build(name, ScalarType.BFloat16);
        using TokenHeadSampler sampler = head.Sampler(new FlowSamplerOptions { Steps = 4 });
        using NoiseSource noise = new DrawnNoise(3, "contract");
        Tensor drawn = sampler.Sample(TinyModels.Normal("conditions", 2 * Tokens, Hidden).to(ScalarType.BFloat16), new Guidance(GuidanceBranches.Text, 2), noise);
        Assert.True(drawn.dtype == ScalarType.Float32 && drawn.isfinite().all().item<bool>());
    }

    private static TokenHead Build(string name, ScalarType? dtype = null)
    {
        TokenHeadConfig config = (TokenHeadConfig)ComponentCatalog.Make(typeof(TokenHeadConfig), name);
        TokenHead head = config.Build(new TokenHeadContext(new FlowHeadConfig { TokenWidth = Width, ConditionWidth = Hidden, Width = 16, Layers = 2 }, null, dtype));
        TinyModels.Randomize(head, 4);
        head.eval();
        return head;
    }
}
