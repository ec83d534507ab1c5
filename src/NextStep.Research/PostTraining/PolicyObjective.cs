using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// <see cref="PostMethod.Grpo"/>: the policy gradient of one stochastic step of every drawn token, strictly by the weights that drew it (Flow-GRPO, arXiv 2505.05470; Flow-CPS,
/// arXiv 2509.05952; NextStep-1.1). Log-probabilities are computed anew, for all tokens at once, by teacher forcing.
/// </summary>
internal sealed class PolicyObjective : PostObjective
{
    private readonly PostRounds _rounds;
    private readonly NextStepModel? _reference;
    private readonly FlowSolver _solver;

    public PolicyObjective(ResearchConfig config, LoadedModel start, PostRounds rounds)
        : base(config, start)
    {
        PostTrainerConfig post = config.Training.Post;
        if (start.Model.Head is not FlowMatchingHead)
        {
            throw new NotSupportedException($"training.post.method: grpo needs the steps of a flow, which the head {start.Model.Head.GetType().Name} does not have; use the method reject, or a model with the head flow.");
        }
        if (start.Model.Config.UseGenPosEmbed)
        {
            throw new NotSupportedException("training.post.method: grpo compares drawing with teacher forcing, and a model with use_gen_pos_embed adds positions in drawing alone; use reject or dpo.");
        }
        if ((post.Guidance ?? config.Sampling.Guidance) != 1)
        {
            throw new NotSupportedException($"training.post.guidance: grpo learns the probabilities of unguided draws; it must be 1 and is {post.Guidance ?? config.Sampling.Guidance}.");
        }
        _rounds = rounds;
        _solver = PolicySampling.Solver(PolicySampling.Of(config.Sampling));
        _reference = post.KlWeight > 0 ? FrozenCopy(start.Model) : null;
    }

    public override StepOutcome Step(long step)
    {
        PostTrainerConfig post = Config.Training.Post;
        (DrawnGroups groups, LatentSet pictures) = _rounds.At(step);
        GroupAdvantages advantages = GroupAdvantages.Of(groups.Judged, groups.Each, post);
        int[] places = advantages.Choose(post.BatchSize, Streams.Managed(Config.Seed, "post.order", step));
        using NoiseSource noise = new DrawnNoise(Config.Seed, "post.noise", step);
        LatentSet seen = Replay.With(pictures, groups, places, 0, step, noise);
        ModelBatch batch = Batch(seen, new DroppedCondition[places.Length], noise);
        Transitions drawn = groups.Transitions!.Of(places, Model.Transformer.LayerDevices[0]);
        (Tensor mean, Tensor deviation) = Gaussian(Model, batch, drawn);
        Tensor loss = StepDensity.PolicyLoss(StepDensity.LogProbability(drawn.After, mean, deviation), [.. places.Select(p => advantages.Each[p])]);
        List<StepMetric> metrics =
        [
            StepMetric.Mean("post.loss", loss), StepMetric.Mean("post.used", tensor((float)advantages.Used / advantages.Groups)),
            StepMetric.Mean("post.noise", StepDensity.Standardized(drawn.After, mean.detach(), deviation).Squared().mean().sqrt()),
        ];
        if (_reference is not null)
        {
            Tensor before;
            using (no_grad())
            {
                before = Gaussian(_reference, batch, drawn).Mean;
            }
            Tensor divergence = StepDensity.Divergence(mean, before, deviation).mean();
            metrics.Add(StepMetric.Mean("post.kl", divergence));
            loss = loss.Plus(divergence.Times(post.KlWeight));
        }
        return new StepOutcome(loss, metrics, seen.Ids);
    }

    /// <summary>What the recorded steps draw from with a model's present weights: mean [k·L, d] with gradient, deviation [k·L, 1].</summary>
    internal (Tensor Mean, Tensor Deviation) Gaussian(NextStepModel model, ModelBatch batch, Transitions drawn)
    {
        Tensor conditions;
        using (Autocast.For(Config.Training.Post.Precision, model.Transformer.LayerDevices[0]))
        {
            conditions = model.Conditions(batch);
        }
        Tensor times = tensor([.. _solver.Times]).to(drawn.Steps.device).index_select(0, drawn.Steps);
        Tensor velocity = ((FlowMatchingHead)model.Head).net.forward(drawn.Before, times, conditions.to_type(ScalarType.Float32));
        return _solver.Gaussian(drawn.Before, velocity, drawn.Steps);
    }

    protected override void Dispose(bool disposing)
    {
        _reference?.Dispose();
        base.Dispose(disposing);
    }
}
