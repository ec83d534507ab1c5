using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary><see cref="PostMethod.Reject"/>: the ordinary losses on accepted pictures, and on training pictures beside them.</summary>
internal sealed class RejectionObjective(ResearchConfig config, LoadedModel start, PostRounds rounds) : PostObjective(config, start)
{
    public override StepOutcome Step(long step)
    {
        (DrawnGroups groups, LatentSet pictures) = rounds.At(step);
        SplitMix64 random = Streams.Managed(Config.Seed, "post.order", step);
        int size = Config.Training.Post.BatchSize, replayed = (int)Math.Round(size * Config.Training.Post.Replay);
        int[] accepted = replayed == size ? [] : groups.Accept(size - replayed, random);
        using NoiseSource noise = new DrawnNoise(Config.Seed, "post.noise", step);
        LatentSet seen = Replay.With(pictures, groups, accepted, replayed, step, noise);
        DroppedCondition[] dropped = [.. Enumerable.Range(0, size).Select(i => ModelTrainer.Drop(random.NextDouble(), Config.Training.DropText, i >= seen.Pairs))];
        using IDisposable? precision = Autocast.For(Config.Training.Post.Precision, Model.Transformer.LayerDevices[0]);
        ModelLosses losses = Model.Losses(Batch(seen, dropped, noise), noise);
        return new StepOutcome(losses.Total, ModelTrainer.Metrics(losses, Model.Head.LossName), seen.Ids);
    }
}
