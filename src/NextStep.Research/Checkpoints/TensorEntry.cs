using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>What a checkpoint says about one tensor, known without reading its values.</summary>
public sealed record TensorEntry
{
    /// <summary>The state-dict key.</summary>
    public required string Name { get; init; }

    /// <summary>The dtype as the file spells it, for instance <c>BF16</c> or <c>F8_E4M3</c>.</summary>
    public required string StoredType { get; init; }

    /// <summary>The torch dtype that the values are read into, or null for a stored dtype that nobody has defined: such a tensor is listed but cannot be read.</summary>
    public required ScalarType? Type { get; init; }

    /// <summary>Sizes; empty for a scalar.</summary>
    public required IReadOnlyList<long> Shape { get; init; }

    /// <summary>Where the tensor's bytes begin, from the start of the file that holds it.</summary>
    public required long Offset { get; init; }

    /// <summary>Bytes of the values.</summary>
    public required long ByteLength { get; init; }

    /// <summary>Number of values.</summary>
    public long Count => Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>The sizes as text, for instance <c>[16, 3]</c>.</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";
}
