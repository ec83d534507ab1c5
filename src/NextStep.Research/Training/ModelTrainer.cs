using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Trains transformer and head on cached latents with both losses (spec §1.5, §7.4).</summary>
public static class ModelTrainer
{
    /// <summary>Intervals of t in which the flow loss is reported; its mean flattens while pictures still improve.</summary>
    public const int TimeBins = 10;

    /// <summary>Trains, or continues what <paramref name="run"/>'s folder holds, and returns the averaged weights in evaluation mode.</summary>
    public static NextStepModel Train(ResearchConfig config, LatentSet latents, TextTokenizer tokenizer, TrainingRun run)
    {
        Device device = new(config.Device);
        NextStepModel model = new(ModelSizes.Resolve(config.Model, config.Autoencoder, tokenizer));
        Initialization.Apply(model, config.Seed);
        model.to(device);
        model.Transformer.RecomputeLayers = config.Training.RecomputeLayers;
        TrainerConfig trainer = config.Training.Model;
        TrainingLoop loop = new(trainer, trainer.LearningRate ?? ModelSizes.Of(config.Model.Size).LearningRate, run);
        SequenceLayout layout = new(tokenizer);
        loop.Run(model, step =>
        {
            using NoiseSource noise = new DrawnNoise(config.Seed, "flow.noise", step);
            int[] indices = Batches.Indices(config.Seed, "model.order", step, trainer.BatchSize, latents.Captions.Count);
            SplitMix64 order = Streams.Managed(config.Seed, "model.dropText", step);
            bool[] imageFirst = [.. indices.Select(_ => order.NextDouble() < config.Training.DropText)];
            using IDisposable? precision = Autocast.For(trainer.Precision, device);
            ModelBatch batch = Batch(layout, tokenizer.Special, latents, indices, imageFirst, noise, device);
            SequencePacking? packing = config.Training.PackSequences ? SequencePacking.Of(batch.Ids, tokenizer.Special.Pad) : null;
            ModelLosses losses = model.Losses(batch, noise, packing: packing);
            return new StepOutcome(losses.Total, Metrics(losses), [.. indices.Select(i => latents.Ids[i])]);
        });
        return model;
    }

    /// <summary>Sequences of the given pictures, padded on the right.</summary>
    public static ModelBatch Batch(
        SequenceLayout layout, SpecialTokens special, LatentSet latents, int[] indices, bool[] imageFirst, NoiseSource noise, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        TrainingSequence[] sequences = [.. indices.Select((index, i) => layout.Pair(latents.Captions[index], latents.Rows, latents.Columns, imageFirst[i]))];
        int length = sequences.Max(s => s.Ids.Length);
        long[] ids = new long[sequences.Length * length], labels = new long[ids.Length];
        Array.Fill(ids, special.Pad);
        Array.Fill(labels, SequenceLayout.Ignored);
        for (int row = 0; row < sequences.Length; row++)
        {
            for (int i = 0; i < sequences[row].Ids.Length; i++)
            {
                ids[(row * length) + i] = sequences[row].Ids[i];
                labels[(row * length) + i] = sequences[row].Labels[i];
            }
        }
        Tensor tokens = latents.Tokens(indices, noise);
        return new ModelBatch(
            tensor(ids, [sequences.Length, length]).to(device).MoveToOuterDisposeScope(),
            tensor(labels, [sequences.Length, length]).to(device).MoveToOuterDisposeScope(),
            tokens.reshape(-1, tokens.size(-1)).to(device).MoveToOuterDisposeScope());
    }

    /// <summary>What a step reports: both losses and the flow loss by t.</summary>
    public static IReadOnlyList<StepMetric> Metrics(ModelLosses losses)
    {
        List<StepMetric> metrics =
        [
            StepMetric.Mean("flow.loss", losses.Image.Mean),
            StepMetric.Mean("text.loss", losses.Text),
        ];
        Tensor bins = losses.Image.Times.detach().to_type(ScalarType.Float32).mul(TimeBins).floor().clamp(0, TimeBins - 1).to_type(ScalarType.Int64);
        Tensor sums = zeros(TimeBins, device: bins.device).index_add_(0, bins, losses.Image.PerToken, 1);
        Tensor counts = bins.bincount(null, TimeBins).to_type(ScalarType.Float32);
        for (int bin = 0; bin < TimeBins; bin++)
        {
            metrics.Add(new StepMetric($"flow.loss.t{bin}", sums[bin], counts[bin]));
        }
        return metrics;
    }
}
