using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>How a detector answers to every planted artifact.</summary>
/// <param name="Detector">Its name.</param>
/// <param name="Own">The artifacts that it is meant for.</param>
/// <param name="Clean">Its value of the clean pictures.</param>
/// <param name="Planted">Its value with each artifact planted.</param>
/// <param name="Sensitivity">The mean change that its own artifact causes in a picture, over the standard deviation of its values of clean pictures.</param>
/// <param name="Response">|planted − clean| in units of the detector's response to its own artifact (the weakest of them): own entries are at least 1.</param>
public sealed record SelectivityRow(
    string Detector, IReadOnlyList<PlantedArtifact> Own, double Clean, double Sensitivity,
    IReadOnlyDictionary<PlantedArtifact, double> Planted, IReadOnlyDictionary<PlantedArtifact, double> Response)
{
    /// <summary>How many times the response to its own artifact exceeds the largest to any other.</summary>
    public double Dominance => 1 / Response.Where(r => !Own.Contains(r.Key)).Max(r => r.Value);
}

/// <summary>
/// The selectivity matrix, detector × planted artifact. All artifacts are planted with the same root mean square change (the flat region
/// excepted, which has no strength) into the same clean pictures; a response is the absolute change of the detector's value in units of the
/// change that its own artifact causes. So the diagonal is 1 and an entry of ⅓ means a third of the detector's own response, and since every
/// own entry is at least 1, rows and columns are judged by the same bound.
/// </summary>
public static class SelectivityStudy
{
    private static readonly Dictionary<string, PlantedArtifact[]> Targets = new()
    {
        ["blockiness"] = [PlantedArtifact.BlockOffsets],
        ["grid"] = [PlantedArtifact.BlockOffsets],
        ["lattice"] = [PlantedArtifact.Checkerboard, PlantedArtifact.GridLines],
        ["noiseLocal"] = [PlantedArtifact.LocalNoise],
        ["noiseMedian"] = [PlantedArtifact.GlobalNoise],
        ["flat"] = [PlantedArtifact.FlatRegion],
    };

    /// <summary>Measures the matrix.</summary>
    /// <param name="pixels">Clean pictures [n, 3, H, W] in [−1, 1]; with content of their own, not flat drawings.</param>
    /// <param name="grid">The cells.</param>
    /// <param name="strength">Root mean square change, 1 = black to white.</param>
    /// <param name="seed">Of what is planted.</param>
    public static IReadOnlyList<SelectivityRow> Measure(Tensor pixels, TokenGrid grid, double strength = 0.05, long seed = 0)
    {
        Dictionary<string, ArtifactMeasurement> clean = Values(pixels, grid);
        PlantedArtifact[] artifacts = Enum.GetValues<PlantedArtifact>();
        Dictionary<PlantedArtifact, Dictionary<string, ArtifactMeasurement>> planted = [];
        foreach (PlantedArtifact artifact in artifacts)
        {
            using Tensor pictures = Planting.Apply(pixels, artifact, grid, strength, seed);
            planted[artifact] = Values(pictures, grid);
        }
        return [.. Targets.Select(target =>
        {
            ArtifactMeasurement before = clean[target.Key];
            double Change(PlantedArtifact artifact) => Math.Abs(planted[artifact][target.Key].Value - before.Value);
            double scale = target.Value.Min(Change), mean = before.PerPicture.Average();
            double spread = Math.Sqrt(before.PerPicture.Average(v => (v - mean) * (v - mean)));
            return new SelectivityRow(
                target.Key, target.Value, before.Value, target.Value.Min(own => planted[own][target.Key].PerPicture.Average() - mean) / spread,
                artifacts.ToDictionary(a => a, a => planted[a][target.Key].Value), artifacts.ToDictionary(a => a, a => Change(a) / scale));
        })];
    }

    private static Dictionary<string, ArtifactMeasurement> Values(Tensor pixels, TokenGrid grid) =>
        ArtifactSuite.Measure(pixels, grid).ToDictionary(m => m.Detector.Name);
}
