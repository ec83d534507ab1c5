using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Several image tokens a step and another order: what is where, what depends on what, and that training and drawing agree.</summary>
public sealed class TokenStepsTests : IDisposable
{
    private const string Instruction = "make the blue star red";
    private static readonly TextTokenizer Tokenizer = WordTokenizer.FromCaptions(CaptionGrammar.Words);
    private static readonly SamplingConfig TwoSteps = new() { Steps = 2, Guidance = 1, NormalizeTokens = true };

    private readonly IDisposable _guard = no_grad();
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<int, WithinAStep, TokenOrder> All => new()
    {
        { 2, WithinAStep.Joint, TokenOrder.Raster },
        { 4, WithinAStep.Joint, TokenOrder.Subsampled },
        { 4, WithinAStep.Separate, TokenOrder.Raster },
        { 2, WithinAStep.Separate, TokenOrder.Subsampled },
        { 1, WithinAStep.Separate, TokenOrder.Subsampled },
    };

    public void Dispose()
    {
        _scope.Dispose();
        _guard.Dispose();
    }

    [Theory]
    [InlineData(4, 4, 1, TokenOrder.Raster)]
    [InlineData(3, 6, 2, TokenOrder.Raster)]
    [InlineData(4, 4, 4, TokenOrder.Subsampled)]
    [InlineData(2, 6, 2, TokenOrder.Subsampled)]
    [InlineData(6, 2, 1, TokenOrder.Subsampled)]
    public void Tokens_go_into_steps_and_come_back_each_to_its_place(int rows, int columns, int tokens, TokenOrder order)
    {
        TokenSteps steps = new() { Tokens = tokens, Order = order };
        Assert.Equal(Enumerable.Range(0, rows * columns), steps.Places(rows, columns).Order());
        Tensor picture = TinyModels.Normal("picture", 2, rows * columns, 3), grouped = steps.Group(picture, rows, columns);
        Assert.Equal([2, rows * columns / tokens, 3 * tokens], grouped.shape);
        Assert.Equal(0, TinyModels.Distance(picture, steps.Ungroup(grouped, rows, columns)));
        for (int place = 0; place < rows * columns; place++)
        {
            Tensor token = grouped.select(1, place / tokens).narrow(1, place % tokens * 3, 3);
            Assert.Equal(0, TinyModels.Distance(picture.select(1, steps.Places(rows, columns)[place]), token));
        }
    }

    [Fact]
    public void The_raster_order_is_none_and_a_sub_grid_has_a_token_of_every_quarter()
    {
        Tensor picture = TinyModels.Normal("picture", 1, 16, 3);
        Assert.Equal(0, TinyModels.Distance(picture, new TokenSteps().Group(picture, 4, 4)));
        Assert.Equal([0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15], new TokenSteps { Order = TokenOrder.Subsampled }.Places(4, 4));
        Assert.Equal([0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11], new TokenSteps { Order = TokenOrder.Subsampled }.Places(2, 6));
    }

