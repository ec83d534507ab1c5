using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Training;

public sealed class EditTrainingTests
{
    private const string Instruction = "make the blue star red";
    private static readonly TextTokenizer Tokenizer = WordTokenizer.FromCaptions(CaptionGrammar.Words);
    private static readonly DataConfig Data = new() { ImageSize = 16, Images = 6, Edits = 10 };

    /// <summary>Every token of an edit that was drawn with three branches, computed again from training sequences; a negative prompt stands where an instruction would.</summary>
    [Theory]
    [InlineData(EditLayout.SourceFirst, "")]
    [InlineData(EditLayout.SourceFirst, "a red circle")]
    [InlineData(EditLayout.InstructionFirst, "")]
    [InlineData(EditLayout.InstructionFirst, "a red circle")]
    public void Training_sees_the_three_branches_of_an_edit_as_generation_does(EditLayout edits, string negative)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using NextStepModel model = TinyModels.Model(Tokenizer, edits: edits);
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        Tensor source = TinyModels.Normal("source", 3, 16, 16);
        SamplingConfig sampling = new() { Steps = 2, Guidance = 2.5, ImageGuidance = 1.5, NormalizeTokens = false };
        Tensor drawn = new ImageGenerator(model, autoencoder, Tokenizer).DrawTokens(
            new GenerationRequest { Prompts = [SequenceLayout.EditPrompt(Instruction, edits)], NegativePrompt = negative, Images = [source], Height = 16, Width = 16, Sampling = sampling, Seed = 3 },
            null, TestContext.Current.CancellationToken)[0]; // [16, d]

