using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>One measured artifact.</summary>
/// <param name="Detector">By which.</param>
/// <param name="Value">Of the set; NaN where the pictures are too small.</param>
/// <param name="PerPicture">Of each picture.</param>
/// <param name="ByToken">Mean of the map over each token, in raster order; empty when the detector has no map or the token no size here.</param>
/// <param name="Details">Further numbers.</param>
public sealed record ArtifactMeasurement(
    IArtifactDetector Detector, double Value, IReadOnlyList<double> PerPicture, IReadOnlyList<double> ByToken, IReadOnlyDictionary<string, double> Details)
{
    /// <summary>This over <paramref name="real"/>: a quotient, for decibels one of powers. NaN where real is zero or one of them is not known.</summary>
    public double Over(ArtifactMeasurement real)
    {
        ArgumentNullException.ThrowIfNull(real);
        return Detector.Unit == ArtifactUnit.Decibels ? Math.Pow(10, (Value - real.Value) / 10) : real.Value == 0 ? double.NaN : Value / real.Value;
    }
}

/// <summary>All detectors over a set of pictures.</summary>
public static class ArtifactSuite
{
    private const long DefaultPixels = 64L * 256 * 256;

    /// <summary>What a map belongs to: a detector, the number of the map's first picture, and the map [k, H, W].</summary>
    public delegate void MapAction(IArtifactDetector detector, int first, Tensor map);

    /// <summary>The six kinds that are measured where nothing else is asked for.</summary>
    public static IReadOnlyList<DetectorConfig> Kit { get; } = [new BlockinessArtifact(), new GridArtifact(), new LatticeArtifact(), new NoiseArtifact(), new FlatArtifact(), new ClippedArtifact()];

    /// <summary>What is measured for pictures of this grid, in the order in which tables show it.</summary>
    /// <param name="grid">How the model cuts them.</param>
    /// <param name="configured">Which; null = <see cref="Kit"/>.</param>
    /// <exception cref="ArgumentException">Two detectors have the same name.</exception>
    public static IReadOnlyList<IArtifactDetector> Detectors(TokenGrid grid, IReadOnlyList<DetectorConfig>? configured = null)
    {
        ArgumentNullException.ThrowIfNull(grid);
        IArtifactDetector[] all = [.. (configured ?? Kit).SelectMany(d => d.Build(grid))];
        return all.GroupBy(d => d.Name).FirstOrDefault(g => g.Count() > 1) is { } twice
            ? throw new ArgumentException($"Two artifact detectors are called '{twice.Key}', so that one number would stand for both; name each once in evaluation.detectors.", nameof(configured))
            : all;
    }

    /// <summary>Measures pictures. Large sets go in parts, of which the set's values are averaged.</summary>
    /// <param name="pixels">[n, 3, H, W] in [−1, 1]; clamped and rounded to 8 bits first.</param>
    /// <param name="grid">How the model cuts them.</param>
    /// <param name="onMap">Called with each map, which is disposed afterwards; null = maps are only averaged.</param>
    /// <param name="progress">Called with detectors done and in all.</param>
    /// <param name="cancellation">Stops between detectors.</param>
    /// <exception cref="InvalidDataException">A pixel is no number.</exception>
    /// <exception cref="ArgumentException">Pictures below 8 pixels a side or of another shape.</exception>
    public static IReadOnlyList<ArtifactMeasurement> Measure(
        Tensor pixels, TokenGrid grid, MapAction? onMap = null, Action<int, int>? progress = null, CancellationToken cancellation = default) =>
        Measure(pixels, grid, null, onMap, progress, cancellation);

