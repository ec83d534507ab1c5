using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.PostTraining;

/// <summary>Teacher forcing gives the densities that the sampler drew from, of pictures and of edits.</summary>
public sealed class PolicyObjectiveTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(LearnedStep.Round, "cps", 0)]
    [InlineData(LearnedStep.Token, "cps", 0.5)]
    [InlineData(LearnedStep.Token, "sde", 1)]
    public void The_noise_of_a_recorded_step_found_anew_is_the_noise_that_was_drawn(LearnedStep which, string solver, double edits)
    {
        ResearchConfig config = PostTrainerTests.Config(PostMethod.Grpo);
        config = config with
        {
            Data = config.Data with { Edits = edits > 0 ? 64 : 0 },
            Sampling = config.Sampling with { Solver = solver == "sde" ? SamplingSolver.Sde : SamplingSolver.Ode },
            Training = config.Training with { Post = config.Training.Post with { LearnedStep = which, Edits = edits } },
        };
        using LoadedModel model = PostTrainerTests.Tiny();
        TinyModels.Randomize(model.Model, 3); // of first weights the velocity is 0
        using PostRounds rounds = new(config, model, new TrainingRun(_folder.File("run"), "post"), (p, _) => Rewards(p), (p, _) => Rewards(p));
        using PolicyObjective objective = new(config, model, rounds);
        (DrawnGroups groups, LatentSet pictures) = rounds.At(0);
        int count = groups.Prompts.Count;
        int[] all = [.. Enumerable.Range(0, count)];
        using Replay replay = new(config, model.Autoencoder);
        using NoiseSource none = new DrawnNoise(0, "none");
        LatentSet seen = replay.With(pictures, groups, all, 0, 0, none);
        ModelBatch batch = ModelTrainer.Batch(new SequenceLayout(model.Tokenizer, model.Model.Config.EditLayout), model.Tokenizer.Special, seen, all, new DroppedCondition[count], none, CPU);
        Transitions drawn = groups.Transitions!.Of(all, CPU);
        (Tensor mean, Tensor deviation) = objective.Gaussian(model.Model, batch, drawn);
        Tensor found = StepDensity.Standardized(drawn.After, mean, deviation).detach().view(count, 4, -1);

        // The stream of every picture: for each token the first state, then a draw for each stochastic step.
        using NoiseSource stream = new PerImageNoise((long)(Streams.Hash(config.Seed, "post.draws", 0) >> 1), "sampling.noise", 0);
        FlowSolver steps = PolicySampling.Solver(PolicySampling.Of(config.Sampling));
        int[] stochastic = PolicySampling.Stochastic(steps);
        HashSet<long> used = [];
        for (int token = 0; token < 4; token++)
        {
            stream.Normal(count, found.size(2)).Dispose();
            Tensor[] noise = [.. stochastic.Select(_ => stream.Normal(count, found.size(2)))];
            for (int i = 0; i < count; i++)
            {
                long step = groups.Transitions.Steps[i, token].item<long>();
                used.Add(step);
                Assert.InRange((found[i, token] - noise[Array.IndexOf(stochastic, (int)step)][i]).abs().max().item<float>(), 0, 2e-3);
            }
        }
        Assert.Equal(which == LearnedStep.Round ? 1 : stochastic.Length, used.Count);
        Assert.True(mean.std().item<float>() > 0.1);
    }

    [Fact]
    public void Every_round_learns_another_step_and_the_same_one_again_of_the_same_seed()
    {
        FlowSolver solver = new(new FlowSamplerOptions { Solver = SamplingSolver.Cps, Steps = 5 });
        Assert.Equal([0, 1, 2, 3], Enumerable.Range(0, 40).Select(r => Step(r)).Distinct().Order());
        Assert.Equal(Step(7), Step(7));

        long Step(long round)
        {
            TransitionRecorder recorder = new(solver, LearnedStep.Round, 1, 3, round);
            recorder.Add(new SampledState(0, 0, zeros(1, 2)));
            using Transitions kept = recorder.Take();
            return kept.Steps.item<long>();
        }
    }

    [Fact]
    public void A_head_without_steps_guided_draws_and_a_sampling_without_noise_are_refused()
    {
        using LoadedModel model = PostTrainerTests.Tiny();
        ResearchConfig config = PostTrainerTests.Config(PostMethod.Grpo);
        Assert.Contains("it must be 1 and is 3", Refused(config with { Training = config.Training with { Post = config.Training.Post with { Guidance = 3 } } }), StringComparison.Ordinal);
        Assert.Contains("1 steps at sampling.noiseLevel 0.8 have none", Refused(config with { Sampling = config.Sampling with { Steps = 1 } }), StringComparison.Ordinal);

        string Refused(ResearchConfig wrong) => Assert.Throws<NotSupportedException>(() => PostTrainer.Train(wrong, model, new TrainingRun(_folder.File("refused"), "post"))).Message;
    }

    [Fact]
    public void The_divergence_from_the_start_is_0_before_the_first_step_and_held_small_by_its_weight()
    {
        double loose = Last(1e-6), tight = Last(100);
        Assert.True(loose > 4 * tight, $"{loose}, {tight}");

        double Last(double weight)
        {
            ResearchConfig config = PostTrainerTests.Config(PostMethod.Grpo);
            config = config with { Training = config.Training with { Post = config.Training.Post with { LogEvery = 8, KlWeight = weight } } };
            using LoadedModel model = PostTrainerTests.Tiny();
            string name = FormattableString.Invariant($"kl-{weight}");
            PostTrainer.Train(config, model, new TrainingRun(_folder.File(name), "post"), PostTrainerTests.First);
            double[] kl = [.. File.ReadLines(_folder.File($"{name}/metrics.jsonl")).Select(l => System.Text.Json.JsonDocument.Parse(l).RootElement.GetProperty("post.kl").GetDouble())];
            Assert.Equal(0, kl[0]);
            return kl[^1];
        }
    }

    private static PictureJudgement[] Rewards(Tensor pixels) => [.. Enumerable.Range(0, (int)pixels.size(0)).Select(i => new PictureJudgement(i % 2))];
}
