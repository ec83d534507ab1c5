using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>Trains transformer and head on the cached latents, measures both losses on held-out pictures, writes the released layout.</summary>
internal static class ModelStage
{
    /// <summary>Folder of the trained model inside the stage's.</summary>
    public const string ModelFolder = "model";

    /// <summary>The folder of the last stage that changed the model.</summary>
    public static string Trained(IReadOnlyDictionary<string, string> inputs) => inputs.GetValueOrDefault("post") ?? inputs["model"];

    public static void Run(StageContext context)
    {
        ResearchConfig config = context.Config;
        if (context.Earlier is { } earlier)
        {
            TrainingLoop.GoOnFrom(earlier, context.Directory);
        }
        using LatentSet latents = LatentSet.Load(Path.Combine(context.Inputs["latents"], LatentsStage.Train));
        TextTokenizer tokenizer = config.Model.Tokenizer.Build([.. latents.Captions, .. config.Data.Source.Words]);
        using ImageAutoencoder autoencoder = ReleasedFolder.LoadAutoencoder(Path.Combine(context.Inputs["autoencoder"], "vae"), config.Autoencoder.PatchSize);
        using NextStepModel model = ModelTrainer.Train(config, latents, tokenizer, new TrainingRun(
            context.Directory, "model",
            (images, numbers) => context.Progress(new StageProgress(images, config.Training.Model.Images, "images", numbers)),
            context.Cancellation) { Note = context.Note, KeepEnd = context.GoesOn, Snapshots = config.Training.Model.Snapshots, Project = autoencoder.Normalization.Project });
        ReleasedFolder.Save(Path.Combine(context.Directory, ModelFolder), model, autoencoder, tokenizer, config.Data.ImageSize, new SamplingConfig()); // each cell puts its own beside the weights
        (Dictionary<string, double> numbers, Dictionary<string, Curve> curves) = Measure(config, model, tokenizer, context.Inputs["latents"]);
        StageFiles.WriteSummary(context.Directory, numbers);
        StageFiles.WriteCurves(context.Directory, curves);
    }

    /// <summary>The losses on held-out pictures and edits, by token too, and the model's size.</summary>
    public static (Dictionary<string, double> Numbers, Dictionary<string, Curve> Curves) Measure(ResearchConfig config, NextStepModel model, TextTokenizer tokenizer, string latents)
    {
        using LatentSet heldOut = LatentSet.Load(Path.Combine(latents, LatentsStage.HeldOut));
        HeadLossCurves curves = new(heldOut.Rows * heldOut.Columns, model.Config.Steps);
        return (Measure(config, model, tokenizer, heldOut, curves), curves.Curves(model.Head.LossName).ToDictionary());
    }

    // Of the pictures as flow.loss and text.loss, of the edits as edit.flow.loss and edit.text.loss.
    private static Dictionary<string, double> Measure(ResearchConfig config, NextStepModel model, TextTokenizer tokenizer, LatentSet heldOut, HeadLossCurves curves)
    {
        Dictionary<string, double> numbers = Losses(config, model, tokenizer, heldOut, 0, heldOut.Pairs, curves);
        foreach ((string name, double value) in Losses(config, model, tokenizer, heldOut, heldOut.Pairs, heldOut.Captions.Count, null))
        {
            numbers["edit." + name] = value;
        }
        numbers["model.parameters"] = model.parameters().Sum(p => p.numel());
        numbers["model.head.parameters"] = model.Head.parameters().Sum(p => p.numel());
        return numbers;
    }

    // The same noise and times for every arm; text before the image, as in generation.
    private static Dictionary<string, double> Losses(
        ResearchConfig config, NextStepModel model, TextTokenizer tokenizer, LatentSet heldOut, int first, int end, HeadLossCurves? curves)
    {
        using IDisposable guard = no_grad();
        Device device = config.OpenDevice();
        SequenceLayout layout = new(tokenizer, model.Config.EditLayout, model.Config.Steps);
        Dictionary<string, double> sums = [], counts = [];
        int size = config.Training.Model.BatchSize;
        for (int start = first; start < end; start += size)
        {
            using DisposeScope scope = NewDisposeScope();
            using NoiseSource noise = new DrawnNoise(config.Seed, "evaluation.flow", start);
            int[] indices = [.. Enumerable.Range(start, Math.Min(size, end - start))];
            ModelBatch batch = ModelTrainer.Batch(layout, tokenizer.Special, heldOut, indices, new DroppedCondition[indices.Length], noise, device);
            ModelLosses losses = model.Losses(batch, noise);
            curves?.Add(losses.Image);
            foreach (StepMetric metric in ModelTrainer.Metrics(losses, model.Head.LossName))
            {
                double weight = metric.Name.StartsWith(model.Head.LossName + ".t", StringComparison.Ordinal) ? 1 : indices.Length;
                sums[metric.Name] = sums.GetValueOrDefault(metric.Name) + (metric.Sum.cpu().item<float>() * weight);
                counts[metric.Name] = counts.GetValueOrDefault(metric.Name) + (metric.Count.cpu().item<float>() * weight);
            }
        }
        return sums.Where(s => counts[s.Key] > 0).ToDictionary(s => s.Key, s => s.Value / counts[s.Key]);
    }
}
