using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Names and widths of dtypes in safetensors and torch files.</summary>
internal static class TensorDtypes
{
    // safetensors name, bits per value, torch's dtype; the rest is read into a dtype that holds its values (SmallNumbers).
    private static readonly StoredDtype[] Known =
    [
        new("F64", 64, ScalarType.Float64), new("F32", 32, ScalarType.Float32), new("F16", 16, ScalarType.Float16), new("BF16", 16, ScalarType.BFloat16),
        new("I64", 64, ScalarType.Int64), new("I32", 32, ScalarType.Int32), new("I16", 16, ScalarType.Int16), new("I8", 8, ScalarType.Int8),
        new("U8", 8, ScalarType.Byte), new("BOOL", 8, ScalarType.Bool), new("C64", 64, ScalarType.ComplexFloat32),
        new("U64", 64, ScalarType.Int64, false), new("U32", 32, ScalarType.Int64, false), new("U16", 16, ScalarType.Int32, false),
        new("F8_E5M2", 8, ScalarType.Float32, false), new("F8_E4M3", 8, ScalarType.Float32, false), new("F8_E8M0", 8, ScalarType.Float32, false),
        new("F8_E5M2FNUZ", 8, ScalarType.Float32, false), new("F8_E4M3FNUZ", 8, ScalarType.Float32, false),
        new("F6_E2M3", 6, ScalarType.Float32, false), new("F6_E3M2", 6, ScalarType.Float32, false), new("F4", 4, ScalarType.Float32, false),
    ];

    /// <summary>A safetensors dtype by name; null for one that nobody has defined.</summary>
    public static StoredDtype? Find(string name) => Array.Find(Known, known => known.Name == name);

    /// <summary>The safetensors name of a dtype.</summary>
    /// <exception cref="ArgumentException">safetensors has no such dtype.</exception>
    public static string NameOf(ScalarType type)
    {
        foreach (var known in Known)
        {
            if (known.Direct && known.Type == type)
            {
                return known.Name;
            }
        }
        throw new ArgumentException($"safetensors has no dtype for {type}.", nameof(type));
    }

    /// <summary>Bytes per value.</summary>
    public static int Width(ScalarType type) => Find(NameOf(type))!.Bits / 8;

    /// <summary>Values in a shape, 0 where a size is 0; null when a size is negative or the product does not fit.</summary>
    public static long? Product(IReadOnlyList<long> shape)
    {
        long product = 1;
        if (shape.Any(size => size < 0))
        {
            return null;
        }
        if (shape.Contains(0))
        {
            return 0;
        }
        foreach (var size in shape)
        {
            var high = Math.BigMul(product, size, out var low);
            if (high != 0 || low < 0)
            {
                return null;
            }
            product = low;
        }
        return product;
    }

    /// <summary>Whether torch can hold a tensor of this shape: a zero size does not excuse the others, which it multiplies into strides.</summary>
    public static bool HasStrides(IReadOnlyList<long> shape) => Product([.. shape.Select(size => Math.Max(size, 1))]) is not null;
}

/// <summary>A dtype as files spell it.</summary>
/// <param name="Name">In safetensors.</param>
/// <param name="Bits">Per value.</param>
/// <param name="Type">The torch dtype that its values are read into.</param>
/// <param name="Direct">Whether the bytes are already those of that dtype.</param>
internal sealed record StoredDtype(string Name, int Bits, ScalarType Type, bool Direct = true);
