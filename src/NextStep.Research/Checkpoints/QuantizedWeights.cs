using System.Text.RegularExpressions;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Checkpoints with quantized matrices: which they are, how files say so, and their numbers. Quantized are the projections of the decoder layers, the projector behind them and the wide
/// products of the token head; embedding, language head, norms, biases, and what takes tokens in and out keep their dtype.
/// </summary>
internal static partial class QuantizedWeights
{
    /// <summary>Key of the metadata; its value is the version of the layout and the scheme, <c>1 int8:32</c>.</summary>
    public const string Key = "nextstep_quantization";

    private const string Version = "1";

    /// <summary>Whether a tensor of the model is quantized, by its name.</summary>
    public static bool IsChosen(string name) => Matrices().IsMatch(name);

    /// <summary>The scheme of a source's matrices; null where they are plain.</summary>
    /// <exception cref="InvalidDataException">A scheme or version that this kit does not know, or tensors that are not of the scheme.</exception>
    public static WeightScheme? SchemeOf(TensorSource source)
    {
        if (!source.Metadata.TryGetValue(Key, out string? text))
        {
            return null;
        }
        string[] parts = text.Split(' ');
        if (parts.Length != 2 || parts[0] != Version || WeightScheme.Parse(parts[1]) is not { } scheme)
        {
            throw new InvalidDataException($"{source.Path}: {Key} is '{text}', which this version does not know; it reads '{Version} int8:GROUP' and '{Version} int4:GROUP' with groups of 32, 64 or 128.");
        }
        foreach (TensorEntry entry in source.Entries.Values.Where(IsChosen))
        {
            if (entry.Type != scheme.Stored || entry.Shape.Count != 3 || entry.Shape[2] != scheme.BlockBytes)
            {
                throw new InvalidDataException($"{source.Path}: tensor '{entry.Name}' is {entry.StoredType} {entry.ShapeText}, which is not a matrix of {scheme} (blocks of {scheme.BlockBytes} bytes); convert the original again.");
            }
        }
        return scheme;
    }

    /// <summary>A quantized tensor as the matrix that it stands for, its dtype the scheme; of another, itself.</summary>
    public static TensorEntry Matrix(TensorEntry entry, WeightScheme scheme) =>
        IsChosen(entry) ? entry with { Type = ScalarType.Float32, StoredType = scheme.ToString(), Shape = [entry.Shape[0], entry.Shape[1] * scheme.Group] } : entry;

    /// <summary>The metadata of a file in this scheme, null: plain.</summary>
    public static Dictionary<string, string> Describe(IReadOnlyDictionary<string, string> metadata, WeightScheme? scheme)
    {
        Dictionary<string, string> described = new(metadata);
        described.Remove(Key);
        if (scheme is not null)
        {
            described[Key] = $"{Version} {scheme}";
        }
        return described;
    }

    /// <summary>The tensors of a plain source, the chosen ones quantized when their turn comes.</summary>
    /// <exception cref="InvalidDataException">A group does not divide a width, numbers are not finite, or there is nothing to quantize.</exception>
    public static IReadOnlyList<OutgoingTensor> Quantized(IEnumerable<OutgoingTensor> tensors, WeightScheme scheme, string path)
    {
        OutgoingTensor[] quantized = [.. tensors.Select(t => IsMatrix(t.Name) ? Quantized(t, scheme, path) : t)];
        return quantized.Any(t => IsMatrix(t.Name)) ? quantized : throw new InvalidDataException($"{path}: there are no matrices of a transformer here that could be quantized.");
    }

    /// <summary>Checks the scales of a quantized tensor that was read.</summary>
    /// <exception cref="InvalidDataException">They are not finite.</exception>
    public static void Check(TensorSource source, string name, Tensor stored)
    {
        if (!WeightScheme.Of(stored)!.ScalesAreFinite(stored))
        {
            throw new InvalidDataException($"{source.Path}: tensor '{name}' has scales that are NaN or infinite; the file is damaged, convert the original again.");
        }
    }

    private static bool IsChosen(TensorEntry entry) => IsMatrix(entry.Name);

    private static bool IsMatrix(string stored) => WeightNames.OfModel(stored) is { } name && IsChosen(name);

    private static OutgoingTensor Quantized(OutgoingTensor tensor, WeightScheme scheme, string path)
    {
        long[] shape = scheme.Shape(tensor.Shape)
            ?? throw new InvalidDataException($"{path}: tensor '{tensor.Name}' is [{string.Join(", ", tensor.Shape)}], which groups of {scheme.Group} do not divide: take a --group that does, or keep this model plain.");
        return new OutgoingTensor(tensor.Name, scheme.Stored, shape, () =>
        {
            using Tensor plain = tensor.Open();
            try
            {
                return scheme.Quantize(plain);
            }
            catch (InvalidDataException e)
            {
                throw new InvalidDataException($"{path}: tensor '{tensor.Name}' cannot be quantized: {e.Message}.", e);
            }
        });
    }

    [GeneratedRegex(@"\A(layers\.\d+\.(self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj)|image_out_projector|image_head\.net\.(cond_embed|res_blocks\.\d+\.(mlp\.[02]|adaLN_modulation\.1)|final_layer\.adaLN_modulation\.1))\.weight\z")]
    private static partial Regex Matrices();
}

/// <summary>A quantized source as plain float32 matrices, decoded when they are read.</summary>
internal sealed class DequantizedSource : TensorSource
{
    private readonly TensorSource _inner;

    /// <summary>Owns <paramref name="inner"/>, which is of the scheme.</summary>
    public DequantizedSource(TensorSource inner, WeightScheme scheme)
    {
        _inner = inner;
        Entries = inner.Entries.ToDictionary(e => e.Key, e => QuantizedWeights.Matrix(e.Value, scheme), StringComparer.Ordinal);
        Metadata = QuantizedWeights.Describe(inner.Metadata, null);
    }

    /// <inheritdoc/>
    public override string Path => _inner.Path;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata { get; }

    /// <inheritdoc/>
    public override Tensor Read(string name)
    {
        Find(name);
        if (ReferenceEquals(Entries[name], _inner.Entries[name]))
        {
            return _inner.Read(name);
        }
        using Tensor stored = _inner.Read(name);
        QuantizedWeights.Check(_inner, name, stored);
        return WeightScheme.Of(stored)!.Dequantize(stored, 0, stored.size(0));
    }

    /// <inheritdoc/>
    public override void Release(string name) => _inner.Release(name);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _inner.Dispose();
}
