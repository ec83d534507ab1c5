using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// <see cref="PostMethod.Distill"/>: the model learns to go along the guided trajectory of its start in few long steps, one evaluation each. The teacher, a frozen copy of the start,
/// integrates from noise with <c>training.post.teacherSteps</c> Euler steps and guidance; at each time of the student's grid its velocity is drawn to the straight line from the teacher's
/// state there to the teacher's next state of that grid (guidance and steps distilled at once: Meng et al. 2023, arXiv 2210.03142; trajectories: Salimans and Ho 2022, arXiv 2202.00512).
/// A student without error lands where the teacher does, from the same noise.
/// </summary>
internal sealed class DistillationObjective : PostObjective
{
    private readonly FlowMatchingHead _head;
    private readonly NextStepModel _teacher;
    private readonly FlowSampler _sampler;
    private readonly float[] _times;
    private readonly int _each;
    private readonly Guidance _guidance;

    public DistillationObjective(ResearchConfig config, LoadedModel start)
        : base(config, start)
    {
        if (Problem(config, start.Model.Head) is { } problem)
        {
            throw new NotSupportedException(problem);
        }
        PostTrainerConfig post = config.Training.Post;
        _head = (FlowMatchingHead)start.Model.Head;
        _teacher = FrozenCopy(start.Model);
        _times = TimestepSchedule.Grid(config.Sampling.Steps, config.Sampling.TimestepShift);
        _each = post.TeacherSteps / config.Sampling.Steps;
        // The student's grid is part of the teacher's for every shift: both shift i/N.
        _sampler = new FlowSampler(_teacher.Head.Network, new FlowSamplerOptions { Steps = post.TeacherSteps, TimestepShift = config.Sampling.TimestepShift });
        double scale = post.Guidance ?? config.Sampling.Guidance;
        _guidance = scale == 1 ? Guidance.Off : new Guidance(GuidanceBranches.Text, scale);
    }

    /// <summary>Why these settings cannot be distilled; null: they can.</summary>
    internal static string? Problem(ResearchConfig config, TokenHead head)
    {
        (SamplingConfig sampling, PostTrainerConfig post) = (config.Sampling, config.Training.Post);
        return head is not FlowMatchingHead ? $"training.post.method: distill follows the velocity of the head flow; the head is {head.GetType().Name}." : Problem(sampling, post);
    }

    /// <summary>The same, of the settings alone.</summary>
    internal static string? Problem(SamplingConfig sampling, PostTrainerConfig post) =>
        sampling.Guidance != 1 || sampling.Solver is not OdeSolver || sampling.FinalSteps is not null || sampling.StepSchedule is not null
            ? "training.post.method: distill learns to draw with sampling.solver ode, sampling.guidance 1 and the same sampling.steps for every token; training.post.guidance is what it bakes in."
        : post.TeacherSteps % sampling.Steps != 0 ? $"training.post.teacherSteps ({post.TeacherSteps}) must be a multiple of sampling.steps ({sampling.Steps}), so that teacher and student meet at the end of each of the student's steps."
        : null;

    public override StepOutcome Step(long step)
    {
        PostTrainerConfig post = Config.Training.Post;
        int edits = (int)Math.Round(post.BatchSize * post.Edits);
        using NoiseSource noise = new DrawnNoise(Config.Seed, "post.noise", step);
        LatentSet seen = Replay.Alone(post.BatchSize - edits, edits, step, noise);
        Tensor level = noise.Uniform(post.BatchSize, 1, 1).Times(Model.Config.InputNoise), deviations = noise.Normal(seen.Means.shape).mul(level);
        Tensor states, targets;
        using (no_grad())
        {
            (states, targets) = Trajectory(Conditions(_teacher, seen, deviations, (int)_guidance.Branches), noise);
        }
        using IDisposable? precision = Autocast.For(post.Precision, Model.Transformer.LayerDevices[0]);
        Tensor conditions = Conditions(Model, seen, deviations, 1).repeat(_times.Length - 1, 1);
        Tensor times = tensor([.. _times[..^1]]).to(states.device).repeat_interleave(states.size(0) / (_times.Length - 1));
        Tensor loss = _head.Network.forward(states, times, conditions).sub(targets).to_type(ScalarType.Float32).Squared().mean();
        return new StepOutcome(loss, [StepMetric.Mean("post.loss", loss)], seen.Ids);
    }

    /// <summary>What a model's head is told before each token of these pictures, as in drawing after them: [branches·n, H], branch-major.</summary>
    /// <param name="model">The teacher, or what learns from it.</param>
    /// <param name="seen">The pictures.</param>
    /// <param name="deviations">[pictures, L, d], by which what the transformer sees of them differs from them, as what a model draws does; sources of edits are seen as they are.</param>
    /// <param name="branches">1, or 2: without caption and source behind it.</param>
    internal Tensor Conditions(NextStepModel model, LatentSet seen, Tensor deviations, int branches)
    {
        using DisposeScope scope = NewDisposeScope();
        return cat([.. Enumerable.Range(0, branches).Select(branch =>
        {
            using NoiseSource none = new RecordedNoise([]); // the tokens are drawn already
            ModelBatch batch = Batch(seen, [.. Enumerable.Repeat(branch == 0 ? DroppedCondition.Nothing : DroppedCondition.TextAndImage, seen.Captions.Count)], none);
            Tensor off = deviations.reshape(-1, deviations.size(-1)).to(batch.Tokens.device);
            return model.Conditions(batch with { Fed = batch.Learned is { } learned ? batch.Tokens.index_add(0, learned, off, Scalars.Of(1)) : batch.Tokens.Plus(off) });
        })]).MoveToOuterDisposeScope();
    }

    /// <summary>The teacher's states at the student's times, step by step, [steps·n, d], and the velocities that lead from each to the next.</summary>
    /// <param name="conditions">[branches·n, H].</param>
    /// <param name="noise">Where the trajectories begin.</param>
    internal (Tensor States, Tensor Velocities) Trajectory(Tensor conditions, NoiseSource noise)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor start = noise.Normal(conditions.size(0) / (int)_guidance.Branches, Model.Config.TokenWidth);
        List<Tensor> met = [start.to(conditions.device)];
        int done = 0;
        using RecordedNoise recorded = new([start.clone()]);
        _sampler.Sample(conditions, _guidance, recorded, state =>
        {
            if (++done % _each == 0)
            {
                met.Add(state.clone().MoveToOtherDisposeScope(scope));
            }
        });
        Tensor[] velocities = [.. met.Zip(met.Skip(1), _times.Zip(_times.Skip(1), (a, b) => b - a)).Select(s => s.Second.sub(s.First).Over(s.Third))];
        return (cat([.. met[..^1]]).MoveToOuterDisposeScope(), cat(velocities).MoveToOuterDisposeScope());
    }

    protected override void Dispose(bool disposing)
    {
        _sampler.Dispose();
        _teacher.Dispose();
        base.Dispose(disposing);
    }
}
