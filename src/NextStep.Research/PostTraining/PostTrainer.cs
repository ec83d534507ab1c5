using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Post-training (the paper's §4.3, NextStep-1.1): a trained model draws pictures, a reward judges them, and it learns from the judgement.</summary>
public static class PostTrainer
{
    /// <summary>The peak learning rate where none is configured.</summary>
    public const double LearningRate = 2e-4;

    internal const string StepsProblem = "post-training is for models that draw one token a step in raster order: model.tokensAStep 1 and model.order raster";

    /// <summary>
    /// Trains, or continues what <paramref name="run"/>'s folder holds, and leaves the model of <paramref name="start"/> trained, in evaluation mode. With method <c>none</c> nothing
    /// happens. Pictures are drawn as <c>sampling</c> says.
    /// </summary>
    /// <param name="config">Reads <c>training.post</c>, <c>training.dropText</c>, <c>data</c>, <c>sampling</c> and <c>seed</c>; the model's shape is that of <paramref name="start"/>.</param>
    /// <param name="start">Its model is trained; it stays the caller's.</param>
    /// <param name="run">Where checkpoints, drawn pictures and the log go.</param>
    /// <param name="reward">Judges pictures; null = <see cref="PictureRewards.Verified"/>.</param>
    /// <param name="editReward">Judges edits; null = <see cref="PictureRewards.VerifiedEdits"/>.</param>
    /// <returns>The mean rewards of every round: the first is that of the start. None where nothing is drawn.</returns>
    /// <exception cref="NotSupportedException">The model draws several tokens a step or in another order, its head has no flow loss, which <c>dpo</c> needs, or no velocity, or its draws have no probabilities that <c>grpo</c> could learn, or the settings are none that <c>distill</c> can learn to draw with.</exception>
    /// <exception cref="StepException">A step failed, or no picture was accepted.</exception>
    public static PostRewards Train(ResearchConfig config, LoadedModel start, TrainingRun run, PictureReward? reward = null, EditReward? editReward = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(start);
        PostTrainerConfig post = config.Training.Post;
        if (post.Method == PostMethod.None)
        {
            return new PostRewards([], []);
        }
        if (!start.Model.Config.Steps.Plain)
        {
            throw new NotSupportedException(StepsProblem);
        }
        StartWeights.Freeze(start.Model, post.Frozen);
        using PostRounds rounds = new(config, start, run, reward ?? PictureRewards.Verified, editReward ?? PictureRewards.VerifiedEdits);
        using PostObjective objective = post.Method switch
        {
            PostMethod.Reject => new RejectionObjective(config, start, rounds),
            PostMethod.Dpo => new PreferenceObjective(config, start, rounds),
            PostMethod.Grpo => new PolicyObjective(config, start, rounds),
            _ => new DistillationObjective(config, start),
        };
        try
        {
            new TrainingLoop(post, post.LearningRate ?? LearningRate, run).Run(start.Model, objective.Step);
        }
        finally
        {
            StartWeights.Freeze(start.Model, []);
        }
        return rounds.Rewards();
    }
}

/// <summary>Mean rewards by round.</summary>
/// <param name="Pictures">Of the pictures drawn to captions; none where all prompts are edits.</param>
/// <param name="Edits">Of the edits; none where no prompt is one.</param>
public sealed record PostRewards(IReadOnlyList<double> Pictures, IReadOnlyList<double> Edits);

/// <summary>What a step of post-training computes.</summary>
internal abstract class PostObjective(ResearchConfig config, LoadedModel start) : IDisposable
{
    protected ResearchConfig Config { get; } = config;

    protected NextStepModel Model { get; } = start.Model;

    protected SequenceLayout Layout { get; } = new(start.Tokenizer, start.Model.Config.EditLayout);

    protected Replay Replay { get; } = new(config, start.Autoencoder);

    public abstract StepOutcome Step(long step);

    /// <summary>The model as it is now, in evaluation mode. The caller disposes.</summary>
    protected static NextStepModel FrozenCopy(NextStepModel model)
    {
        NextStepModel copy = new(model.Config);
        copy.load_state_dict(model.state_dict());
        copy.to(model.Transformer.LayerDevices[0]);
        copy.eval();
        return copy;
    }

    /// <summary>Sequences of all pictures of a set, padded on the right.</summary>
    protected ModelBatch Batch(LatentSet pictures, DroppedCondition[] dropped, NoiseSource noise) =>
        ModelTrainer.Batch(Layout, start.Tokenizer.Special, pictures, [.. Enumerable.Range(0, dropped.Length)], dropped, noise, Model.Transformer.LayerDevices[0]);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) => Replay.Dispose();
}
