namespace NextStep.Research;

/// <summary>bfloat16 and back: the upper half of a float32, rounded to nearest even.</summary>
internal static unsafe class BrainFloat
{
    /// <summary>Exact.</summary>
    public static float Widen(ushort value) => BitConverter.UInt32BitsToSingle((uint)value << 16);

    /// <summary>Exact.</summary>
    public static void Widen(ushort* from, float* to, int count)
    {
        for (int i = 0; i < count; i++)
        {
            to[i] = Widen(from[i]);
        }
    }

    /// <summary>To nearest, ties to even; a NaN stays one.</summary>
    public static ushort Round(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>As above.</summary>
    public static void Round(float* from, ushort* to, int count)
    {
        for (int i = 0; i < count; i++)
        {
            to[i] = Round(from[i]);
        }
    }
}
