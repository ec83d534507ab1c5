using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.PostTraining;

/// <summary>The teacher is known exactly: it is the start itself, drawn with guidance.</summary>
public sealed class DistillationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(4, 3.2)]
    public void The_velocities_to_be_learned_lead_where_the_guided_start_goes_from_the_same_noise(int steps, double shift)
    {
        using DisposeScope scope = NewDisposeScope();
        using LoadedModel model = Small();
        ResearchConfig config = Config(steps, shift);
        using DistillationObjective objective = new(config, model);
        Tensor conditions = randn(12, model.Model.Config.Head.ConditionWidth);
        using NoiseSource noise = new DrawnNoise(0, "test"), same = new DrawnNoise(0, "test");
        (Tensor states, Tensor velocities) = objective.Trajectory(conditions, noise);
        Tensor start = same.Normal(6, model.Model.Config.TokenWidth);
        Close(start, states.narrow(0, 0, 6), 0);
        float[] grid = TimestepSchedule.Grid(steps, shift);
        Tensor x = start;
        for (int i = 0; i < steps; i++)
        {
            Close(x, states.narrow(0, 6 * i, 6), 1e-5);
            x = x.Plus(velocities.narrow(0, 6 * i, 6).Times(grid[i + 1] - grid[i]));
        }
        using FlowSampler teacher = new(model.Model.Head.Network, new FlowSamplerOptions { Steps = 12, TimestepShift = shift });
        using RecordedNoise recorded = new([start.clone()]);
        Close(teacher.Sample(conditions, new Guidance(GuidanceBranches.Text, 2.5), recorded), x, 1e-5);
    }

    [Fact]
    public void The_head_is_told_what_it_is_told_when_it_draws_after_the_same_tokens()
    {
        using DisposeScope scope = NewDisposeScope();
        using LoadedModel model = Small();
        ResearchConfig config = Config(2, 1);
        using DistillationObjective objective = new(config, model);
        using Replay replay = new(config, model.Autoencoder);
        using NoiseSource noise = new DrawnNoise(0, "test");
        using ShapesEditSource edits = new(config.Data, DataSplit.Train, EditSide.Before, config.Seed);
        foreach ((int pictures, int edited) in ((int, int)[])[(2, 0), (0, 2)])
        {
            LatentSet seen = replay.Alone(pictures, edited, 0, noise);
            Tensor off = randn(2, 4, model.Model.Config.TokenWidth);
            Tensor told = objective.Conditions(model.Model, seen, off, 2).view(2, 2, 4, -1); // [branches, pictures, L, H]
            List<Tensor> drawn = [];
            model.Generator().DrawTokens(new GenerationRequest
            {
                Prompts = [.. seen.Captions.Select(c => edited > 0 ? model.EditPrompt(c) : c)],
                Images = edited == 0 ? [] : [.. Batches.Indices(config.Seed, "post.replay.edits", 0, edited, edits.Count).Select(i => edits.Load(i).Pixels)],
                Height = 8, Width = 8, Sampling = new SamplingConfig { Guidance = 2.5, Steps = 1 }, Teacher = seen.Means.add(off),
                OnToken = token => drawn.Add(token.Conditions.clone().MoveToOtherDisposeScope(scope)),
            }, cancellation: TestContext.Current.CancellationToken);
            Close(stack(drawn, 1).view(2, 2, 4, -1), told, 1e-4);
        }
    }

    [Fact]
    public void One_evaluation_learns_to_draw_what_twelve_guided_steps_draw_and_what_is_frozen_does_not_move()
    {
        using DisposeScope scope = NewDisposeScope();
        using LoadedModel model = Small(), start = Small();
        ResearchConfig config = Config(1, 1);
        config = config with { Training = config.Training with { Post = config.Training.Post with { Frozen = ["layers", "norm", "embed_tokens", "lm_head", "image_in_projector", "image_out_projector"] } } };
        Tensor wanted = Draw(start, 2.5, 12), before = Draw(start, 1, 1);
        PostTrainer.Train(config, model, new TrainingRun(_folder.File("run"), "post", null, TestContext.Current.CancellationToken));
        double far = before.sub(wanted).Squared().mean().item<float>(), near = Draw(model, 1, 1).sub(wanted).Squared().mean().item<float>();
        Assert.InRange(near / far, 0, 0.5);
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in model.Model.named_parameters())
        {
            bool same = parameter.data<float>().SequenceEqual(start.Model.get_parameter(name)!.data<float>());
            Assert.True(same != name.StartsWith("image_head.", StringComparison.Ordinal), name);
            Assert.True(parameter.requires_grad, name);
        }

        // Each token after the same true ones: only the head differs.
        static Tensor Draw(LoadedModel model, double guidance, int steps) => model.Generator().DrawTokens(new GenerationRequest
        {
            Prompts = [.. Enumerable.Repeat("a red circle on white", 32)], Height = 8, Width = 8, Seed = 7,
            Sampling = new SamplingConfig { Guidance = guidance, Steps = steps, NormalizeTokens = false }, Teacher = zeros(32, 4, model.Model.Config.TokenWidth),
        }, cancellation: TestContext.Current.CancellationToken);
    }

    [Fact]
    public void A_run_that_is_stopped_ends_with_the_same_bits()
    {
        ResearchConfig config = Config(2, 1);
        config = config with { Training = config.Training with { Post = config.Training.Post with { Images = 48, Ema = 0.9, LogEvery = 8, CheckpointEvery = 16, Frozen = ["layers"] } } };
        using LoadedModel whole = Small(), stopped = Small(), resumed = Small();
        PostTrainer.Train(config, whole, new TrainingRun(_folder.File("whole"), "post", null, TestContext.Current.CancellationToken));
        using CancellationTokenSource stop = new();
        Assert.Throws<OperationCanceledException>(() => PostTrainer.Train(config, stopped, new TrainingRun(_folder.File("parts"), "post", (images, _) =>
        {
            if (images == 24)
            {
                stop.Cancel();
            }
        }, stop.Token)));
        Assert.All(stopped.Model.named_parameters(), p => Assert.True(p.parameter.requires_grad, p.name)); // frozen for the training alone
        PostTrainer.Train(config, resumed, new TrainingRun(_folder.File("parts"), "post", null, TestContext.Current.CancellationToken));
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in whole.Model.named_parameters())
        {
            Assert.True(parameter.data<float>().SequenceEqual(resumed.Model.get_parameter(name)!.data<float>()), name);
        }
        Assert.Contains(whole.Model.named_parameters(), p => !p.parameter.data<float>().SequenceEqual(stopped.Model.get_parameter(p.name)!.data<float>()));
    }

    [Fact]
    public void What_cannot_be_learned_is_said_with_the_mend()
    {
        using LoadedModel model = Small();
        ResearchConfig config = Config(2, 1);
        TrainingRun run = new(_folder.File("run"), "post", null, TestContext.Current.CancellationToken);
        Assert.Contains("training.post.teacherSteps (12) must be a multiple of sampling.steps (5)", Refused(config with { Sampling = config.Sampling with { Steps = 5 } }), StringComparison.Ordinal);
        Assert.Contains("sampling.guidance 1", Refused(config with { Sampling = config.Sampling with { Guidance = 2 } }), StringComparison.Ordinal);
        Assert.Contains("the same sampling.steps for every token", Refused(config with { Sampling = config.Sampling with { FinalSteps = 1 } }), StringComparison.Ordinal);

        string Refused(ResearchConfig refused) => Assert.Throws<NotSupportedException>(() => PostTrainer.Train(refused, model, run)).Message;
    }

    private static void Close(Tensor expected, Tensor actual, double tolerance) => Assert.True(allclose(expected, actual, tolerance, tolerance), $"{expected.sub(actual).abs().max().item<float>()}");

    private static ResearchConfig Config(int steps, double shift) => new()
    {
        Data = new DataConfig { ImageSize = 8, Images = 64, Edits = 64, Skills = ["colors"] },
        Sampling = new SamplingConfig { Steps = steps, Guidance = 1, TimestepShift = shift },
        Training = new TrainingConfig
        {
            Post = new PostTrainerConfig
            {
                Method = PostMethod.Distill, Images = 2400, BatchSize = 8, LearningRate = 3e-3, Warmup = 0, Ema = 0, WeightDecay = 0, Guidance = 2.5, TeacherSteps = 12, Edits = 0.25,
            },
        },
    };

    // First weights let a head's velocity be 0 everywhere; these let it depend on all that it is told.
    private static LoadedModel Small()
    {
        AutoencoderConfig autoencoder = new() { Width = 8, Multipliers = [1, 1], LatentChannels = 2, PatchSize = 2 };
        ByteTokenizer tokenizer = new();
        LoadedModel model = new(
            new NextStepModel(ModelSizes.Resolve(new ModelConfig { Size = ModelSize.Nano, Head = new FlowHead { BatchMultiplier = 1, Layers = 2, Width = 32 } }, autoencoder, tokenizer)),
            new ImageAutoencoder(autoencoder), tokenizer, 8, new SamplingConfig());
        Initialization.Apply(model.Model, 0);
        Initialization.Apply(model.Autoencoder, 0);
        using IDisposable guard = no_grad();
        using NoiseSource noise = new DrawnNoise(0, "weights");
        foreach ((string _, TorchSharp.Modules.Parameter parameter) in model.Model.Head.named_parameters().Where(p => p.parameter.dim() == 2))
        {
            using DisposeScope scope = NewDisposeScope();
            parameter.copy_(noise.Normal(parameter.shape).Times(1 / Math.Sqrt(parameter.size(1))));
        }
        model.Model.eval();
        model.Autoencoder.eval();
        return model;
    }
}
