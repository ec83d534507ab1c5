using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Generation;

/// <summary>Drawing with a draft: what is the same as without one, what each token was drawn after, and the distribution of the whole.</summary>
public sealed class SpeculativeDrawingTests : IDisposable
{
    private static readonly ByteTokenizer Words = new();

    private readonly NextStepModel _model = TinyModels.Model(Words, positions: true);
    private readonly ImageAutoencoder _autoencoder = TinyModels.Pictures();

    // Six tokens; prompts of other lengths than the text without guidance, so that rows are padded.
    private static GenerationRequest Request => new()
    {
        Prompts = ["a red cat", "dog"],
        Height = 8,
        Width = 12,
        Seed = 3,
        Sampling = new SamplingConfig { Solver = SamplingSolver.Sde, Steps = 4, Guidance = 1.5 },
    };

    public void Dispose()
    {
        _model.Dispose();
        _autoencoder.Dispose();
    }

    private ImageGenerator Generator => new(_model, _autoencoder, Words);

    // The model, every weight moved by a share of its size, and every velocity by a constant.
    private static LoadedModel Near(double share, double shift = 0)
    {
        NextStepModel near = TinyModels.Model(Words, positions: true);
        using IDisposable guard = no_grad();
        foreach ((string name, Parameter parameter) in near.named_parameters())
        {
            using Tensor moved = TinyModels.Normal(name, parameter.shape).mul_(parameter.std().item<float>() * (float)share);
            parameter.add_(moved.nan_to_num_());
            parameter.add_(Scalars.Of(name.EndsWith("final_layer.linear.bias", StringComparison.Ordinal) ? shift : 0));
        }
        return new LoadedModel(near, TinyModels.Pictures(), Words, 8, new SamplingConfig());
    }

    private static Tensor Tokens(ImageGenerator generator, GenerationRequest request) => generator.DrawTokens(request, null, TestContext.Current.CancellationToken);

    [Theory]
    [InlineData(1, 5)]
    [InlineData(2, 3)]
    [InlineData(4, 2)]
    [InlineData(6, 1)]
    public void A_draft_that_is_the_model_changes_nothing_but_the_passes(int tokens, int passes)
    {
        using LoadedModel same = Near(0);
        SpeculativeDraft draft = new(same) { Tokens = tokens };
        using Tensor plain = Tokens(Generator, Request), drawn = Tokens(Generator, Request with { Draft = draft });
        Assert.InRange(TinyModels.Distance(plain, drawn), 0, 1e-4);
        Assert.Equal((12, 12, 2L * passes, 10), (draft.Counts.Accepted, draft.Counts.Drawn, draft.Counts.Passes, draft.Counts.PlainPasses));
        Assert.Equal((1.0, 1.0, 0), (draft.Counts.TokenShare, draft.Counts.StepShare, draft.Counts.StepsAlone));
    }

    /// <summary>After proposals were thrown away, the model has seen what was drawn and nothing else: its conditions are those of a model that is given the drawn tokens.</summary>
    [Theory]
    [InlineData(true, null)]
    [InlineData(false, null)]
    [InlineData(true, 2)] // fewer steps towards the end: tokens of one round are evaluated in parts
    public void Every_token_is_drawn_after_those_that_were_kept(bool guided, int? finalSteps)
    {
        using LoadedModel near = Near(0.06);
        SpeculativeDraft draft = new(near) { Tokens = 3, Guided = guided };
        GenerationRequest request = Request with { Prompts = ["a red cat"], Sampling = Request.Sampling with { FinalSteps = finalSteps } };
        List<Tensor> seen = [], expected = [];
        using Tensor drawn = Tokens(Generator, request with { Draft = draft, OnToken = t => seen.Add(t.Conditions.clone().DetachFromDisposeScope()) });
        Tokens(Generator, request with { Teacher = drawn, OnToken = t => expected.Add(t.Conditions.clone().DetachFromDisposeScope()) }).Dispose();
        Assert.Equal(6, seen.Count);
        Assert.All(seen.Zip(expected), p => Assert.InRange(TinyModels.Distance(p.First, p.Second), 0, 1e-4));
        Assert.InRange(draft.Counts.Accepted, 1, draft.Counts.Verified - 1);
        Assert.InRange(draft.Counts.StepsAlone, 1, draft.Counts.Steps);
        using Tensor again = Tokens(Generator, request with { Draft = draft });
        TensorAssert.Same(drawn, again);
    }

