using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Numbers that torch has here no dtype for, read into one that holds each exactly: floats of 8, 6 and 4 bits (OCP Microscaling formats 1.0; FNUZ variants) into float32,
/// unsigned integers into the next wider signed ones.
/// </summary>
internal static unsafe class SmallNumbers
{
    /// <summary>The values of a packed float of up to 8 bits for each of its codes; null for another dtype.</summary>
    public static float[]? Table(string dtype) => dtype switch
    {
        "F8_E4M3" => Codes(8, 4, 3, 7, (code, _) => (code & 0x7f) == 0x7f ? float.NaN : null),
        "F8_E5M2" => Codes(8, 5, 2, 15, (code, magnitude) => (code & 0x7c) != 0x7c ? null : (code & 3) != 0 ? float.NaN : magnitude < 0 ? float.NegativeInfinity : float.PositiveInfinity),
        "F8_E4M3FNUZ" => Codes(8, 4, 3, 8, (code, _) => code == 0x80 ? float.NaN : null),
        "F8_E5M2FNUZ" => Codes(8, 5, 2, 16, (code, _) => code == 0x80 ? float.NaN : null),
        "F8_E8M0" => [.. Enumerable.Range(0, 256).Select(code => code == 255 ? float.NaN : MathF.ScaleB(1, code - 127))],
        "F6_E2M3" => Codes(6, 2, 3, 1, (_, _) => null),
        "F6_E3M2" => Codes(6, 3, 2, 3, (_, _) => null),
        "F4" => Codes(4, 2, 1, 1, (_, _) => null),
        _ => null,
    };

    /// <summary>Fills <paramref name="target"/>, dense and on the CPU, from the bytes at <paramref name="from"/>. Values of fewer than 8 bits stand one behind the other from the lowest bit up.</summary>
    /// <exception cref="InvalidDataException">An unsigned number is too large for int64.</exception>
    public static void Fill(Tensor target, string dtype, int bits, byte* from)
    {
        long count = target.NumberOfElements;
        void* to = (void*)TensorMemory.Address(target);
        if (Table(dtype) is { } table)
        {
            int mask = (1 << bits) - 1;
            for (long i = 0, bit = 0; i < count; i++, bit += bits)
            {
                int shift = (int)(bit & 7), code = from[bit >> 3] >> shift;
                code = shift + bits > 8 ? code | (from[(bit >> 3) + 1] << (8 - shift)) : code;
                ((float*)to)[i] = table[code & mask];
            }
            return;
        }
        for (long i = 0; i < count; i++)
        {
            switch (dtype)
            {
                case "U16":
                    ((int*)to)[i] = ((ushort*)from)[i];
                    break;
                case "U32":
                    ((long*)to)[i] = ((uint*)from)[i];
                    break;
                default:
                    ulong value = ((ulong*)from)[i];
                    ((long*)to)[i] = value <= long.MaxValue ? (long)value : throw new InvalidDataException($"holds {value}, more than a signed number of 64 bits");
                    break;
            }
        }
    }

    private static float[] Codes(int bits, int exponentBits, int mantissaBits, int bias, Func<int, float, float?> special)
    {
        float[] values = new float[1 << bits];
        for (int code = 0; code < values.Length; code++)
        {
            int exponent = (code >> mantissaBits) & ((1 << exponentBits) - 1), mantissa = code & ((1 << mantissaBits) - 1);
            float fraction = mantissa / (float)(1 << mantissaBits);
            float magnitude = exponent == 0 ? MathF.ScaleB(fraction, 1 - bias) : MathF.ScaleB(1 + fraction, exponent - bias);
            float value = (code >> (bits - 1)) == 1 ? -magnitude : magnitude;
            values[code] = special(code, value) ?? value;
        }
        return values;
    }
}
