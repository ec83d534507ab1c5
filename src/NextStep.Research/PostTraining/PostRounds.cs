using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The rounds of a post-training. The pictures of a round are drawn at its first step by the weights of then, and kept in <c>draws-ROUND.safetensors</c>, so that a run that is
/// killed and started again learns from the same ones.
/// </summary>
internal sealed class PostRounds(ResearchConfig config, LoadedModel model, TrainingRun run, PictureReward reward) : IDisposable
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
            _now?.Pictures.Dispose();
            _now = null;
            DrawnGroups groups = Obtain(round, first: step == 0 || (step - 1) * _post.Rounds / steps < round);
            _now = (round, groups, LatentSet.Of(groups.Tokens, _tokens, _tokens, groups.Prompts, [.. groups.Prompts.Select((_, i) => FormattableString.Invariant($"drawn-{round}-{i:D6}"))]));
        }
        return (_now.Value.Groups, _now.Value.Pictures);
    }

    /// <summary>Mean reward of every round that was drawn.</summary>
    public IReadOnlyList<double> Rewards()
    {
        List<double> rewards = [];
        for (long round = 0; round < _post.Rounds && File.Exists(FileOf(round)); round++)
        {
            using DrawnGroups groups = DrawnGroups.Load(FileOf(round));
            rewards.Add(groups.Reward);
        }
        return rewards;
    }

    /// <inheritdoc/>
    public void Dispose() => _now?.Pictures.Dispose();

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
        ImageGenerator generator = model.Generator();
        string[] prompts = Prompts(round);
        List<Tensor> tokens = [];
        List<PictureJudgement> judged = [];
        int step = Math.Max(1, AtOnce / _post.Draws);
        long total = (long)prompts.Length * _post.Draws;
        for (int start = 0; start < prompts.Length; start += step)
        {
            using DisposeScope inner = NewDisposeScope();
            string[] part = prompts[start..Math.Min(prompts.Length, start + step)];
            Tensor drawn = generator.DrawTokens(
                new GenerationRequest
                {
                    Prompts = part,
                    ImagesPerPrompt = _post.Draws,
                    Height = config.Data.ImageSize,
                    Width = config.Data.ImageSize,
                    Sampling = config.Sampling with { Guidance = _post.Guidance ?? config.Sampling.Guidance },
                    Seed = (long)(Streams.Hash(config.Seed, "post.draws", round) >> 1),
                    FirstImage = (long)start * _post.Draws,
                    BatchSize = AtOnce,
                },
                null, run.Cancellation).cpu();
            judged.AddRange(reward(generator.Decode(drawn, _tokens, _tokens).cpu(), [.. part.SelectMany(p => Enumerable.Repeat(p, _post.Draws))]));
            tokens.Add(drawn.MoveToOuterDisposeScope());
            long steps = (_post.Images + _post.BatchSize - 1) / _post.BatchSize;
            run.Progress?.Invoke((((round * steps) + _post.Rounds - 1) / _post.Rounds) * _post.BatchSize, new Dictionary<string, double> { ["post.drawn"] = (double)judged.Count / total, ["post.reward"] = judged.Average(j => j.Reward) });
        }
        return new DrawnGroups(cat(tokens).DetachFromDisposeScope(), [.. prompts.SelectMany(p => Enumerable.Repeat(p, _post.Draws))], _post.Draws, judged);
    }

    private string[] Prompts(long round)
    {
        using IImageSource source = ImageSources.Open(config.Data, DataSplit.Train, config.Seed);
        SplitMix64 random = Streams.Managed(config.Seed, "post.prompts", round);
        return [.. Enumerable.Range(0, _post.Prompts).Select(_ => source.Caption(random.NextInt(source.Count)))];
    }
}
