using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>What is measured of pictures alone: distances to a reference and artifacts.</summary>
internal static class PictureMeasures
{
    private static readonly Dictionary<string, string> CurveNames = new()
    {
        ["blockiness"] = "blockiness", ["lattice"] = "lattice", ["noiseLocal"] = "noise", ["flat"] = "flat",
    };

    // Of the kit's, one of each kind is shown; one's own always.
    private static string? CurveName(IArtifactDetector detector) =>
        CurveNames.TryGetValue(detector.Name, out string? name) ? name : detector.GetType().Assembly == typeof(ArtifactSuite).Assembly ? null : detector.Name;

    /// <summary>Adds distances of <paramref name="pictures"/> to <paramref name="reference"/> in the network's features.</summary>
    /// <param name="all">The list.</param>
    /// <param name="pictures">[n, 3, H, W] in [−1, 1]; alive until the list has run.</param>
    /// <param name="reference">[m, 3, H, W].</param>
    /// <param name="network">Whose features; alive until the list has run.</param>
    /// <param name="cancellation">Stops between parts.</param>
    public static void AddDistances(Measurements all, Tensor pictures, Tensor reference, IFeatureNetwork network, CancellationToken cancellation = default)
    {
        FeatureSet? real = null;
        all.Add("features of the reference", () => real = FeatureSet.Of(network, reference, null, cancellation));
        all.Add("distances", () =>
        {
            using FeatureSet known = real!, drawn = FeatureSet.Of(network, pictures, null, cancellation);
            if (Math.Min(drawn.Count, known.Count) < 2)
            {
                all.Gaps.Add($"No distances: a spread needs two pictures, and there are {drawn.Count} generated and {known.Count} reference pictures.");
                return;
            }
            DistributionMetrics metrics = DistributionMetrics.Of(drawn, known);
            foreach ((string name, double value) in metrics.Numbers)
            {
                (all.Numbers[name], all.Identities[name]) = (value, metrics.Identities[name]);
            }
        });
    }

    /// <summary>Adds every artifact detector: of the pictures, of the reference where there is one, and their relation.</summary>
    /// <param name="all">The list.</param>
    /// <param name="pictures">[n, 3, H, W] in [−1, 1]; alive until the list has run.</param>
    /// <param name="reference">Real pictures of the same size, or null.</param>
    /// <param name="grid">How the model cuts a picture.</param>
    /// <param name="detectors">Which; null = the kit's.</param>
    /// <param name="mapped">So many pictures from the first get heat maps.</param>
    /// <param name="cancellation">Stops between detectors.</param>
    public static void AddArtifacts(
        Measurements all, Tensor pictures, Tensor? reference, TokenGrid grid, IReadOnlyList<DetectorConfig>? detectors, int mapped, CancellationToken cancellation = default)
    {
        IReadOnlyList<ArtifactMeasurement>? real = null;
        if (reference is not null)
        {
            all.Add("artifacts of the reference", () => real = ArtifactSuite.Measure(reference, grid, detectors, null, null, cancellation));
        }
        all.Add("artifacts", () =>
        {
            void Map(IArtifactDetector detector, int first, Tensor map)
            {
                if (first == 0 && mapped > 0 && CurveName(detector) is { } name)
                {
                    (double low, double high) = detector.Scale;
                    all.Maps[name] = ArtifactMaps.Colored(map.narrow(0, 0, Math.Min(mapped, map.size(0))), low, high).DetachFromDisposeScope();
                }
            }

            foreach (ArtifactMeasurement one in ArtifactSuite.Measure(pictures, grid, detectors, Map, null, cancellation))
            {
                Write(all, one, real?.FirstOrDefault(r => r.Detector.Name == one.Detector.Name));
            }
        });
    }

    private static void Write(Measurements all, ArtifactMeasurement one, ArtifactMeasurement? real)
    {
        string name = "artifacts." + one.Detector.Name;
        all.Numbers[name] = one.Value;
        foreach ((string detail, double value) in one.Details)
        {
            all.Numbers[$"{name}.{detail}"] = value;
        }
        if (real is not null)
        {
            all.Numbers[name + ".real"] = real.Value;
            all.Numbers[name + ".ratio"] = one.Over(real);
        }
        if (one.ByToken.Count > 0 && CurveName(one.Detector) is { } curve)
        {
            Dictionary<string, IReadOnlyList<double>> lines = new() { ["generated"] = one.ByToken };
            if (real is not null)
            {
                lines["real"] = real.ByToken;
                all.Numbers[name + ".drift"] = RasterEnds.Of(one.ByToken).Rise - RasterEnds.Of(real.ByToken).Rise;
            }
            all.Curves[$"artifacts.{curve}.byToken"] = new Curve(
                $"Where in the raster order: {one.Detector.Meaning}", "image token, raster order", Unit(one.Detector), [.. Enumerable.Range(0, one.ByToken.Count).Select(i => (double)i)], lines);
        }
    }

    private static string Unit(IArtifactDetector detector) => detector switch
    {
        LatticeDetector => "amplitude, 1 = black to white",
        { Unit: ArtifactUnit.Ratio } => "ratio, 1 = none",
        { Unit: ArtifactUnit.Level } => "standard deviation, 1 = black to white",
        _ => "share of pixels",
    };
}
