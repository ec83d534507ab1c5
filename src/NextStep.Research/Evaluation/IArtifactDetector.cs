using TorchSharp;

namespace NextStep.Research;

/// <summary>What an artifact number counts in, and so how generated relates to real.</summary>
public enum ArtifactUnit
{
    /// <summary>A quotient of two levels; 1 = nothing.</summary>
    Ratio,

    /// <summary>10·log₁₀ of a quotient of powers.</summary>
    Decibels,

    /// <summary>A standard deviation in units of the full scale, 1 = black to white.</summary>
    Level,

    /// <summary>A share of the pixels or values, 0 to 1.</summary>
    Share,
}

/// <summary>What one detector saw in a set of pictures.</summary>
/// <param name="Value">Of the whole set; NaN where the pictures are too small for the measure.</param>
/// <param name="PerPicture">Of each picture by itself.</param>
/// <param name="Map">Where it is, float32 [n, H, W], in the detector's unit (spectral measures: the amplitude of what they found); null when the measure has no place in the picture.</param>
/// <param name="Details">Further numbers of the detector, by name.</param>
public sealed record ArtifactReading(
    double Value, IReadOnlyList<double> PerPicture, torch.Tensor? Map = null, IReadOnlyDictionary<string, double>? Details = null) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Map?.Dispose();
}

/// <summary>One artifact as a measurement of pictures.</summary>
public interface IArtifactDetector
{
    /// <summary>As in <c>artifacts.NAME</c>.</summary>
    string Name { get; }

    /// <summary>Of <see cref="ArtifactReading.Value"/>.</summary>
    ArtifactUnit Unit { get; }

    /// <summary>One sentence for people.</summary>
    string Meaning { get; }

    /// <summary>Ends of the colour scale of its map, the same in every picture and report, so that maps can be compared.</summary>
    (double Low, double High) Scale => (0, 1);

    /// <summary>Measures a set.</summary>
    /// <param name="pictures">float32 [n, 3, H, W] in [0, 1], finite.</param>
    ArtifactReading Read(torch.Tensor pictures);
}

/// <summary>How a picture is cut by the model that drew it.</summary>
/// <param name="Token">Pixels per image token and side: VAE stride × patch size.</param>
/// <param name="Stride">Pixels per latent pixel and side.</param>
public sealed record TokenGrid(int Token, int Stride)
{
    /// <summary>Of an autoencoder.</summary>
    public static TokenGrid Of(AutoencoderConfig config) => new(config.PixelsPerToken, config.Downsampling);
}

/// <summary>
/// An entry of <c>evaluation.detectors</c>. A detector of one's own is a record that derives from this, with its options as <c>init</c> properties, and an
/// <see cref="IArtifactDetector"/> that it builds; its name in files is that of its type in kebab-case without <c>Detector</c>.
/// </summary>
public abstract record DetectorConfig : ComponentConfig
{
    /// <summary>The detector, or several that belong together, for pictures that are cut in this way. Their names, as in <c>artifacts.NAME</c>, are the component's or begin with it.</summary>
    public abstract IReadOnlyList<IArtifactDetector> Build(TokenGrid grid);
}
