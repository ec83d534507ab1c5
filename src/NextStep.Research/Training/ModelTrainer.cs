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
        Device device = config.OpenDevice();
        NextStepModel model = new(ModelSizes.Resolve(config.Model, config.Autoencoder, tokenizer));
        Initialization.Apply(model, config.Seed);
        if (config.Training.Model.Start is { } start)
        {
            string said = StartWeights.Copy(model, tokenizer, ShippedModel.FolderOf(start), config.Training.Model.Fresh);
            run.Note?.Invoke(said);
        }
        StartWeights.Freeze(model, config.Training.Model.Frozen);
        model.to(device);
        model.Transformer.RecomputeLayers = config.Training.RecomputeLayers;
        TrainerConfig trainer = config.Training.Model;
        TrainingLoop loop = new(trainer, trainer.LearningRate ?? ModelSizes.Of(config.Model.Size).LearningRate, run);
        SequenceLayout layout = new(tokenizer, config.Model.EditLayout, model.Config.Steps);
        ScheduledSamplingConfig scheduled = config.Training.ScheduledSampling;
        SamplingConfig own = new() { Guidance = 1, Steps = scheduled.Steps };
        loop.Run(model, step =>
        {
            using NoiseSource noise = new DrawnNoise(config.Seed, "flow.noise", step);
            int[] indices = Batches.Indices(config.Seed, "model.order", step, trainer.BatchSize, latents.Captions.Count);
            SplitMix64 order = Streams.Managed(config.Seed, "model.dropText", step);
            DroppedCondition[] dropped = [.. indices.Select(index => Drop(order.NextDouble(), config.Training.DropText, index >= latents.Pairs))];
            using IDisposable? precision = Autocast.For(trainer.Precision, device);
            ModelBatch batch = Batch(layout, tokenizer.Special, latents, indices, dropped, noise, device);
            SequencePacking? packing = config.Training.PackSequences ? SequencePacking.Of(batch.Places!.Lengths, batch.Ids.size(1), device) : null;
            if (scheduled.Share > 0)
            {
                SplitMix64 chosen = Streams.Managed(config.Seed, "model.ownTokens", step);
                using NoiseSource draws = new DrawnNoise(config.Seed, "model.ownTokens.noise", step);
                double share = scheduled.At(step * trainer.BatchSize);
                batch = ScheduledSampling.Apply(model, batch, packing, [.. indices.Select(_ => chosen.NextDouble() < share)], own, run.Project, draws);
            }
            ModelLosses losses = model.Losses(batch, noise, packing: packing);
            return new StepOutcome(losses.Total, Metrics(losses, model.Head.LossName), [.. indices.Select(i => latents.Ids[i])]);
        }, step => [.. Batches.Indices(config.Seed, "model.order", step, trainer.BatchSize, latents.Captions.Count).Select(i => latents.Ids[i])]);
        return model;
    }

    /// <summary>Sequences of the given pictures and edits, padded on the right; of an edit, only the result is learned (spec §7.4).</summary>
    /// <param name="layout">Of the tokenizer.</param>
    /// <param name="special">Of the tokenizer.</param>
    /// <param name="latents">The pictures.</param>
    /// <param name="indices">Items of <paramref name="latents"/>, a row each.</param>
    /// <param name="dropped">What each row leaves out; a pair without its text has the image first.</param>
    /// <param name="noise">Draws for sampled posteriors: of the pictures, then of the sources.</param>
    /// <param name="device">Where the batch goes.</param>
    public static ModelBatch Batch(
        SequenceLayout layout, SpecialTokens special, LatentSet latents, int[] indices, DroppedCondition[] dropped, NoiseSource noise, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        TrainingSequence[] sequences = [.. indices.Select((index, i) => index < latents.Pairs
            ? layout.Pair(latents.Captions[index], latents.Rows, latents.Columns, dropped[i] != DroppedCondition.Nothing)
            : layout.Edit(latents.Captions[index], latents.Rows, latents.Columns, dropped[i]))];
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
        (Tensor tokens, Tensor? learned) = Tokens(layout.Steps, latents, indices, [.. indices.Select((index, i) => index >= latents.Pairs && dropped[i] != DroppedCondition.TextAndImage)], noise);
        BatchPlaces places = BatchPlaces.Of(ids, labels, sequences.Length, special, device);
        return new ModelBatch(
            Devices.Send(tensor(ids, [sequences.Length, length]), device).MoveToOuterDisposeScope(),
            Devices.Send(tensor(labels, [sequences.Length, length]), device).MoveToOuterDisposeScope(),
            Devices.Send(tokens.reshape(-1, tokens.size(-1)), device).MoveToOuterDisposeScope(),
            Learned: learned is null ? null : Devices.Send(learned, device).MoveToOuterDisposeScope(),
            Places: places with { Slots = places.Slots.MoveToOuterDisposeScope(), Image = places.Image.MoveToOuterDisposeScope(), Predicted = places.Predicted.MoveToOuterDisposeScope() });
    }

    // Row by row [source, if shown,] picture: [pictures, L/k, k·d], and the places of the pictures' tokens when there are sources among them.
    private static (Tensor Tokens, Tensor? Learned) Tokens(TokenSteps steps, LatentSet latents, int[] indices, bool[] sourceShown, NoiseSource noise)
    {
        Tensor pictures = steps.Group(latents.Tokens(indices, noise), latents.Rows, latents.Columns);
        int[] rows = [.. Enumerable.Range(0, indices.Length).Where(i => sourceShown[i])];
        if (latents.Sources is null || rows.Length == 0)
        {
            return (pictures, null);
        }
        Tensor sources = steps.Group(latents.Sources.Tokens([.. rows.Select(i => indices[i] - latents.Pairs)], noise), latents.Rows, latents.Columns);
        List<long> order = [], learned = [];
        long each = pictures.size(1), shown = 0;
        for (int row = 0; row < indices.Length; row++)
        {
            if (sourceShown[row])
            {
                order.Add(indices.Length + shown++);
            }
            learned.AddRange(Enumerable.Range(0, (int)each).Select(k => (order.Count * each) + k));
            order.Add(row);
        }
        return (cat([pictures, sources]).index_select(0, tensor([.. order])), tensor([.. learned]));
    }

    // An edit loses as often both conditions as the instruction alone.
    internal static DroppedCondition Drop(double draw, double dropText, bool edit) =>
        draw < dropText ? DroppedCondition.Text : edit && draw < 2 * dropText ? DroppedCondition.TextAndImage : DroppedCondition.Nothing;

    /// <summary>What a step reports: both losses and, of heads that know a time, the head's loss by t.</summary>
    /// <param name="losses">Of the step.</param>
    /// <param name="name">Of the head's loss, <see cref="TokenHead.LossName"/>.</param>
    public static IReadOnlyList<StepMetric> Metrics(ModelLosses losses, string name = "flow.loss")
    {
        if (losses.Image.PerToken.size(0) == 0)
        {
            return [StepMetric.Mean("text.loss", losses.Text)]; // text alone has no flow loss, not one of 0
        }
        List<StepMetric> metrics =
        [
            StepMetric.Mean(name, losses.Image.Mean),
            StepMetric.Mean("text.loss", losses.Text),
        ];
        if (losses.Image.Times is null)
        {
            return metrics;
        }
        Tensor bins = losses.Image.Times.detach().to_type(ScalarType.Float32).Times(TimeBins).floor().clamp(Scalars.Of(0), Scalars.Of(TimeBins - 1)).to_type(ScalarType.Int64);
        Tensor sums = zeros(TimeBins, device: bins.device).index_add_(0, bins, losses.Image.PerToken, Scalars.Of(1));
        Tensor counts = zeros(TimeBins, device: bins.device).index_add_(0, bins, ones_like(losses.Image.PerToken), Scalars.Of(1)); // bincount would wait for the device
        for (int bin = 0; bin < TimeBins; bin++)
        {
            metrics.Add(new StepMetric($"{name}.t{bin}", sums[bin], counts[bin]));
        }
        return metrics;
    }
}
