using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NextStep.Research;

/// <summary>Rows rounded for <see cref="QuantizedKernels"/>, a group at a time: x = scale · (256 · high + low), without high for int4.</summary>
internal readonly unsafe struct RoundedRows
{
    // Numbers below this count as 0: their inverse would overflow.
    private const float Smallest = 1e-30f;

    private readonly int _k;

    /// <summary>Over <see cref="Bytes(int, int, int)"/> bytes of memory.</summary>
    public RoundedRows(byte* memory, int rows, int k, int groups)
    {
        (Rows, Groups, _k) = (rows, groups, k);
        Starts = (long*)memory;
        Scales = (float*)(Starts + (rows * groups));
        Low = (sbyte*)(Scales + (rows * groups));
        High = Low + (rows * k);
    }

    private RoundedRows(RoundedRows all, int row)
    {
        (Rows, Groups, _k) = (1, all.Groups, all._k);
        Starts = all.Starts + (row * Groups);
        Scales = all.Scales + (row * Groups);
        Low = all.Low + (row * _k);
        High = all.High + (row * _k);
    }

    /// <summary>Rows.</summary>
    public int Rows { get; }

    /// <summary>Groups of a row.</summary>
    public int Groups { get; }

    /// <summary>What each group's two sums begin with.</summary>
    public long* Starts { get; }

    /// <summary>Scale of each group.</summary>
    public float* Scales { get; }

    /// <summary>Low bytes.</summary>
    public sbyte* Low { get; }

    /// <summary>High bytes; unused in int4.</summary>
    public sbyte* High { get; }

    /// <summary>One of them.</summary>
    public RoundedRows Row(int row) => new(this, row);

    /// <summary>Bytes of memory that they need.</summary>
    public static int Bytes(int rows, int k, int groups) => rows * ((2 * k) + (groups * (sizeof(float) + sizeof(long))));

    /// <summary>Rounds a row of float32, <paramref name="x"/> [k], into this one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Fill(WeightScheme scheme, float* x)
    {
        (float most, int bias) = scheme.Bits == 8 ? (32512f, 128) : (127f, 8);
        sbyte* low = Low, high = High;
        for (int g = 0; g < Groups; g++)
        {
            Vector256<float> sizes = default;
            for (int i = 0; i < scheme.Group; i += WeightScheme.Oct)
            {
                sizes = Vector256.Max(sizes, Vector256.Abs(Vector256.Load(x + i)));
            }
            Vector128<float> half = Vector128.Max(sizes.GetLower(), sizes.GetUpper());
            float size = MathF.Max(MathF.Max(half[0], half[1]), MathF.Max(half[2], half[3]));
            Vector256<float> inverse = Vector256.Create(size < Smallest ? 0 : most / size);
            Scales[g] = size < Smallest ? 0 : size / most; // of NaN and ∞ NaN and ∞, and so is the product
            Vector256<int> sum = default;
            for (float* end = x + scheme.Group; x < end; x += WeightScheme.Unit, low += WeightScheme.Unit, high += WeightScheme.Unit)
            {
                Vector256<int> a = Code(x, inverse), b = Code(x + 8, inverse), c = Code(x + 16, inverse), d = Code(x + 24, inverse);
                sum += a + b + c + d;
                if (scheme.Bits == 8)
                {
                    Vector256<int> middle = Vector256.Create(128), ah = (a + middle) >> 8, bh = (b + middle) >> 8, ch = (c + middle) >> 8, dh = (d + middle) >> 8;
                    Bytes(ah, bh, ch, dh).Store(high);
                    (a, b, c, d) = (a - (ah << 8), b - (bh << 8), c - (ch << 8), d - (dh << 8));
                }
                Bytes(a, b, c, d).Store(low);
            }
            // The codes are multiplied as 0 … 255 or 0 … 15: what that adds is taken away here.
            Starts[g] = (uint)(-bias * Vector128.Sum(sum.GetLower())) | ((long)(-bias * Vector128.Sum(sum.GetUpper())) << 32);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Code(float* x, Vector256<float> inverse) => Vector256.ConvertToInt32(Vector256.Round(Vector256.Load(x) * inverse));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<sbyte> Bytes(Vector256<int> a, Vector256<int> b, Vector256<int> c, Vector256<int> d) => Vector256.Narrow(Vector256.Narrow(a, b), Vector256.Narrow(c, d));
}