    /// <summary>Pictures with a draft against pictures without one, of other noise, along the direction in which the draft's own are off.</summary>
    [Fact]
    public void Pictures_with_a_draft_have_the_distribution_of_those_without()
    {
        using LoadedModel near = Near(0.03, 0.3);
        SpeculativeDraft draft = new(near) { Tokens = 2 };
        GenerationRequest request = Request with { Prompts = ["a"], ImagesPerPrompt = 400, Height = 4, Width = 12, Sampling = Request.Sampling with { Steps = 3, Guidance = 1 } };
        Tensor Drawn(ImageGenerator generator, long seed, SpeculativeDraft? by = null) => Tokens(generator, request with { Seed = seed, Draft = by }).flatten(1); // [400, 48]
        using DisposeScope scope = NewDisposeScope();
        Tensor proposed = Drawn(near.Generator(), 5), with = Drawn(Generator, 3, draft), without = Drawn(Generator, 4);
        Tensor direction = proposed.mean([0]) - Drawn(Generator, 6).mean([0]);
        double Apart(Tensor one, Tensor other)
        {
            Tensor a = one.matmul(direction), b = other.matmul(direction);
            return (a.mean() - b.mean()).item<float>() / Math.Sqrt((a.var().item<float>() + b.var().item<float>()) / 400);
        }
        Assert.InRange(Apart(proposed, without), 6, 100); // in standard errors
        Assert.InRange(Apart(with, without), -3, 3);
        Assert.InRange(with.var(0).mean().item<float>() / without.var(0).mean().item<float>(), 0.95, 1.05);
        Assert.InRange(draft.Counts.TokenShare, 0.2, 0.9);
    }

    [Fact]
    public void What_a_draft_cannot_do_is_said()
    {
        using LoadedModel near = Near(0.3);
        SpeculativeDraft draft = new(near);
        string Said(GenerationRequest request) => Assert.Throws<ArgumentException>(() => Tokens(Generator, request with { Draft = draft })).Message;
        GenerationRequest With(SamplingSolver solver, double level = 0.8) => Request with { Sampling = Request.Sampling with { Solver = solver, NoiseLevel = level } };
        Assert.Contains("ode adds no noise in step 1 of 4", Said(With(SamplingSolver.Ode)), StringComparison.Ordinal);
        Assert.Contains("heun adds no noise in step 1 of 4", Said(With(SamplingSolver.Heun)), StringComparison.Ordinal);
        Assert.Contains("cps adds no noise in step 4 of 4", Said(With(SamplingSolver.Cps)), StringComparison.Ordinal);
        Assert.Contains("sde adds no noise in step 1 of 4", Said(With(SamplingSolver.Sde, 0)), StringComparison.Ordinal);
        using ImageAutoencoder other = TinyModels.Pictures(5);
        Assert.Contains("another autoencoder", Assert.Throws<ArgumentException>(() => Tokens(new ImageGenerator(_model, other, Words), Request with { Draft = draft })).Message, StringComparison.Ordinal);
        using Tensor given = zeros(2, 6, 16);
        Assert.Contains("leave out the draft", Said(Request with { Teacher = given }), StringComparison.Ordinal);
        using NoiseSource recorded = new RecordingNoise(ImageGenerator.NoiseOf(Request));
        Assert.Contains("one picture, not 2", Said(Request with { Noise = recorded }), StringComparison.Ordinal);
        Assert.Contains("at least one token", Assert.Throws<ArgumentException>(() => Tokens(Generator, Request with { Draft = draft with { Tokens = 0 } })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_cost_says_from_where_a_draft_pays()
    {
        // Free proposals, all accepted: k tokens for one pass, and the head is read once instead of N times for each.
        SpeculativeCost free = SpeculativeCost.OfBytes(4, 10, 100, 2, 0, 0);
        Assert.Equal(4 * 120.0 / 102, free.Speedup(1, 0), 9);
        Assert.Equal(1.875, free.TokensARound(0.5), 9);
        // Nothing is accepted: a pass, an evaluation and the head alone for one token; a draft as slow as the model never pays.
        Assert.Equal(120.0 / (102 + 20), free.Speedup(0, 10), 9);
        Assert.Null(SpeculativeCost.OfBytes(4, 10, 100, 2, 100, 2).LeastShare(10));
        SpeculativeCost quarter = SpeculativeCost.OfBytes(2, 10, 100, 2, 20, 0.5);
        double least = quarter.LeastShare(5)!.Value;
        Assert.InRange(quarter.Speedup(least, 5), 1, 1.01);
    }
}
