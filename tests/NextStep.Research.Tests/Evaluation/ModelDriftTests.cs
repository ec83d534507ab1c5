using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Drift where its size is known: one weight of a copy scaled by a known factor.</summary>
public sealed class ModelDriftTests : IDisposable
{
    private readonly IDisposable _guard = no_grad();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _guard.Dispose();
    }

    [Fact]
    public void A_copy_that_is_the_same_does_not_move()
    {
        ModelDrift drift = Measure("", 1);
        Assert.Equal(["input", "layer 0", "layer 1", "norm", "condition"], drift.States.Select(s => s.Name));
        Assert.Equal(["head", "transformer", "both"], drift.Velocities.Select(v => v.Name));
        Assert.All(drift.States.Concat(drift.Velocities), p => Assert.Equal((0, 0), (p.Relative, p.Worst)));
        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 0], drift.Tokens);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Conditions_are_those_that_the_sampler_gave_the_head(bool positions)
    {
        using LoadedModel loaded = Model(positions: positions);
        List<Tensor> conditions = [];
        Tensor tokens = loaded.Generator().DrawTokens(
            new GenerationRequest
            {
                Prompts = ["two blue stars"], Height = 16, Width = 8, Sampling = new SamplingConfig { Steps = 3, Guidance = 2 },
                OnToken = t => conditions.Add(t.Conditions[0].clone().DetachFromDisposeScope()),
            },
            cancellation: TestContext.Current.CancellationToken);
        (Tensor[] layers, Tensor condition) = ModelDrift.StatesOf(loaded, "two blue stars", tokens[0], 4, 2);
        Assert.Equal(4, layers.Length);
        Assert.InRange(TinyModels.Distance(stack(conditions), condition), 0, 1e-4);
        conditions.ForEach(c => c.Dispose());
    }

    [Fact]
    public void What_is_scaled_moves_by_as_much_and_what_comes_before_it_does_not()
    {
        ModelDrift drift = Measure("image_out_projector.", 1.02f);
        Near(drift.States, 0, 0, 0, 0, 0.02);
        Assert.Equal(0, drift.Velocities[0].Relative);
        Assert.InRange(drift.Velocities[1].Relative, 1e-6, 0.1);
        Assert.Equal(drift.Velocities[1], drift.Velocities[2] with { Name = "transformer" });
        Assert.All(drift.Tokens, t => Assert.InRange(t, 1e-7, 0.5));

        drift = Measure("image_head.net.final_layer.linear.", 0.97f);
        Near(drift.States, 0, 0, 0, 0, 0);
        Near(drift.Velocities, 0.03, 0, 0.03);

        drift = Measure("norm.", 1.01f);
        Near(drift.States.Take(4), 0, 0, 0, 0.01);
        Assert.Equal(0, drift.Velocities[0].Relative);
    }

    [Fact]
    public void Only_the_copy_draws_with_its_own_weights()
    {
        ModelDrift drift = Measure("layers.0.mlp.down_proj.", 1.5f);
        Near(drift.States.Take(2), 0, drift.States[1].Relative);
        Assert.InRange(drift.States[1].Relative, 1e-3, 1);
        Assert.True(drift.States[1].Worst > drift.States[1].Relative);
        Assert.True(drift.Tokens[0] > 0);
    }

    [Fact]
    public void Other_shapes_are_refused_with_what_differs()
    {
        using LoadedModel a = Model(), b = Model(layers: 2);
        Assert.Contains("layers 3 in the first, 2 in the second", Assert.Throws<ArgumentException>(() => ModelDrift.Measure(a, b, Options(), cancellation: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    private static void Near(IEnumerable<DriftPart> parts, params double[] wanted)
    {
        DriftPart[] found = [.. parts];
        Assert.Equal(wanted.Length, found.Length);
        Assert.All(found.Zip(wanted), p =>
        {
            Assert.Equal(p.Second, p.First.Relative, 1e-4);
            Assert.True(p.First.Worst >= p.First.Relative - 1e-6);
        });
    }

    private static ModelDrift Measure(string weights, float factor)
    {
        using LoadedModel original = Model(), changed = Model();
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in changed.Model.named_parameters())
        {
            if (weights.Length > 0 && name.StartsWith(weights, StringComparison.Ordinal))
            {
                parameter.mul_(Scalars.Of(factor));
            }
        }
        return ModelDrift.Measure(original, changed, Options(), cancellation: TestContext.Current.CancellationToken);
    }

    private static ModelDriftOptions Options() => new() { Prompts = ["a red circle", "two blue stars"], Height = 16, Width = 8, Sampling = new SamplingConfig { Steps = 3, Guidance = 2 } };

    private static LoadedModel Model(int layers = 3, bool positions = false)
    {
        ByteTokenizer tokenizer = new();
        NextStepModel model = new(new NextStepConfig
        {
            Transformer = TinyModels.Transformer(tokenizer.VocabularySize) with { HiddenSize = 64, IntermediateSize = 96, Heads = 4, HeadDim = 16, Layers = layers },
            Head = new FlowHeadConfig { TokenWidth = 16, ConditionWidth = 64, Width = 32, Layers = 2 },
            LatentChannels = 4,
            LatentPatchSize = 2,
            UseGenPosEmbed = positions,
            Special = tokenizer.Special,
        });
        TinyModels.Randomize(model, 3);
        model.eval();
        return new LoadedModel(model, TinyModels.Pictures(), tokenizer, 16, new SamplingConfig());
    }
}
