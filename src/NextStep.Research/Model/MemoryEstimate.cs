using System.Globalization;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Bytes that drawing needs, by part, before anything is loaded.</summary>
/// <param name="Tables">Embedding table and language head; they stay in host memory when layers run elsewhere.</param>
/// <param name="Layer">Weights of one decoder layer.</param>
/// <param name="LayerCache">Keys and values of one layer for all sequences.</param>
/// <param name="Layers">Decoder layers.</param>
/// <param name="Head">Flow-matching head and both projectors.</param>
/// <param name="Autoencoder">Weights in float32, and its activations for one picture at a time.</param>
/// <param name="Work">Activations of prefill and sampling, and what a device keeps for its libraries.</param>
public sealed record MemoryEstimate(long Tables, long Layer, long LayerCache, int Layers, long Head, long Autoencoder, long Work)
{
    /// <summary>Positions of prompt and input tokens that are counted beside the image's own.</summary>
    public const int PromptAllowance = 512;

    // Maps of the decoder's widest level that live together: input, norm, activation, convolution and its workspace, residual.
    private const int MapsAtOnce = 6;

    /// <summary>All weights of the model, autoencoder left out.</summary>
    public long Weights => Tables + (Layer * Layers) + Head;

    /// <summary>All that a single device must hold, the tables included.</summary>
    public long Total => Weights + (LayerCache * Layers) + Autoencoder + Work;

    /// <summary>For pictures of the given size; the weights are counted tensor by tensor.</summary>
    /// <param name="model">The model, on the meta device or another.</param>
    /// <param name="autoencoder">Its autoencoder.</param>
    /// <param name="dtype">Of the model's weights.</param>
    /// <param name="sequences">Guidance branches × pictures drawn at once.</param>
    /// <param name="positions">Prompt and image tokens of a sequence.</param>
    /// <param name="pixels">Pixels of one picture.</param>
    public static MemoryEstimate Of(NextStepModel model, ImageAutoencoder autoencoder, ScalarType dtype, long sequences, long positions, long pixels) =>
        Of(model, autoencoder, dtype, sequences, positions, pixels, null, TensorDtypes.Width(dtype));

    /// <summary>As above, with quantized matrices; null = none. Of the cache, bytes of a number: not everywhere those of a weight.</summary>
    internal static MemoryEstimate Of(NextStepModel model, ImageAutoencoder autoencoder, ScalarType dtype, long sequences, long positions, long pixels, WeightScheme? scheme, double cacheWidth)
    {
        TransformerConfig t = model.Config.Transformer;
        long width = TensorDtypes.Width(dtype), all = 0, tables = 0, layers = 0;
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in model.named_parameters())
        {
            long count = parameter.numel() * width;
            if (scheme is not null && QuantizedWeights.IsChosen(name, parameter.shape, scheme))
            {
                count = parameter.numel() / (scheme.Group * WeightScheme.Strip) * scheme.StripBytes;
            }
            all += count;
            tables += WeightNames.IsTable(name) ? count : 0;
            layers += name.StartsWith("layers.", StringComparison.Ordinal) ? count : 0;
        }
        long cache = 2L * sequences * t.KeyValueHeads * t.HeadDim * positions;
        long decoded = pixels * autoencoder.Config.Width * MapsAtOnce;
        long prefill = (sequences * positions * ((4L * t.HiddenSize) + (2L * t.IntermediateSize)) * width) + (sequences * t.Heads * positions * positions * sizeof(float));
        return new MemoryEstimate(
            tables, layers / t.Layers, (long)(cache * cacheWidth), t.Layers, all - tables - layers,
            sizeof(float) * (autoencoder.parameters().Sum(p => p.numel()) + decoded), prefill);
    }

    /// <summary>The released 14B model drawing one square picture with guidance.</summary>
    public static MemoryEstimate Released(ScalarType dtype, int side)
    {
        using NextStepModel model = new(ModelSizes.Released, META, dtype);
        using ImageAutoencoder autoencoder = new(ModelSizes.ReleasedAutoencoder, META);
        long tokens = side / autoencoder.Config.PixelsPerToken;
        return Of(model, autoencoder, dtype, 2, (tokens * tokens) + PromptAllowance, (long)side * side);
    }

    /// <summary>One line for people.</summary>
    public override string ToString() =>
        $"{Gigabytes(Total)} (weights {Gigabytes(Weights)}, of them {Gigabytes(Tables)} vocabulary tables; key-value cache {Gigabytes(LayerCache * Layers)}; autoencoder {Gigabytes(Autoencoder)}; work {Gigabytes(Work)})";

    /// <summary>Bytes as decimal gigabytes.</summary>
    public static string Gigabytes(long bytes) => (bytes / 1e9).ToString(bytes < 950_000_000 ? "F2" : "F1", CultureInfo.InvariantCulture) + " GB";
}
