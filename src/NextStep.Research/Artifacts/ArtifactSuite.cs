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
    private const long PixelsAtOnce = 64L * 256 * 256;

    /// <summary>What is measured for pictures of this grid, in the order in which tables show it.</summary>
    public static IReadOnlyList<IArtifactDetector> Detectors(TokenGrid grid)
    {
        ArgumentNullException.ThrowIfNull(grid);
        List<IArtifactDetector> detectors = [new BlockEdges(grid.Token, grid.Token), new CombDetector(grid.Token, grid.Token), new LatticeDetector(grid.Token)];
        if (grid.Stride != grid.Token && grid.Stride > 2)
        {
            detectors.Insert(1, new BlockEdges(grid.Stride, grid.Token, "blockiness.stride"));
            detectors.Add(new LatticeDetector(grid.Stride, "lattice.stride"));
        }
        return [.. detectors, new MeanNoise(grid.Token), new MedianNoise(grid.Token), new LocalNoise(grid.Token), new FlatRegions(), new ClippedValues()];
    }

    /// <summary>Measures pictures.</summary>
    /// <param name="pixels">[n, 3, H, W] in [−1, 1]; clamped and rounded to 8 bits first.</param>
    /// <param name="grid">How the model cuts them.</param>
    /// <param name="onMap">Called with each detector and its map [n, H, W], which is disposed afterwards; null = maps are only averaged.</param>
    /// <param name="progress">Called with detectors done and in all.</param>
    /// <param name="cancellation">Stops between detectors.</param>
    /// <exception cref="InvalidDataException">A pixel is no number.</exception>
    /// <exception cref="ArgumentException">Pictures below 8 pixels a side or of another shape.</exception>
    public static IReadOnlyList<ArtifactMeasurement> Measure(
        Tensor pixels, TokenGrid grid, Action<IArtifactDetector, Tensor>? onMap = null, Action<int, int>? progress = null, CancellationToken cancellation = default)
    {
        PictureSet.Check(pixels);
        if (Math.Min(pixels.size(2), pixels.size(3)) < 8)
        {
            throw new ArgumentException($"Artifacts are measured from 8x8 pixels on, not {pixels.size(3)}x{pixels.size(2)}.", nameof(pixels));
        }
        if (pixels.numel() / 3 > PixelsAtOnce * 16)
        {
            throw new ArgumentException($"{pixels.size(0)} pictures of {pixels.size(3)}x{pixels.size(2)} pixels are too many at once; measure at most {PixelsAtOnce * 16 / (pixels.size(2) * pixels.size(3))}.", nameof(pixels));
        }
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor pictures = ImageFile.ToBytes(pixels).to_type(float32).div_(255);
        IReadOnlyList<IArtifactDetector> detectors = Detectors(grid);
        List<ArtifactMeasurement> measured = [];
        foreach (IArtifactDetector detector in detectors)
        {
            cancellation.ThrowIfCancellationRequested();
            using DisposeScope inner = NewDisposeScope();
            using ArtifactReading reading = detector.Read(pictures);
            bool hasTokens = reading.Map is not null && Math.Min(reading.Map.size(1), reading.Map.size(2)) >= grid.Token;
            measured.Add(new ArtifactMeasurement(
                detector, reading.Value, reading.PerPicture, hasTokens ? ArtifactMaps.ByToken(reading.Map!, grid.Token) : [], reading.Details ?? new Dictionary<string, double>()));
            if (reading.Map is not null)
            {
                onMap?.Invoke(detector, reading.Map);
            }
            progress?.Invoke(measured.Count, detectors.Count);
        }
        return measured;
    }

    /// <summary>Ends of the colour scale of a detector's map, the same in every picture and report, so that maps can be compared.</summary>
    public static (double Low, double High) Scale(IArtifactDetector detector)
    {
        ArgumentNullException.ThrowIfNull(detector);
        return detector switch
        {
            BlockEdges => (1, 4),
            LatticeDetector => (0, 0.03),
            LocalNoise => (0, 0.1),
            _ => (0, 1),
        };
    }
}
