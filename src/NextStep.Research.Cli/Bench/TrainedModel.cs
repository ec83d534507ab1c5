using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>A model with its first weights and a batch of captioned pictures of random tokens, to time training steps with.</summary>
internal sealed class TrainedModel : IDisposable
{
    private const string Caption = "a small red circle above a large blue square";

    /// <summary>Builds both.</summary>
    /// <param name="shape">Of the model.</param>
    /// <param name="channels">Latent channels.</param>
    /// <param name="pictures">In the batch.</param>
    /// <param name="side">Tokens along a side of a picture.</param>
    public TrainedModel(ModelConfig shape, int channels, int pictures, int side)
    {
        TextTokenizer tokenizer = WordTokenizer.FromCaptions([Caption]);
        NextStepConfig config = ModelSizes.Resolve(shape, new AutoencoderConfig { LatentChannels = channels }, tokenizer);
        Model = new NextStepModel(config);
        Initialization.Apply(Model, 0);
        TrainingSequence pair = new SequenceLayout(tokenizer).Pair(Caption, side, side, false);
        Batch = new ModelBatch(Rows(pair.Ids), Rows(pair.Labels), randn(pictures * side * side, config.TokenWidth).DetachFromDisposeScope());

        Tensor Rows(IReadOnlyList<int> numbers)
        {
            using Tensor row = tensor([.. numbers.Select(i => (long)i)]).unsqueeze(0);
            return row.repeat(pictures, 1).DetachFromDisposeScope();
        }
    }

    /// <summary>In training mode once the loop has it.</summary>
    public NextStepModel Model { get; }

    /// <summary>The same in every step.</summary>
    public ModelBatch Batch { get; }

    /// <summary>Parameters.</summary>
    public long Count => Model.parameters().Sum(p => p.numel());

    /// <summary>Takes steps of the training loop itself.</summary>
    /// <param name="steps">How many.</param>
    /// <param name="precision">Of the forward and backward pass.</param>
    /// <param name="after">Called after each.</param>
    public void Train(int steps, Precision precision, Action after)
    {
        int pictures = (int)Batch.Ids.size(0);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("nextstep-bench-");
        try
        {
            TrainerConfig config = new() { Images = pictures * steps, BatchSize = pictures, LogEvery = long.MaxValue, CheckpointEvery = long.MaxValue, Precision = precision };
            new TrainingLoop(config, 1e-4, new TrainingRun(folder.FullName, "bench", (_, _) => after())).Run(Model, step =>
            {
                using DrawnNoise noise = new(0, "bench", step);
                using IDisposable? autocast = Autocast.For(precision, CPU);
                ModelLosses losses = Model.Losses(Batch, noise);
                return new StepOutcome(losses.Total, ModelTrainer.Metrics(losses), []);
            });
        }
        finally
        {
            folder.Delete(true);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Batch.Ids.Dispose();
        Batch.Labels.Dispose();
        Batch.Tokens.Dispose();
        Model.Dispose();
    }
}
