using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary><see cref="PostMethod.Dpo"/>: an accepted and a rejected picture of one prompt, by <see cref="PreferenceLoss"/>; anchored by the flow loss of the accepted pictures and of training pictures.</summary>
internal sealed class PreferenceObjective : PostObjective
{
    private readonly PostRounds _rounds;
    private readonly NextStepModel _reference;

    public PreferenceObjective(ResearchConfig config, LoadedModel start, PostRounds rounds)
        : base(config, start)
    {
        if (start.Model.Head is not FlowMatchingHead)
        {
            throw new NotSupportedException($"training.post.method: dpo compares flow losses, which the head {start.Model.Head.GetType().Name} does not have; use the method reject, or a model with the head flow.");
        }
        _rounds = rounds;
        _reference = FrozenCopy(start.Model);
    }

    public override StepOutcome Step(long step)
    {
        PostTrainerConfig post = Config.Training.Post;
        (DrawnGroups groups, LatentSet pictures) = _rounds.At(step);
        int pairs = post.BatchSize / 2;
        (int[] winners, int[] losers) = groups.Pairs(pairs, Streams.Managed(Config.Seed, "post.order", step));
        int replayed = post.Anchor == 0 ? 0 : (int)Math.Round(pairs * post.Replay), compared = 2 * pairs, all = compared + replayed;
        using NoiseSource noise = new DrawnNoise(Config.Seed, "post.noise", step);
        LatentSet seen = Replay.With(pictures, groups, [.. winners, .. losers], replayed, step, noise);
        using IDisposable? precision = Autocast.For(post.Precision, Model.Transformer.LayerDevices[0]);
        ModelBatch batch = Batch(seen, new DroppedCondition[all], noise);
        int repeat = Model.Config.HeadBatchMultiplier;
        long half = batch.Tokens.size(0) / all * pairs;
        // Winner and loser of a pair share time and noise too, place by place.
        (Tensor epsilon, Tensor times) = FlowMatchingHead.Draw(batch.Tokens.narrow(0, half, batch.Tokens.size(0) - half).repeat(repeat, 1), noise);
        epsilon = FirstTwice(epsilon, repeat, half);
        times = FirstTwice(times, repeat, half);
        Tensor losses = Losses(Model), reference;
        using (no_grad())
        {
            reference = Losses(_reference);
        }
        Tensor won = losses.narrow(0, 0, pairs), lost = losses.narrow(0, pairs, pairs);
        (Tensor loss, Tensor margin) = PreferenceLoss.Of(won, lost, reference.narrow(0, 0, pairs), reference.narrow(0, pairs, pairs), post.Beta);
        if (post.Anchor > 0)
        {
            loss = loss.Plus(PreferenceLoss.Anchor(won, losses.narrow(0, compared, replayed), post.Beta).Times(post.Anchor));
        }
        return new StepOutcome(
            loss,
            [
                StepMetric.Mean("post.loss", loss), StepMetric.Mean("post.margin", margin.mean()), StepMetric.Mean("post.ordered", margin.gt(Scalars.Of(0)).to_type(ScalarType.Float32).mean()),
                StepMetric.Mean("post.accepted.loss", won.mean()), StepMetric.Mean("post.rejected.loss", lost.mean()),
            ],
            seen.Ids);

        Tensor Losses(NextStepModel model) => PreferenceLoss.PerPicture((FlowMatchingHead)model.Head, batch.Tokens, model.Conditions(batch), epsilon, times, all, repeat);
    }

    // [repeat·n, …] to [repeat·(half + n), …]: of every draw's block the first half stands there twice.
    private static Tensor FirstTwice(Tensor drawn, int repeat, long half)
    {
        using DisposeScope scope = NewDisposeScope();
        return cat([.. drawn.chunk(repeat).SelectMany(c => (Tensor[])[c.narrow(0, 0, half), c])]).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        _reference.Dispose();
        base.Dispose(disposing);
    }
}