    /// <summary>As above, with other detectors than the kit's.</summary>
    /// <param name="pixels">[n, 3, H, W] in [−1, 1].</param>
    /// <param name="grid">How the model cuts them.</param>
    /// <param name="detectors">Which; null = <see cref="Kit"/>.</param>
    /// <param name="onMap">Called with each map, or null.</param>
    /// <param name="progress">Called with detectors done and in all, or null.</param>
    /// <param name="cancellation">Stops between detectors.</param>
    public static IReadOnlyList<ArtifactMeasurement> Measure(
        Tensor pixels, TokenGrid grid, IReadOnlyList<DetectorConfig>? detectors, MapAction? onMap, Action<int, int>? progress, CancellationToken cancellation) =>
        Measure(pixels, grid, onMap, progress, DefaultPixels, detectors, cancellation);

    // Pixels of one part, at least one picture: bounds the memory.
    internal static IReadOnlyList<ArtifactMeasurement> Measure(
        Tensor pixels, TokenGrid grid, MapAction? onMap, Action<int, int>? progress, long pixelsAtOnce, IReadOnlyList<DetectorConfig>? configured, CancellationToken cancellation)
    {
        PictureSet.Check(pixels);
        if (Math.Min(pixels.size(2), pixels.size(3)) < 8)
        {
            throw new ArgumentException($"Artifacts are measured from 8x8 pixels on, not {pixels.size(3)}x{pixels.size(2)}.", nameof(pixels));
        }
        using IDisposable guard = no_grad();
        IReadOnlyList<IArtifactDetector> detectors = Detectors(grid, configured);
        int size = (int)Math.Max(1, pixelsAtOnce / (pixels.size(2) * pixels.size(3))), parts = (int)((pixels.size(0) + size - 1) / size);
        List<ArtifactMeasurement>[] found = [.. detectors.Select(_ => new List<ArtifactMeasurement>())];
        for (int part = 0; part < parts; part++)
        {
            using DisposeScope scope = NewDisposeScope();
            int first = part * size;
            Tensor pictures = ImageFile.ToBytes(pixels.narrow(0, first, Math.Min(size, pixels.size(0) - first))).to_type(float32).OverInPlace(255);
            using SharedResponses shared = SharedResponses.Open(pictures);
            for (int i = 0; i < detectors.Count; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                found[i].Add(One(detectors[i], pictures, grid, first, onMap));
                progress?.Invoke((part * detectors.Count) + i + 1, parts * detectors.Count);
            }
        }
        return [.. found.Select(Together)];
    }

    private static ArtifactMeasurement One(IArtifactDetector detector, Tensor pictures, TokenGrid grid, int first, MapAction? onMap)
    {
        using DisposeScope scope = NewDisposeScope();
        using ArtifactReading reading = detector.Read(pictures);
        double[] byToken = [];
        if (reading.Map is { } map)
        {
            if (!map.shape.SequenceEqual([pictures.size(0), pictures.size(2), pictures.size(3)]))
            {
                throw new InvalidDataException($"The artifact detector '{detector.Name}' gives a map of shape [{string.Join(", ", map.shape)}] for {pictures.size(0)} pictures of {pictures.size(3)}×{pictures.size(2)} pixels; a map is [n, H, W].");
            }
            byToken = Math.Min(map.size(1), map.size(2)) < grid.Token ? [] : ArtifactMaps.ByToken(map, grid.Token);
            onMap?.Invoke(detector, first, map);
        }
        return new ArtifactMeasurement(detector, reading.Value, reading.PerPicture, byToken, reading.Details ?? new Dictionary<string, double>());
    }

    // Parts weigh by their pictures; details are those of the first.
    private static ArtifactMeasurement Together(List<ArtifactMeasurement> parts)
    {
        double Mean(Func<ArtifactMeasurement, double> of) => parts.Sum(p => of(p) * p.PerPicture.Count) / parts.Sum(p => p.PerPicture.Count);
        return parts.Count == 1 ? parts[0] : new ArtifactMeasurement(
            parts[0].Detector, Mean(p => p.Value), [.. parts.SelectMany(p => p.PerPicture)],
            [.. parts[0].ByToken.Select((_, i) => Mean(p => p.ByToken[i]))], parts[0].Details);
    }
}
