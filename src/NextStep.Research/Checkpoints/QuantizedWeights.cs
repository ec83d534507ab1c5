using System.Text.RegularExpressions;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Checkpoints with quantized matrices: which they are, how files say so, and their numbers. Quantized are the projections of the decoder layers, the projector behind them and the products
/// of the token head that every step repeats; its modulations, which are computed once a token for all steps together, embedding, language head, norms, biases, what takes tokens in
/// and out, and matrices whose width the groups (or whose height four) do not divide keep their dtype.
/// </summary>
internal static partial class QuantizedWeights
{
    /// <summary>Key of the metadata; its value is the version of the layout and the scheme, <c>2 int8:32</c>.</summary>
    public const string Key = "nextstep_quantization";

    private const string Version = "2";

    /// <summary>Whether a tensor of the model is quantized, by its name and shape.</summary>
    public static bool IsChosen(string name, IReadOnlyList<long> shape, WeightScheme scheme) => Matrices().IsMatch(name) && scheme.Shape(shape) is not null;

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
            throw new InvalidDataException($"{source.Path}: {Key} is '{text}', which this version does not know; it reads '{Version} int8:GROUP' and '{Version} int4:GROUP' with groups of 32, 64 or 128; convert the original again.");
        }
        foreach (TensorEntry entry in source.Entries.Values.Where(e => IsStored(e, scheme)))
        {
            if (entry.Type != scheme.Stored || entry.Shape.Count != 3 || entry.Shape[2] != scheme.StripBytes)
            {
                throw new InvalidDataException($"{source.Path}: tensor '{entry.Name}' is {entry.StoredType} {entry.ShapeText}, which is not a matrix of {scheme} (blocks of {scheme.StripBytes} bytes); convert the original again.");
            }
        }
        return scheme;
    }

    /// <summary>A quantized tensor as the matrix that it stands for, its dtype the scheme; of another, itself.</summary>
    public static TensorEntry Matrix(TensorEntry entry, WeightScheme scheme) =>
        IsStored(entry, scheme) ? entry with { Type = ScalarType.Float32, StoredType = scheme.ToString(), Shape = scheme.Matrix(entry.Shape) } : entry;

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
    /// <param name="tensors">All of it.</param>
    /// <param name="scheme">How.</param>
    /// <param name="path">Of the source, for messages.</param>
    /// <param name="say">Told which matrices stay as they are because the groups do not divide their width.</param>
    /// <exception cref="InvalidDataException">Numbers are not finite, or there is nothing to quantize.</exception>
    public static IReadOnlyList<OutgoingTensor> Quantized(IEnumerable<OutgoingTensor> tensors, WeightScheme scheme, string path, Action<string>? say = null)
    {
        OutgoingTensor[] plain = [.. tensors], matrices = [.. plain.Where(t => IsMatrix(t.Name))], kept = [.. matrices.Where(t => scheme.Shape(t.Shape) is null)];
        if (kept.Length == matrices.Length)
        {
            throw new InvalidDataException($"{path}: there are no matrices of a transformer here that could be quantized{(kept.Length > 0 ? $": groups of {scheme.Group} divide the width of none, '{kept[0].Name}' is [{string.Join(", ", kept[0].Shape)}]" : "")}.");
        }
        if (kept.Length > 0)
        {
            say?.Invoke($"{kept.Length} of {matrices.Length} matrices stay as they are, since groups of {scheme.Group} do not divide their width (or {WeightScheme.Strip} their height): {string.Join(", ", kept.Select(t => $"{t.Name} [{string.Join(", ", t.Shape)}]"))}");
        }
        return [.. plain.Select(t => IsMatrix(t.Name) && scheme.Shape(t.Shape) is { } shape ? Quantized(t, shape, scheme, path) : t)];
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

    // Of a quantized file: everything that is chosen by name, but matrices that no group divides.
    private static bool IsStored(TensorEntry entry, WeightScheme scheme) =>
        IsMatrix(entry.Name) && !(entry.Shape.Count == 2 && scheme.Shape(entry.Shape) is null && entry.Type is ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16);

    private static bool IsMatrix(string stored) => WeightNames.OfModel(stored) is { } name && Matrices().IsMatch(name);

    private static OutgoingTensor Quantized(OutgoingTensor tensor, long[] shape, WeightScheme scheme, string path) => tensor with
    {
        Type = scheme.Stored,
        Shape = shape,
        Open = () =>
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
        },
    };

    [GeneratedRegex(@"\A(layers\.\d+\.(self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj)|image_out_projector|image_head\.net\.(cond_embed|res_blocks\.\d+\.mlp\.[02]))\.weight\z")]
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
        return WeightScheme.Of(stored)!.Dequantize(stored, 0, WeightScheme.Of(stored)!.Matrix(stored.shape)[0]);
    }

    /// <inheritdoc/>
    public override void Release(string name) => _inner.Release(name);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _inner.Dispose();
}