        Tensor context = PatchOrder.Patchify(autoencoder.ToModel(autoencoder.Encode(source.unsqueeze(0)).Mean), autoencoder.Config.PatchSize)[0];
        SequenceLayout layout = new(Tokenizer, edits);
        (int[] Ids, bool Source)[] branches = negative.Length == 0
            ? [.. Enum.GetValues<DroppedCondition>().Select(dropped => (layout.Edit(Instruction, 4, 4, dropped).Ids, dropped != DroppedCondition.TextAndImage))]
            : [(layout.Edit(Instruction, 4, 4).Ids, true), (layout.Edit(negative, 4, 4).Ids, true), (layout.Pair(negative, 4, 4, imageFirst: false).Ids, false)];
        Tensor[] conditions = [.. branches.Select(branch =>
        {
            Tensor ids = tensor([.. branch.Ids.Select(i => (long)i)]).unsqueeze(0);
            Tensor hidden = model.Transformer.Forward(model.Embed(ids, branch.Source ? cat([context, drawn]) : drawn))[0];
            return model.ProjectOut(hidden.narrow(0, Array.LastIndexOf(branch.Ids, Tokenizer.Special.BeginOfImage), 16));
        })];
        using NoiseSource noise = new PerImageNoise(3, "sampling.noise", 0);
        using FlowSampler sampler = new(model.Head.Network, new FlowSamplerOptions { Steps = 2 });
        for (int i = 0; i < 16; i++)
        {
            Tensor token = sampler.Sample(stack([.. conditions.Select(c => c[i])]), new Guidance(GuidanceBranches.TextAndImage, 2.5, 1.5), noise);
            Assert.True(TinyModels.Distance(token[0], drawn[i]) < 1e-4, $"token {i}");
        }
    }

    [Fact]
    public void With_the_instruction_first_its_length_does_not_move_the_source_away_from_the_result()
    {
        SequenceLayout layout = new(Tokenizer, EditLayout.InstructionFirst);
        int[] image = layout.Image(4, 4);
        Assert.Equal([.. Tokenizer.Encode(Instruction), .. image, .. image, Tokenizer.Special.EndOfText], layout.Edit(Instruction, 4, 4).Ids);
        Assert.Equal([.. image, .. Tokenizer.Encode(Instruction), .. image, Tokenizer.Special.EndOfText], new SequenceLayout(Tokenizer).Edit(Instruction, 4, 4).Ids);
        Assert.Equal(Instruction + "<image><image>", SequenceLayout.EditPrompt(Instruction, EditLayout.InstructionFirst, 2));
    }

    [Fact]
    public void A_batch_holds_source_and_result_and_learns_the_result()
    {
        using TemporaryFolder folder = new();
        string file = Path.Combine(folder.Path, "set.safetensors");
        using (LatentSet encoded = Encoded())
        {
            encoded.Save(file);
        }
        using LatentSet latents = LatentSet.Load(file);
        Assert.Equal((6, 16), (latents.Pairs, latents.Captions.Count));
        using NoiseSource none = new RecordedNoise([]);
        ModelBatch batch = ModelTrainer.Batch(
            new SequenceLayout(Tokenizer), Tokenizer.Special, latents, [7, 2, 15, 9],
            [DroppedCondition.Text, DroppedCondition.Nothing, DroppedCondition.Nothing, DroppedCondition.TextAndImage], none, CPU);
        Tensor expected = cat([latents.Sources!.Means[1], latents.Means[7], latents.Means[2], latents.Sources.Means[9], latents.Means[15], latents.Means[9]]);
        Assert.Equal(0, TinyModels.Distance(expected, batch.Tokens));
        Assert.Equal(6 * 16, batch.Ids.eq(Tokenizer.Special.ImagePlaceholder).sum().item<long>());
        Assert.Equal(0, TinyModels.Distance(latents.Means[TensorIndex.Tensor(tensor([7L, 2, 15, 9]))].flatten(0, 1), batch.Tokens.index_select(0, batch.Learned!)));
    }

    [Theory]
    [InlineData(InputNoiseShape.Growing)]
    [InlineData(InputNoiseShape.Even)]
    [InlineData(InputNoiseShape.Drawn)]
    public void Input_noise_leaves_the_source_clean_and_is_spread_as_it_is_called(InputNoiseShape shape)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using NextStepModel plain = TinyModels.Model(Tokenizer);
        using NextStepModel model = new(plain.Config with { InputNoise = 0.4, InputNoiseShape = shape, HeadBatchMultiplier = 1 });
        TinyModels.Randomize(model, 1);
        model.eval();
        using LatentSet latents = Encoded();
        using NoiseSource none = new RecordedNoise([]);
        ModelBatch batch = ModelTrainer.Batch(new SequenceLayout(Tokenizer), Tokenizer.Special, latents, [8], new DroppedCondition[1], none, CPU);
        Assert.Equal(Loss(1, 1), Loss(50, 1));
        Assert.NotEqual(Loss(1, 1), Loss(1, 2));
        Tensor strength = shape switch
        {
            InputNoiseShape.Growing => arange(1, 17).to_type(ScalarType.Float32) / 16,
            InputNoiseShape.Even => ones(16),
            _ => full(16, 0.5f),
        };
        using NextStepModel even = new(model.Config with { InputNoiseShape = InputNoiseShape.Even });
        even.load_state_dict(model.state_dict());
        even.eval();
        Tensor shaken = TinyModels.Normal("input", 16, 16);
        Assert.Equal(LossOf(even, ones(16, 16), shaken * strength.unsqueeze(1)), LossOf(model, ones(16, 16), shaken));

        float Loss(float onSource, float onResult) => LossOf(model, ones(16, 16) * onSource, ones(16, 16) * onResult);

        float LossOf(NextStepModel of, Tensor onSource, Tensor onResult)
        {
            Tensor[] drawn = of.Config.InputNoiseShape == InputNoiseShape.Drawn ? [full(1, 1, 0.5f)] : [];
            using NoiseSource draws = new RecordedNoise([cat([onSource, onResult]), .. drawn, TinyModels.Normal("flow", 16, 16), TinyModels.Normal("times", 16)]);
            return of.Losses(batch, draws).Total.item<float>();
        }
    }

    [Fact]
    public void Stopped_and_resumed_a_training_with_edits_ends_with_the_same_bits_and_has_learned()
    {
        using TemporaryFolder straight = new(), broken = new();
        using LatentSet latents = Encoded();
        float[] expected = Train(latents, straight.Path, long.MaxValue);
        Assert.Throws<OperationCanceledException>(() => Train(latents, broken.Path, 500));
        Assert.Equal(expected, Train(latents, broken.Path, long.MaxValue));
        double[] losses = [.. File.ReadLines(Path.Combine(straight.Path, "metrics.jsonl"))
            .Select(l => System.Text.Json.JsonDocument.Parse(l).RootElement.GetProperty("flow.loss").GetDouble())];
        Assert.True(losses[^1] < 0.9 * losses[0], $"the flow loss went from {losses[0]} to {losses[^1]}");
    }

    [Fact]
    public void Training_results_show_no_held_out_pair_and_held_out_edits_do()
    {
        DataConfig config = new() { Edits = 300 };
        using ShapesEditSource train = new(config, DataSplit.Train, EditSide.After, 0), heldOut = new(config, DataSplit.HeldOut, EditSide.After, 0);
        SceneEdit[] seen = [.. Enumerable.Range(0, 300).Select(train.EditAt)], unseen = [.. Enumerable.Range(0, 300).Select(heldOut.EditAt)];
        Assert.Equal(Enum.GetValues<EditKind>(), seen.Select(e => e.Kind).Distinct().Order());
        Assert.All(seen, e => Assert.Equal((PairSplit.Seen, PairSplit.Seen), (HeldOutPairs.Of(e.Before), HeldOutPairs.Of(e.After))));
        Assert.Contains(unseen, e => HeldOutPairs.Of(e.After) == PairSplit.HeldOut);
        Assert.All(unseen.Where((_, i) => i % 2 == 0), e => Assert.Equal(PairSplit.Seen, HeldOutPairs.Of(e.After)));
        using ShapesEditSource before = new(config, DataSplit.Train, EditSide.Before, 0);
        using CaptionedImage source = before.Load(5), result = train.Load(5);
        using Tensor expected = SignedDistanceRenderer.Render(seen[5].Before, 32);
        Assert.Equal(0, TinyModels.Distance(expected, source.Pixels));
        Assert.Equal((seen[5].Instruction, seen[5].Instruction), (source.Caption, result.Caption));
        Assert.Throws<ArgumentException>(() => new ShapesEditSource(config with { Source = DataSource.Emoji }, DataSplit.Train, EditSide.After, 0));
    }

    private static LatentSet Encoded()
    {
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        using IImageSource pictures = ImageSources.Open(Data, DataSplit.Train, 0);
        using ShapesEditSource before = new(Data, DataSplit.Train, EditSide.Before, 0), after = new(Data, DataSplit.Train, EditSide.After, 0);
        return Encode(pictures).WithEdits(Encode(before), Encode(after));

        LatentSet Encode(IImageSource source) => LatentSet.Encode(autoencoder, source, int.MaxValue, null, TestContext.Current.CancellationToken);
    }

    private static float[] Train(LatentSet latents, string folder, long stopAt)
    {
        using CancellationTokenSource stop = new();
        ModelTrainerConfig trainer = new() { Images = 800, BatchSize = 8, Warmup = 40, LogEvery = 80, CheckpointEvery = 160 };
        ResearchConfig config = new()
        {
            Data = Data,
            Autoencoder = TinyModels.Autoencoder,
            Model = new ModelConfig { Size = ModelSize.Nano, InputNoise = 0.2 },
            Training = new TrainingConfig { Model = trainer, DropText = 0.2, ScheduledSampling = new ScheduledSamplingConfig { Share = 0.5, Ramp = 300 } },
        };
        using NextStepModel model = ModelTrainer.Train(config, latents, Tokenizer, new TrainingRun(folder, "model", (images, _) =>
        {
            if (images >= stopAt)
            {
                stop.Cancel();
            }
        }, stop.Token));
        return [.. model.parameters().SelectMany(p => p.data<float>().ToArray())];
    }
}
