using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>Tries what measures: detectors and metrics. Null: right; else what is wrong, as the end of a sentence.</summary>
internal static class MeasureChecks
{
    private const int Pictures = 3;

    /// <summary>A value a picture, a map of the pictures' size, the same when it is asked again.</summary>
    public static string? Detector(DetectorConfig config, TokenGrid grid, int side)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        string name = ComponentCatalog.NameOf(config.GetType());
        Tensor pictures = ComponentCheck.Numbers("pictures", Pictures, 3, side, side).sigmoid();
        IReadOnlyList<IArtifactDetector> detectors = config.Build(grid);
        return detectors.Count == 0 ? "builds no detector" : detectors.Select(Problem).FirstOrDefault(p => p is not null);

        string? Problem(IArtifactDetector detector)
        {
            if (!detector.Name.StartsWith(name, StringComparison.Ordinal))
            {
                return $"builds a detector called '{detector.Name}'; its numbers are found as artifacts.{name} only when the name is '{name}' or begins with it";
            }
            using ArtifactReading reading = detector.Read(pictures), again = detector.Read(pictures);
            return reading.PerPicture.Count != Pictures ? $"gives {reading.PerPicture.Count} numbers for {Pictures} pictures"
                : reading.Map is { } map && !map.shape.SequenceEqual([Pictures, side, side]) ? $"makes a map of shape [{string.Join(", ", map.shape)}], not [{Pictures}, {side}, {side}]"
                : !reading.Value.Equals(again.Value) ? "gives another number when it is asked again"
                : null;
        }
    }

    /// <summary>Of noise as pictures and a model that learned nothing: the same number twice, a map of the pictures' size.</summary>
    public static string? Metric(Metric metric, ResearchConfig config)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int side = config.Data.ImageSize;
        string[] prompts = ["a red circle", "a blue square", "a green star"];
        ByteTokenizer tokenizer = new();
        AutoencoderConfig autoencoder = config.Autoencoder with { Normalization = LatentNormalization.Token };
        using LoadedModel model = new(
            new NextStepModel(ModelSizes.Resolve(new ModelConfig { Size = ModelSize.Nano }, autoencoder, tokenizer)), new ImageAutoencoder(autoencoder), tokenizer, side, new SamplingConfig { Steps = 1 });
        Initialization.Apply(model.Model, 0);
        Initialization.Apply(model.Autoencoder, 0);
        model.Model.eval();
        model.Autoencoder.eval();
        MetricContext context = new(
            ComponentCheck.Numbers("pictures", Pictures, 3, side, side).tanh(), prompts, ComponentCheck.Numbers("reference", Pictures + 1, 3, side, side).tanh(), model, 0);
        MetricResult found = metric.Measure(context), again = metric.Measure(context);
        return !found.Value.Equals(again.Value) ? "gives another number when it is asked again"
            : found.Map is { } map && !map.shape.SequenceEqual([Pictures, side, side]) ? $"makes a map of shape [{string.Join(", ", map.shape)}], not [{Pictures}, {side}, {side}]"
            : found.Details.Keys.FirstOrDefault(string.IsNullOrWhiteSpace) is not null ? "has a detail without a name"
            : null;
    }
}
