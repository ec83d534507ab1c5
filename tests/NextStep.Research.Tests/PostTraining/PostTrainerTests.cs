using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.PostTraining;

/// <summary>A tiny model that learned nothing draws noise, and a reward takes every other picture.</summary>
public sealed class PostTrainerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(PostMethod.Reject)]
    [InlineData(PostMethod.Dpo)]
    [InlineData(PostMethod.Grpo)]
    public void A_run_that_is_stopped_in_its_second_round_ends_with_the_same_bits(PostMethod method)
    {
        ResearchConfig config = Config(method);
        config = config with { Training = config.Training with { Post = config.Training.Post with { LogEvery = 8, CheckpointEvery = 16, Ema = 0.9 } } };
        using LoadedModel whole = Tiny(), stopped = Tiny(), resumed = Tiny(), again = Tiny();
        PostRewards rewards = PostTrainer.Train(config, whole, Run("whole"), First);
        using CancellationTokenSource stop = new();
        Assert.Throws<OperationCanceledException>(() => PostTrainer.Train(config, stopped, Run("parts", images =>
        {
            if (images == 40)
            {
                stop.Cancel();
            }
        }, stop), First));
        Assert.Equal(rewards.Pictures, PostTrainer.Train(config, resumed, Run("parts"), First).Pictures);
        Assert.Equal(Weights(whole.Model), Weights(resumed.Model));
        Assert.NotEqual(Weights(whole.Model), Weights(stopped.Model));
        // Killed before its first checkpoint: what was drawn is read, not drawn again.
        Directory.CreateDirectory(_folder.File("drawn"));
        foreach (string file in Directory.GetFiles(_folder.File("whole"), "draws-*"))
        {
            File.Copy(file, _folder.File($"drawn/{Path.GetFileName(file)}"));
        }
        PostTrainer.Train(config, again, Run("drawn"), (_, _) => throw new InvalidOperationException("drawn again"));
        Assert.Equal(Weights(whole.Model), Weights(again.Model));
    }

    [Theory]
    [InlineData(PostMethod.Reject)]
    [InlineData(PostMethod.Grpo)]
    public void Edits_are_drawn_from_their_sources_and_learned_from_and_a_stopped_run_ends_with_the_same_bits(PostMethod method)
    {
        ResearchConfig config = Config(method);
        config = config with
        {
            Data = config.Data with { Edits = 64 },
            Training = config.Training with { Post = config.Training.Post with { Edits = 0.5, LogEvery = 8, CheckpointEvery = 16 } },
        };
        using LoadedModel whole = Tiny(), stopped = Tiny(), resumed = Tiny(), without = Tiny();
        List<SceneEdit> asked = [];
        PostRewards rewards = PostTrainer.Train(config, whole, Run("whole"), First, (pixels, edits) =>
        {
            asked.AddRange(edits);
            return OfEdits(pixels, edits);
        });
        int rounds = config.Training.Post.Rounds;
        Assert.Equal((rounds, rounds), (rewards.Pictures.Count, rewards.Edits.Count));
        Assert.Equal(rounds * 16, asked.Count); // in a round four edits, four draws each
        Assert.All(asked.Chunk(4), edits => Assert.Single(edits.Distinct()));
        using CancellationTokenSource stop = new();
        Assert.Throws<OperationCanceledException>(() => PostTrainer.Train(config, stopped, Run("parts", images =>
        {
            if (images == 40)
            {
                stop.Cancel();
            }
        }, stop), First, OfEdits));
        PostRewards again = PostTrainer.Train(config, resumed, Run("parts"), First, OfEdits);
        Assert.Equal(rewards.Edits, again.Edits);
        Assert.Equal(Weights(whole.Model), Weights(resumed.Model));
        PostTrainer.Train(config, without, Run("without"), First, (_, edits) => [.. edits.Select(_ => new PictureJudgement(0))]);
        Assert.NotEqual(Weights(whole.Model), Weights(without.Model)); // the accepted edits made a difference

        static IReadOnlyList<PictureJudgement> OfEdits(Tensor pixels, IReadOnlyList<SceneEdit> edits) => First(pixels, [.. edits.Select(e => e.Instruction)]);
    }

    [Fact]
    public void A_round_that_is_over_leaves_no_tensor_behind()
    {
        ResearchConfig config = Config(PostMethod.Reject);
        config = config with { Data = config.Data with { Edits = 64 }, Training = config.Training with { Post = config.Training.Post with { Edits = 0.5 } } };
        using LoadedModel model = Tiny();
        using PostRounds rounds = new(config, model, Run("rounds"), First, (_, edits) => [.. edits.Select(_ => new PictureJudgement(1))]);
        DrawnGroups first = rounds.At(0).Groups, second = rounds.At(3).Groups;
        Assert.True(first.Tokens.IsInvalid && first.Sources!.IsInvalid);
        Assert.False(second.Tokens.IsInvalid || second.Sources!.IsInvalid);
        rounds.Dispose();
        Assert.True(second.Tokens.IsInvalid && second.Sources.IsInvalid);
    }

    [Fact]
    public void What_a_step_learns_of_an_edit_is_its_own_source_and_the_result_that_was_accepted()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor tokens = arange(8, ScalarType.Float32).view(8, 1, 1).expand(8, 4, 8).contiguous(), sources = (arange(2, ScalarType.Float32) + 100).view(2, 1, 1).expand(2, 4, 8).contiguous();
        string[] prompts = ["a", "a", "b", "b", "c", "c", "d", "d"];
        PictureJudgement[] judged = [new(1), new(0), new(0), new(0), new(0, 3), new(1, 3), new(1, 0), new(0, 0)];
        DrawnGroups groups = new(tokens, prompts, 2, judged, sources);
        Assert.Equal(4, groups.FirstEdit);
        Assert.Equal((0.25, 0.5), (groups.Reward, groups.EditReward));
        int[] accepted = groups.Accept(300, Streams.Managed(0, "test", 0));
        Assert.Equal([0, 5, 6], accepted.Distinct().Order()); // kind 0 of a picture is not kind 0 of an edit
        Assert.All(accepted.CountBy(i => i), c => Assert.InRange(c.Value, c.Key == 0 ? 120 : 50, c.Key == 0 ? 180 : 100));
        groups.Save(_folder.File("groups.safetensors"));
        DrawnGroups read = DrawnGroups.Load(_folder.File("groups.safetensors"));
        using LoadedModel model = Tiny();
        using Replay replay = new(Config(PostMethod.Reject), model.Autoencoder);
        using NoiseSource noise = new DrawnNoise(0, "test", 0);
        LatentSet drawn = LatentSet.Of(read.Tokens, 2, 2, prompts, [.. prompts.Select((p, i) => $"{p}{i}")]);
        LatentSet seen = replay.With(drawn, read, [6, 0, 5], 0, 0, noise);
        Assert.Equal(1, seen.Pairs);
        Assert.Equal(["a0", "d6", "c5"], seen.Ids);
        Assert.Equal([0f, 6, 5], seen.Means.select(1, 0).select(1, 0).data<float>().ToArray());
        Assert.Equal([101f, 100], seen.Sources!.Means.select(1, 0).select(1, 0).data<float>().ToArray());
    }

    [Fact]
    public void Policy_and_start_agree_before_the_first_step_of_dpo_and_no_longer_after_it()
    {
        ResearchConfig config = Config(PostMethod.Dpo);
        config = config with { Training = config.Training with { Post = config.Training.Post with { Images = 16, Rounds = 1, LogEvery = 8 } } };
        using LoadedModel model = Tiny();
        PostTrainer.Train(config, model, Run("margin"), First);
        double[] margins = [.. File.ReadLines(_folder.File("margin/metrics.jsonl")).Select(l => System.Text.Json.JsonDocument.Parse(l).RootElement.GetProperty("post.margin").GetDouble())];
        Assert.Equal(0, margins[0]);
        Assert.NotEqual(0, margins[1]);
    }

    [Fact]
    public void What_cannot_be_learned_from_is_said_with_the_mend()
    {
        using LoadedModel model = Tiny();
        string none = Assert.Throws<StepException>(() => PostTrainer.Train(Config(PostMethod.Reject), model, Run("none"), (_, prompts) => [.. prompts.Select(_ => new PictureJudgement(0))])).Message;
        Assert.Contains("None of the 32 pictures drawn was accepted, so there is nothing to learn from; raise training.post.prompts or draws", none, StringComparison.Ordinal);
        string all = Assert.Throws<StepException>(() => PostTrainer.Train(Config(PostMethod.Dpo), model, Run("all"), (_, prompts) => [.. prompts.Select(_ => new PictureJudgement(1))])).Message;
        Assert.Contains("Of the 8 prompts drawn none has an accepted and a rejected picture of one kind, so there are no pairs", all, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_that_drew_a_lost_round_are_not_taken_for_those_that_learned_on()
    {
        using LoadedModel model = Tiny(), again = Tiny();
        ResearchConfig config = Config(PostMethod.Reject);
        config = config with { Training = config.Training with { Post = config.Training.Post with { LogEvery = 8, CheckpointEvery = 16 } } };
        using CancellationTokenSource stop = new();
        Assert.Throws<OperationCanceledException>(() => PostTrainer.Train(config, model, Run("lost", images =>
        {
            if (images == 32)
            {
                stop.Cancel();
            }
        }, stop), First));
        File.Delete(_folder.File("lost/draws-0001.safetensors"));
        Assert.Contains("draws-0001.safetensors is gone, and the weights that drew it have learned on; delete", Assert.Throws<StepException>(() => PostTrainer.Train(config, again, Run("lost"), First)).Message, StringComparison.Ordinal);
    }

    // The first token's place is brighter than the second's: of noise, every other picture.
    internal static IReadOnlyList<PictureJudgement> First(Tensor pixels, IReadOnlyList<string> prompts)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor row = pixels.narrow(2, 0, 4);
        return [.. row.narrow(3, 0, 4).mean([1, 2, 3]).gt(row.narrow(3, 4, 4).mean([1, 2, 3])).data<bool>().Select(b => new PictureJudgement(b ? 1 : 0))];
    }

    private TrainingRun Run(string name, Action<long>? progress = null, CancellationTokenSource? stop = null) => new(_folder.File(name), "post", (images, _) => progress?.Invoke(images), stop?.Token ?? TestContext.Current.CancellationToken);

    internal static ResearchConfig Config(PostMethod method) => new()
    {
        Data = new DataConfig { ImageSize = 8, Images = 64, Skills = ["colors"] },
        Sampling = new SamplingConfig { Steps = 4, Guidance = 1 },
        Training = new TrainingConfig
        {
            Post = new PostTrainerConfig
            {
                Method = method, Images = 48, BatchSize = 8, LearningRate = 1e-3, Warmup = 0, Schedule = LearningRateSchedule.Constant, Ema = 0, WeightDecay = 0,
                Rounds = method == PostMethod.Grpo ? 6 : 2, Prompts = 8, Draws = 4, Beta = 20,
            },
        },
    };

    internal static LoadedModel Tiny()
    {
        AutoencoderConfig autoencoder = new() { Width = 8, Multipliers = [1, 1], LatentChannels = 2, PatchSize = 2 };
        ByteTokenizer tokenizer = new();
        LoadedModel model = new(
            new NextStepModel(ModelSizes.Resolve(new ModelConfig { Size = ModelSize.Nano, Head = new FlowHead { BatchMultiplier = 2, Layers = 2, Width = 32 } }, autoencoder, tokenizer)),
            new ImageAutoencoder(autoencoder), tokenizer, 8, new SamplingConfig());
        Initialization.Apply(model.Model, 0);
        Initialization.Apply(model.Autoencoder, 0);
        model.Model.eval();
        model.Autoencoder.eval();
        return model;
    }

    private static Dictionary<string, float[]> Weights(NextStepModel model) => model.named_parameters().ToDictionary(p => p.name, p => p.parameter.data<float>().ToArray());
}
