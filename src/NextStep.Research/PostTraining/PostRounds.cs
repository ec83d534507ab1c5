using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The rounds of a post-training. The pictures of a round are drawn at its first step by the weights of then, and kept in <c>draws-ROUND.safetensors</c>, so that a run that is
/// killed and started again learns from the same ones.
/// </summary>
internal sealed class PostRounds(ResearchConfig config, LoadedModel model, TrainingRun run, PictureReward reward, EditReward editReward) : IDisposable
{
    private const int AtOnce = 256;

    private readonly PostTrainerConfig _post = config.Training.Post;
    private readonly int _tokens = config.Data.ImageSize / model.Autoencoder.Config.PixelsPerToken;
    private (long Round, DrawnGroups Groups, LatentSet Pictures)? _now;

    /// <summary>The pictures that a step learns from.</summary>
    public (DrawnGroups Groups, LatentSet Pictures) At(long step)
    {
        long steps = (_post.Images + _post.BatchSize - 1) / _post.BatchSize, round = step * _post.Rounds / steps;
        if (_now?.Round != round)
        {
            Dispose();
            DrawnGroups groups = Obtain(round, first: step == 0 || (step - 1) * _post.Rounds / steps < round);
            _now = (round, groups, LatentSet.Of(groups.Tokens, _tokens, _tokens, groups.Prompts, [.. groups.Prompts.Select((_, i) => FormattableString.Invariant($"drawn-{round}-{i:D6}"))]));
        }
        return (_now.Value.Groups, _now.Value.Pictures);
    }

    /// <summary>Mean reward of every round that was drawn.</summary>
    public PostRewards Rewards()
    {
        List<double> pictures = [], edits = [];
        for (long round = 0; round < _post.Rounds && File.Exists(FileOf(round)); round++)
        {
            using DrawnGroups groups = DrawnGroups.Load(FileOf(round));
            if (groups.FirstEdit > 0)
            {
                pictures.Add(groups.Reward);
            }
            if (groups.Sources is not null)
            {
                edits.Add(groups.EditReward);
            }
        }
        return new PostRewards(pictures, edits);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _now?.Pictures.Dispose();
        _now?.Groups.Dispose(); // what no set holds
        _now = null;
    }

    private string FileOf(long round) => Path.Combine(run.Directory, FormattableString.Invariant($"draws-{round:D4}.safetensors"));

    private DrawnGroups Obtain(long round, bool first)
    {
        string file = FileOf(round);
        if (File.Exists(file))
        {
            return DrawnGroups.Load(file);
        }
        if (!first)
        {
            throw new InvalidDataException($"{file} is gone, and the weights that drew it have learned on; delete {Path.Combine(run.Directory, "checkpoint")} to start this stage anew.");
        }
        model.Model.eval();
        DrawnGroups groups = Draw(round);
        model.Model.train();
        groups.Save(file);
        return groups;
    }

    private DrawnGroups Draw(long round)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        (string[] prompts, SceneEdit[] edits) = (Prompts(round), Edits(round));
        List<Tensor> tokens = [];
        List<PictureJudgement> judged = [];
        bool policy = _post.Method == PostMethod.Grpo;
        SamplingConfig sampling = policy ? PolicySampling.Of(config.Sampling) : config.Sampling with { Guidance = _post.Guidance ?? config.Sampling.Guidance };
        TransitionRecorder? recorder = policy ? new TransitionRecorder(PolicySampling.Solver(sampling), _post.LearnedStep, _tokens * _tokens, config.Seed, round) : null;
        foreach (string[] part in prompts.Chunk(Step))
        {
            Judge(part, [], pixels => reward(pixels, Each(part)));
        }
        List<Tensor> sources = [];
        foreach (SceneEdit[] part in edits.Chunk(Step))
        {
            Tensor[] before = [.. part.Select(e => SignedDistanceRenderer.Render(e.Before, config.Data.ImageSize))];
            sources.Add(PatchOrder.Patchify(model.Autoencoder.ToModel(model.Autoencoder.Encode(stack(before).to(model.Autoencoder.parameters().First().device)).Mean), model.Autoencoder.Config.PatchSize).cpu());
            Judge([.. part.Select(e => model.EditPrompt(e.Instruction))], before, pixels => editReward(pixels, Each(part)));
        }
        return new DrawnGroups(
            cat(tokens).DetachFromDisposeScope(), [.. Each(prompts), .. Each(edits).Select(e => e.Instruction)], _post.Draws, judged, sources.Count > 0 ? cat(sources).DetachFromDisposeScope() : null)
        {
            Transitions = recorder?.Take(),
        };

        void Judge(string[] part, Tensor[] before, Func<Tensor, IReadOnlyList<PictureJudgement>> judge)
        {
            using DisposeScope inner = NewDisposeScope();
            ImageGenerator generator = model.Generator();
            Tensor drawn = generator.DrawTokens(
                new GenerationRequest
                {
                    Prompts = part,
                    Images = before,
                    ImagesPerPrompt = _post.Draws,
                    Height = config.Data.ImageSize,
                    Width = config.Data.ImageSize,
                    Sampling = sampling,
                    OnState = recorder is null ? null : recorder.Add,
                    Seed = (long)(Streams.Hash(config.Seed, "post.draws", round) >> 1),
                    FirstImage = judged.Count,
                    BatchSize = AtOnce,
                },
                null, run.Cancellation).cpu();
            judged.AddRange(judge(generator.Decode(drawn, _tokens, _tokens).cpu()));
            tokens.Add(drawn.MoveToOuterDisposeScope());
            long steps = (_post.Images + _post.BatchSize - 1) / _post.BatchSize;
            run.Progress?.Invoke((((round * steps) + _post.Rounds - 1) / _post.Rounds) * _post.BatchSize, new Dictionary<string, double>
            {
                ["post.drawn"] = (double)judged.Count / ((long)_post.Prompts * _post.Draws), ["post.reward"] = judged.Average(j => j.Reward),
            });
        }
    }

    // Prompts whose pictures go through the model at once.
    private int Step => Math.Max(1, AtOnce / _post.Draws);

    private T[] Each<T>(IEnumerable<T> prompts) => [.. prompts.SelectMany(p => Enumerable.Repeat(p, _post.Draws))];

    private int EditCount => (int)Math.Round(_post.Prompts * _post.Edits);

    private string[] Prompts(long round)
    {
        using IImageSource source = ImageSources.Open(config.Data, DataSplit.Train, config.Seed);
        SplitMix64 random = Streams.Managed(config.Seed, "post.prompts", round);
        return [.. Enumerable.Range(0, _post.Prompts - EditCount).Select(_ => source.Caption(random.NextInt(source.Count)))];
    }

    private SceneEdit[] Edits(long round)
    {
        if (EditCount == 0)
        {
            return [];
        }
        using ShapesEditSource source = new(config.Data, DataSplit.Train, EditSide.Before, config.Seed);
        SplitMix64 random = Streams.Managed(config.Seed, "post.edits", round);
        return [.. Enumerable.Range(0, EditCount).Select(_ => source.EditAt(random.NextInt(source.Count)))];
    }
}
