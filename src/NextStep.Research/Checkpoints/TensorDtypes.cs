using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Names and widths of dtypes in safetensors and torch files.</summary>
internal static class TensorDtypes
{
    // safetensors name, bits per value, torch's dtype where TorchSharp has one.
    private static readonly (string Name, int Bits, ScalarType? Type)[] Known =
    [
        ("F64", 64, ScalarType.Float64), ("F32", 32, ScalarType.Float32), ("F16", 16, ScalarType.Float16), ("BF16", 16, ScalarType.BFloat16),
        ("I64", 64, ScalarType.Int64), ("I32", 32, ScalarType.Int32), ("I16", 16, ScalarType.Int16), ("I8", 8, ScalarType.Int8),
        ("U8", 8, ScalarType.Byte), ("BOOL", 8, ScalarType.Bool), ("C64", 64, ScalarType.ComplexFloat32),
        ("U64", 64, null), ("U32", 32, null), ("U16", 16, null), ("F8_E5M2", 8, null), ("F8_E4M3", 8, null), ("F8_E8M0", 8, null),
        ("F6_E2M3", 6, null), ("F6_E3M2", 6, null), ("F4", 4, null),
    ];

    /// <summary>Bits per value and torch dtype of a safetensors dtype name; null for a name nobody has defined.</summary>
    public static (int Bits, ScalarType? Type)? Find(string name)
    {
        foreach (var known in Known)
        {
            if (known.Name == name)
            {
                return (known.Bits, known.Type);
            }
        }
        return null;
    }

    /// <summary>The safetensors name of a dtype.</summary>
    /// <exception cref="ArgumentException">safetensors has no such dtype.</exception>
    public static string NameOf(ScalarType type)
    {
        foreach (var known in Known)
        {
            if (known.Type == type)
            {
                return known.Name;
            }
        }
        throw new ArgumentException($"safetensors has no dtype for {type}.", nameof(type));
    }

    /// <summary>Bytes per value.</summary>
    public static int Width(ScalarType type) => Find(NameOf(type))!.Value.Bits / 8;

    /// <summary>Values in a shape; null when a size is negative or the product does not fit.</summary>
    public static long? Product(IReadOnlyList<long> shape)
    {
        // A zero size does not excuse the others: torch multiplies them into strides.
        long product = 1;
        var empty = false;
        foreach (var size in shape)
        {
            if (size < 0)
            {
                return null;
            }
            empty |= size == 0;
            var high = Math.BigMul(product, Math.Max(size, 1), out var low);
            if (high != 0 || low < 0)
            {
                return null;
            }
            product = low;
        }
        return empty ? 0 : product;
    }
}
