using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>Tries what measures: detectors. Null: right; else what is wrong, as the end of a sentence.</summary>
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
}
