using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Training;

/// <summary>Drawing after true tokens, in training and in generation.</summary>
public sealed class ScheduledSamplingTests
{
    private const string Instruction = "make the blue star red";
    private static readonly TextTokenizer Tokenizer = WordTokenizer.FromCaptions(CaptionGrammar.Words);
    private static readonly SamplingConfig TwoSteps = new() { Steps = 2, Guidance = 1, NormalizeTokens = true };

    [Fact]
    public void Own_tokens_are_those_that_generation_draws_after_true_ones_and_all_others_stay()
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using NextStepModel model = TinyModels.Model(Tokenizer, edits: EditLayout.InstructionFirst);
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        Tensor source = TinyModels.Normal("source", 3, 16, 16);
        Tensor context = PatchOrder.Patchify(autoencoder.ToModel(autoencoder.Encode(source.unsqueeze(0)).Mean), autoencoder.Config.PatchSize)[0];
        Tensor truth = TokenNormalization.Apply(TinyModels.Normal("truth", 16, 16)), draws = TinyModels.Normal("draws", 16, 16);
        using NoiseSource oneByOne = new RecordedNoise([.. draws.split(1)]), atOnce = new RecordedNoise([draws]);
        Tensor expected = new ImageGenerator(model, autoencoder, Tokenizer).DrawTokens(
            new GenerationRequest { Prompts = [SequenceLayout.EditPrompt(Instruction, EditLayout.InstructionFirst)], Images = [source], Height = 16, Width = 16, Sampling = TwoSteps, Noise = oneByOne, Teacher = truth.unsqueeze(0) },
            null, TestContext.Current.CancellationToken)[0];

        SequenceLayout layout = new(Tokenizer, EditLayout.InstructionFirst);
        long[] row = [.. layout.Edit(Instruction, 4, 4).Ids.Select(i => (long)i)];
        Tensor ids = tensor([.. row, .. row]).view(2, -1);
        Tensor tokens = cat([context, truth, context.Times(0.5f), truth.Times(0.5f)]);
        Tensor learned = cat([arange(16, 32), arange(48, 64)]);
        ModelBatch batch = new(ids, full_like(ids, SequenceLayout.Ignored), tokens, Learned: learned);
        ModelBatch own = ScheduledSampling.Apply(model, batch, null, [true, false], TwoSteps, TokenNormalization.Apply, atOnce);
        Assert.True(TinyModels.Distance(expected, own.Fed!.narrow(0, 16, 16)) < 1e-4);
        Assert.True(TinyModels.Distance(truth, own.Fed!.narrow(0, 16, 16)) > 0.1);
        Assert.Equal(0, TinyModels.Distance(cat([tokens.narrow(0, 0, 16), tokens.narrow(0, 32, 32)]), cat([own.Fed!.narrow(0, 0, 16), own.Fed!.narrow(0, 32, 32)])));
        Assert.Same(tokens, own.Tokens);
        Assert.Null(ScheduledSampling.Apply(model, batch, null, [false, false], TwoSteps, null, atOnce).Fed);
    }

    [Fact]
    public void What_is_fed_is_seen_and_what_is_true_is_learned()
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using NextStepModel model = TinyModels.Model(Tokenizer);
        Tensor ids = tensor([.. new SequenceLayout(Tokenizer).Pair("a red circle", 4, 4, imageFirst: false).Ids.Select(i => (long)i)]).unsqueeze(0);
        Tensor truth = TinyModels.Normal("truth", 16, 16), other = TinyModels.Normal("other", 16, 16);
        ModelBatch batch = new(ids, full_like(ids, SequenceLayout.Ignored), truth);
        Assert.Equal(0, TinyModels.Distance(model.Conditions(batch with { Tokens = other }), model.Conditions(batch with { Fed = other })));
        Assert.NotEqual(Loss(batch), Loss(batch with { Fed = other }));
        Assert.NotEqual(Loss(batch with { Tokens = other }), Loss(batch with { Fed = other }));
        Assert.Equal(Loss(batch), Loss(batch with { Fed = truth }));

        float Loss(ModelBatch one)
        {
            using NoiseSource noise = new DrawnNoise(1, "loss", 0);
            return model.Losses(one, noise).Total.item<float>();
        }
    }

    [Fact]
    public void Drawn_after_its_own_tokens_a_picture_is_itself()
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using NextStepModel model = TinyModels.Model(Tokenizer);
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        ImageGenerator generator = new(model, autoencoder, Tokenizer);
        GenerationRequest request = new() { Prompts = ["a red circle", "a blue star"], Height = 16, Width = 16, Sampling = TwoSteps with { Guidance = 2 }, Seed = 4, BatchSize = 1 };
        Tensor free = generator.DrawTokens(request, null, TestContext.Current.CancellationToken);
        Assert.Equal(0, TinyModels.Distance(free, generator.DrawTokens(request with { Teacher = free }, null, TestContext.Current.CancellationToken)));
        Assert.NotEqual(0, TinyModels.Distance(free, generator.DrawTokens(request with { Teacher = free.flip(0) }, null, TestContext.Current.CancellationToken)));
        ArgumentException wrong = Assert.Throws<ArgumentException>(() => generator.DrawTokens(request with { Teacher = free.narrow(1, 0, 3) }, null, TestContext.Current.CancellationToken));
        Assert.Contains("[2, 3, 16] do not go with pictures of tokens [2, 16, 16]", wrong.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0, 0.5)]
    [InlineData(100, 0, 0)]
    [InlineData(100, 50, 0.25)]
    [InlineData(100, 100, 0.5)]
    [InlineData(100, 900, 0.5)]
    public void The_share_rises_over_the_ramp(long ramp, long images, double expected) =>
        Assert.Equal(expected, new ScheduledSamplingConfig { Share = 0.5, Ramp = ramp }.At(images));

    [Fact]
    public void Teacher_forced_names_every_skill_and_kind_forced_and_free()
    {
        using DisposeScope scope = NewDisposeScope();
        using LoadedModel model = ShippedModel.Load();
        MetricContext context = new(zeros(1, 3, 32, 32), ["a circle"], null, model, 0) { Sampling = TwoSteps };
        MetricResult found = new TeacherForcedMetric { Scenes = 1, Edits = 1 }.Measure(context);
        string[] names = [.. ShapesSource.SkillNames, "edit", .. Enum.GetValues<EditKind>().Select(k => $"edit.{k.ToString().ToLowerInvariant()}")];
        Assert.Equal([.. names, "free.all", .. names.Select(n => "free." + n)], found.Details.Keys);
        Assert.All(found.Details.Values, share => Assert.InRange(share, 0, 1));
        Assert.DoesNotContain(new TeacherForcedMetric { Scenes = 1 }.Measure(context).Details.Keys, name => name.Contains("edit", StringComparison.Ordinal));
    }
}