    [Theory]
    [InlineData(4, 6, 4, TokenOrder.Raster, "a row of 6 image tokens cannot be drawn 4 at a time; use a divisor of 6")]
    [InlineData(4, 6, 3, TokenOrder.Subsampled, "a sub-grid of 4 image tokens cannot be drawn 3 at a time; use 1, 2 or 4")]
    [InlineData(3, 4, 2, TokenOrder.Subsampled, "needs an even number of image tokens on both sides, not 3×4")]
    public void What_does_not_fit_is_said_before_and_while_drawing(int rows, int columns, int tokens, TokenOrder order, string expected)
    {
        TokenSteps steps = new() { Tokens = tokens, Order = order };
        Assert.Contains(expected, steps.Problem(rows, columns), StringComparison.Ordinal);
        using NextStepModel model = TinyModels.Model(Tokenizer, steps: steps);
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        GenerationRequest request = new() { Prompts = ["a red circle"], Height = 4 * rows, Width = 4 * columns, Sampling = TwoSteps };
        ArgumentException wrong = Assert.Throws<ArgumentException>(() => new ImageGenerator(model, autoencoder, Tokenizer).Drawn(request));
        Assert.Contains(expected, wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_knows_only_one_token_a_step_refuses()
    {
        using TemporaryFolder folder = new();
        TokenSteps steps = new() { Tokens = 2 };
        Assert.Contains("use_gen_pos_embed", Assert.Throws<ArgumentException>(() => TinyModels.Model(Tokenizer, positions: true, steps: steps)).Message, StringComparison.Ordinal);
        using NextStepModel plain = TinyModels.Model(Tokenizer);
        using LoadedModel several = new(TinyModels.Model(Tokenizer, steps: steps), TinyModels.Pictures(), Tokenizer, 16, TwoSteps);
        GenerationRequest request = new() { Prompts = ["a red circle"], Height = 16, Width = 16, Draft = new SpeculativeDraft(several), Sampling = TwoSteps with { Solver = SamplingSolver.Sde } };
        Assert.Contains("one token a step", Assert.Throws<ArgumentException>(() => new ImageGenerator(plain, several.Autoencoder, Tokenizer).Drawn(request)).Message, StringComparison.Ordinal);
        ResearchConfig post = new() { Training = new TrainingConfig { Post = new PostTrainerConfig { Method = PostMethod.Reject } } };
        NotSupportedException refused = Assert.Throws<NotSupportedException>(() => PostTrainer.Train(post, several, new TrainingRun(folder.Path, "post")));
        Assert.Contains("one token a step", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_token_a_step_has_no_use_for_how_they_depend()
    {
        using NextStepModel joint = TinyModels.Model(Tokenizer), separate = TinyModels.Model(Tokenizer, steps: new TokenSteps { Within = WithinAStep.Separate });
        Assert.Equal(joint.state_dict().Keys, separate.state_dict().Keys);
        using LatentSet latents = Latents(TinyModels.Normal("tokens", 2, 16, 16));
        Assert.Equal(Loss(joint), Loss(separate));

        float Loss(NextStepModel model)
        {
            using NoiseSource noise = new DrawnNoise(1, "loss");
            return model.Losses(Batch(model, latents, 0, 1), noise).Total.item<float>();
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_step_depends_on_those_before_it_alone(int tokens, WithinAStep within, TokenOrder order)
    {
        TokenSteps steps = new() { Tokens = tokens, Within = within, Order = order };
        using NextStepModel model = TinyModels.Model(Tokenizer, steps: steps);
        Tensor picture = TinyModels.Normal("picture", 1, 16, 16);
        Tensor before = ConditionsOf(picture);
        IReadOnlyList<int> places = steps.Places(4, 4);
        int count = 16 / tokens, changed = (count / 2) - 1;
        for (int i = 0; i < tokens; i++)
        {
            Tensor other = picture.clone();
            other.select(1, places[(changed * tokens) + i]).add_(Scalars.Of(1));
            Tensor after = ConditionsOf(other);
            Assert.Equal(0, TinyModels.Distance(before.narrow(0, 0, changed + 1), after.narrow(0, 0, changed + 1)));
            Assert.All(Enumerable.Range(changed + 1, count - changed - 1), step => Assert.NotEqual(0, TinyModels.Distance(before[step], after[step])));
        }

        Tensor ConditionsOf(Tensor of)
        {
            using LatentSet latents = Latents(of);
            return model.Conditions(Batch(model, latents, 0));
        }
    }

    /// <summary>Edits drawn after the tokens of a true answer, computed again from a batch of training, all steps at once, with the same noise.</summary>
    [Theory]
    [MemberData(nameof(All))]
    public void Training_sees_what_drawing_sees(int tokens, WithinAStep within, TokenOrder order)
    {
        TokenSteps steps = new() { Tokens = tokens, Within = within, Order = order };
        using NextStepModel model = TinyModels.Model(Tokenizer, steps: steps);
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        Tensor source = TinyModels.Normal("source", 3, 16, 16), truth = TokenNormalization.Apply(TinyModels.Normal("truth", 1, 16, 16));
        Tensor draws = steps.Apart ? TinyModels.Normal("draws", 16 / tokens, tokens, 16) : TinyModels.Normal("draws", 16 / tokens, 16 * tokens);
        using NoiseSource oneByOne = new RecordedNoise([.. draws.split(1)]), atOnce = new RecordedNoise([draws]);
        List<Tensor> conditions = [];
        Tensor drawn = new ImageGenerator(model, autoencoder, Tokenizer).DrawTokens(
            new GenerationRequest
            {
                Prompts = [SequenceLayout.EditPrompt(Instruction, EditLayout.SourceFirst)], Images = [source], Height = 16, Width = 16, Sampling = TwoSteps, Noise = oneByOne, Teacher = truth,
                OnToken = t => conditions.Add(t.Conditions.clone().MoveToOtherDisposeScope(_scope)),
            },
            null, TestContext.Current.CancellationToken);

        Tensor context = PatchOrder.Patchify(autoencoder.ToModel(autoencoder.Encode(source.unsqueeze(0)).Mean), autoencoder.Config.PatchSize);
        using LatentSet sources = Latents(context), results = LatentSet.Of(truth.clone().DetachFromDisposeScope(), 4, 4, [Instruction], ["edit"], sources);
        ModelBatch batch = Batch(model, results, 0);
        Assert.True(TinyModels.Distance(cat([.. conditions.Where((_, i) => i % tokens == 0)]), model.Conditions(batch)) < 1e-4);
        ModelBatch own = ScheduledSampling.Apply(model, batch, null, [true], TwoSteps, TokenNormalization.Apply, atOnce);
        Tensor learned = own.Fed!.index_select(0, batch.Learned!).unsqueeze(0);
        Assert.True(TinyModels.Distance(drawn, steps.Ungroup(learned, 4, 4)) < 1e-4);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_picture_is_the_same_in_every_batch_after_its_own_tokens_and_out_of_its_folder(int tokens, WithinAStep within, TokenOrder order)
    {
        using TemporaryFolder folder = new();
        using NextStepModel model = TinyModels.Model(Tokenizer, steps: new TokenSteps { Tokens = tokens, Within = within, Order = order });
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        ImageGenerator generator = new(model, autoencoder, Tokenizer);
        using DrawingFrames frames = new(generator, 4, 8);
        List<int> seen = [];
        GenerationRequest request = new() { Prompts = ["a red circle", "a blue star"], Height = 16, Width = 32, Sampling = TwoSteps with { Guidance = 2 }, Seed = 4 };
        Tensor drawn = Tokens(generator, request with { OnToken = t => { frames.Add(t); seen.Add(t.Index); } });
        Assert.Equal([2, 32, 16], drawn.shape);
        Assert.Equal(model.Config.Steps.Places(4, 8), seen);
        Assert.True(TinyModels.Distance(TokenNormalization.Apply(drawn), drawn) < 1e-4); // each token by itself
        Assert.Equal(0, TinyModels.Distance(generator.Decode(drawn, 4, 8), frames.Frames().Last()));
        Assert.True(TinyModels.Distance(drawn, Tokens(generator, request with { BatchSize = 1 })) < 1e-4);
        Assert.True(TinyModels.Distance(drawn, Tokens(generator, request with { Teacher = drawn })) < 1e-4);
        Assert.True(TinyModels.Distance(drawn, Tokens(generator, request with { Sampling = request.Sampling with { HeadPrecision = Precision.BFloat16 } })) < 0.3);

        ReleasedFolder.Save(folder.File("saved"), model, autoencoder, Tokenizer, 16, TwoSteps);
        using LoadedModel loaded = ReleasedFolder.Load(folder.File("saved"));
        Assert.Equal(model.Config.Steps, loaded.Model.Config.Steps);
        TensorAssert.Same(drawn, Tokens(loaded.Generator(), request));
        Assert.Contains("\"nextstep_steps\"", File.ReadAllText(folder.File("saved/config.json")), StringComparison.Ordinal);
        ModelDrift none = ModelDrift.Measure(loaded, loaded, new ModelDriftOptions { Prompts = ["a red circle"], Height = 16, Width = 32, Sampling = TwoSteps }, null, TestContext.Current.CancellationToken);
        Assert.All(none.States, s => Assert.Equal(0, s.Relative));
    }

    private static Tensor Tokens(ImageGenerator generator, GenerationRequest request) => generator.DrawTokens(request, null, TestContext.Current.CancellationToken);

    private static LatentSet Latents(Tensor tokens) => LatentSet.Of(
        tokens.clone().DetachFromDisposeScope(), 4, 4, [.. Enumerable.Repeat("a red circle", (int)tokens.size(0))], [.. Enumerable.Range(0, (int)tokens.size(0)).Select(i => $"{i}")]);

    private static ModelBatch Batch(NextStepModel model, LatentSet latents, params int[] indices)
    {
        using NoiseSource none = new RecordedNoise([]);
        SequenceLayout layout = new(Tokenizer, model.Config.EditLayout, model.Config.Steps);
        return ModelTrainer.Batch(layout, Tokenizer.Special, latents, indices, new DroppedCondition[indices.Length], none, CPU);
    }
}
