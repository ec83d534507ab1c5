using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace NextStep.Research;

/// <summary>How quantized weights are multiplied.</summary>
internal enum QuantizedForm
{
    /// <summary>The first of <see cref="QuantizedKernels.Forms"/>.</summary>
    Best,

    /// <summary>Four products of bytes and their sum in one instruction (AVX-VNNI).</summary>
    Vnni,

    /// <summary>The same out of AVX2's products of pairs.</summary>
    Avx2,

    /// <summary>Number by number: the reference.</summary>
    Portable,
}

/// <summary>
/// Products of a few float32 rows with quantized weights, each weight read once for one or two rows; more are served in such passes. The rows are rounded first, a group at a
/// time with a scale of its own: to 16 bits for int8 (an error of max|x| / 65,024) and to 8 bits for int4 (max|x| / 254; the weights' own is more than ten times that). What
/// follows is exact in integers within a group, and summed in float32 over the groups in one order: all forms give the same bits, whatever the number of rows and threads.
/// </summary>
internal static unsafe class QuantizedKernels
{
    /// <summary>The forms that this processor runs, the fastest first.</summary>
    public static IReadOnlyList<QuantizedForm> Forms { get; } =
        [.. AvxVnni.IsSupported ? [QuantizedForm.Vnni] : (QuantizedForm[])[], .. Avx2.IsSupported && Fma.IsSupported ? [QuantizedForm.Avx2] : (QuantizedForm[])[], QuantizedForm.Portable];

    /// <summary>y[r, n] = Σ x[r, k]·w[n, k] for n in [from, to), multiples of <see cref="WeightScheme.Strip"/> both.</summary>
    public static void Multiply(WeightScheme scheme, float* x, int rows, int k, byte* w, int from, int to, float* y, int stride, QuantizedForm form = QuantizedForm.Best)
    {
        int groups = k / scheme.Group;
        byte[] scratch = ArrayPool<byte>.Shared.Rent(RoundedRows.Bytes(rows, k, groups));
        fixed (byte* start = scratch)
        {
            RoundedRows input = new(start, rows, k, groups);
            for (int r = 0; r < rows; r++)
            {
                input.Row(r).Fill(scheme, x + ((long)r * k));
            }
            w += (long)from / WeightScheme.Strip * groups * scheme.StripBytes;
            switch (form == QuantizedForm.Best ? Forms[0] : form, scheme.Bits)
            {
                case (QuantizedForm.Vnni, 8):
                    Strips<VnniDot, Eight>(scheme, input, w, to - from, y + from, stride);
                    break;
                case (QuantizedForm.Vnni, _):
                    Strips<VnniDot, Four>(scheme, input, w, to - from, y + from, stride);
                    break;
                case (QuantizedForm.Avx2, 8):
                    Strips<PairDot, Eight>(scheme, input, w, to - from, y + from, stride);
                    break;
                case (QuantizedForm.Avx2, _):
                    Strips<PairDot, Four>(scheme, input, w, to - from, y + from, stride);
                    break;
                default:
                    Portable(scheme, input, w, to - from, y + from, stride);
                    break;
            }
        }
        ArrayPool<byte>.Shared.Return(scratch);
    }

    /// <summary>A strip of rows as float32, exactly.</summary>
    /// <param name="scheme">The scheme.</param>
    /// <param name="w">The strip.</param>
    /// <param name="groups">Groups of a row.</param>
    /// <param name="to">[<see cref="WeightScheme.Strip"/>, k].</param>
    public static void Decode(WeightScheme scheme, byte* w, int groups, float* to)
    {
        int k = groups * scheme.Group;
        for (int g = 0; g < groups; g++, w += scheme.StripBytes)
        {
            for (int r = 0; r < WeightScheme.Strip; r++)
            {
                Vector256<float> scale = Vector256.Create(WeightScheme.Scale(w, r));
                byte* codes = w + WeightScheme.ScalesBytes + (r * WeightScheme.Oct);
                float* at = to + ((long)r * k) + (g * scheme.Group), end = at + scheme.Group;
                for (; at < end && scheme.Bits == 8; at += WeightScheme.Oct, codes += WeightScheme.Step)
                {
                    (Vector256.ConvertToSingle(Vector256.WidenLower(Vector128.WidenLower(Vector128.CreateScalar(*(long*)codes).AsSByte()).ToVector256Unsafe())) * scale).Store(at);
                }
                for (; at < end; at += 2 * WeightScheme.Oct, codes += WeightScheme.Step)
                {
                    Vector256<int> pairs = Vector256.WidenLower(Vector128.WidenLower(Vector128.CreateScalar(*(long*)codes).AsByte()).ToVector256Unsafe()).AsInt32(), middle = Vector256.Create(8);
                    (Vector256.ConvertToSingle((pairs & Vector256.Create(15)) - middle) * scale).Store(at);
                    (Vector256.ConvertToSingle((pairs >>> 4) - middle) * scale).Store(at + WeightScheme.Oct);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Strips<TDot, TCode>(WeightScheme scheme, RoundedRows x, byte* w, int outputs, float* y, int stride)
        where TDot : struct, IDot
        where TCode : struct, ICode
    {
        long strip = (long)x.Groups * scheme.StripBytes;
        for (float* end = y + outputs; y < end; y += WeightScheme.Strip, w += strip)
        {
            int r = 0;
            for (; r + 2 <= x.Rows; r += 2)
            {
                Two<TDot, TCode>(scheme.Group, x.Row(r), x.Row(r + 1), w, strip, y + ((long)r * stride), stride);
            }
            if (r < x.Rows)
            {
                One<TDot, TCode>(scheme.Group, x.Row(r), w, strip, y + ((long)r * stride));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One<TDot, TCode>(int group, RoundedRows x, byte* w, long next, float* y)
        where TDot : struct, IDot
        where TCode : struct, ICode
    {
        Vector256<float> sum = default;
        sbyte* low = x.Low, high = x.High;
        float* scale = x.Scales;
        long* start = x.Starts;
        for (float* end = scale + x.Groups; scale < end; scale++, start++)
        {
            Vector256<float> factors = Factors(w);
            Vector256<int> fine = Vector256.Create(*start).AsInt32(), coarse = default;
            w += WeightScheme.ScalesBytes;
            for (sbyte* until = low + group; low < until; low += WeightScheme.Unit, high += WeightScheme.Unit, w += TCode.Bytes)
            {
                TCode.Fetch(w + next);
                TCode.Load(w, out Vector256<byte> a, out Vector256<byte> b, out Vector256<byte> c, out Vector256<byte> d);
                fine = Dot<TDot, TCode>(fine, a, b, c, d, low);
                coarse = TCode.Wide ? Dot<TDot, TCode>(coarse, a, b, c, d, high) : coarse;
            }
            sum = Add<TCode>(sum, fine, coarse, factors, *scale);
        }
        Store(y, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Two<TDot, TCode>(int group, RoundedRows x, RoundedRows x1, byte* w, long next, float* y, int stride)
        where TDot : struct, IDot
        where TCode : struct, ICode
    {
        Vector256<float> sum = default, sum1 = default;
        sbyte* low = x.Low, high = x.High;
        float* scale = x.Scales;
        long* start = x.Starts;
        sbyte* low1 = x1.Low, high1 = x1.High;
        float* scale1 = x1.Scales;
        long* start1 = x1.Starts;
        for (float* end = scale + x.Groups; scale < end; scale++, start++, scale1++, start1++)
        {
            Vector256<float> factors = Factors(w);
            Vector256<int> fine = Vector256.Create(*start).AsInt32(), coarse = default, fine1 = Vector256.Create(*start1).AsInt32(), coarse1 = default;
            w += WeightScheme.ScalesBytes;
            for (sbyte* until = low + group; low < until; w += TCode.Bytes)
            {
                TCode.Fetch(w + next);
                TCode.Load(w, out Vector256<byte> a, out Vector256<byte> b, out Vector256<byte> c, out Vector256<byte> d);
                fine = Dot<TDot, TCode>(fine, a, b, c, d, low);
                fine1 = Dot<TDot, TCode>(fine1, a, b, c, d, low1);
                low += WeightScheme.Unit;
                low1 += WeightScheme.Unit;
                if (TCode.Wide)
                {
                    coarse = Dot<TDot, TCode>(coarse, a, b, c, d, high);
                    coarse1 = Dot<TDot, TCode>(coarse1, a, b, c, d, high1);
                    high += WeightScheme.Unit;
                    high1 += WeightScheme.Unit;
                }
            }
            sum = Add<TCode>(sum, fine, coarse, factors, *scale);
            sum1 = Add<TCode>(sum1, fine1, coarse1, factors, *scale1);
        }
        Store(y, sum);
        Store(y + stride, sum1);
    }

    // The four scales, each for the two lanes of its row.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Factors(byte* w) => WeightScheme.Widen(Avx2.PermuteVar8x32(Avx2.ConvertToVector256Int32((short*)w), Vector256.Create(0, 0, 1, 1, 2, 2, 3, 3)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Add<TCode>(Vector256<float> sum, Vector256<int> fine, Vector256<int> coarse, Vector256<float> factors, float scale)
        where TCode : struct, ICode =>
        Fma.MultiplyAdd(Avx.ConvertToVector256Single(TCode.Wide ? fine + (coarse << 8) : fine), factors * Vector256.Create(scale), sum);

    // Eight numbers of x meet eight of each row: lanes 2r and 2r + 1 are row r's.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Dot<TDot, TCode>(Vector256<int> sum, Vector256<byte> a, Vector256<byte> b, Vector256<byte> c, Vector256<byte> d, sbyte* x)
        where TDot : struct, IDot
        where TCode : struct, ICode
    {
        long* eight = (long*)x;
        sum = TDot.Add(sum, a, Vector256.Create(eight[0]).AsSByte(), TCode.Wide);
        sum = TDot.Add(sum, b, Vector256.Create(eight[1]).AsSByte(), TCode.Wide);
        sum = TDot.Add(sum, c, Vector256.Create(eight[2]).AsSByte(), TCode.Wide);
        return TDot.Add(sum, d, Vector256.Create(eight[3]).AsSByte(), TCode.Wide);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* y, Vector256<float> sum) => (y[0], y[1], y[2], y[3]) = (sum[0] + sum[1], sum[2] + sum[3], sum[4] + sum[5], sum[6] + sum[7]);

    // The definition, in the order of the others.
    private static void Portable(WeightScheme scheme, RoundedRows x, byte* w, int outputs, float* y, int stride)
    {
        for (int n = 0; n < outputs; n += WeightScheme.Strip, w += (long)x.Groups * scheme.StripBytes)
        {
            for (int i = 0; i < x.Rows * WeightScheme.Strip; i++)
            {
                (int r, int row) = (i / WeightScheme.Strip, i % WeightScheme.Strip);
                RoundedRows input = x.Row(r);
                float even = 0, odd = 0;
                for (int g = 0; g < x.Groups; g++)
                {
                    byte* block = w + ((long)g * scheme.StripBytes);
                    int first = 0, second = 0;
                    for (int j = 0; j < scheme.Group; j++)
                    {
                        int at = (g * scheme.Group) + j, product = scheme.Code(block, row, j) * (input.Low[at] + (scheme.Bits == 8 ? 256 * input.High[at] : 0));
                        (first, second) = (j & 4) == 0 ? (first + product, second) : (first, second + product);
                    }
                    float factor = WeightScheme.Scale(block, row) * input.Scales[g];
                    (even, odd) = (MathF.FusedMultiplyAdd(first, factor, even), MathF.FusedMultiplyAdd(second, factor, odd));
                }
                y[((long)r * stride) + n + row] = even + odd;
            }
        }
    }

    private interface IDot
    {
        // Adds to each lane four products of bytes; the left ones are below 16 unless wide.
        static abstract Vector256<int> Add(Vector256<int> sum, Vector256<byte> codes, Vector256<sbyte> x, bool wide);
    }

    private readonly struct VnniDot : IDot
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Add(Vector256<int> sum, Vector256<byte> codes, Vector256<sbyte> x, bool wide) => AvxVnni.MultiplyWideningAndAdd(sum, codes, x);
    }

    // The sum of a pair saturates at 16 bits, so wide codes are multiplied half by half.
    private readonly struct PairDot : IDot
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Add(Vector256<int> sum, Vector256<byte> codes, Vector256<sbyte> x, bool wide)
        {
            Vector256<byte> low = Vector256.Create((byte)15);
            Vector256<int> products = Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(wide ? codes & low : codes, x), Vector256.Create((short)1));
            return wide
                ? sum + products + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent((codes.AsUInt16() >>> 4).AsByte() & low, x), Vector256.Create((short)16))
                : sum + products;
        }
    }

    private interface ICode
    {
        // Of a strip's 32 numbers a row.
        static abstract int Bytes { get; }

        // Whether x has 16 bits.
        static abstract bool Wide { get; }

        static abstract void Fetch(byte* codes);

        static abstract void Load(byte* codes, out Vector256<byte> a, out Vector256<byte> b, out Vector256<byte> c, out Vector256<byte> d);
    }

    private readonly struct Eight : ICode
    {
        public static int Bytes => 128;

        public static bool Wide => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Fetch(byte* codes)
        {
            Sse.Prefetch0(codes);
            Sse.Prefetch0(codes + 64);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Load(byte* codes, out Vector256<byte> a, out Vector256<byte> b, out Vector256<byte> c, out Vector256<byte> d)
        {
            Vector256<byte> sign = Vector256.Create((byte)128);
            (a, b, c, d) = (Vector256.Load(codes) ^ sign, Vector256.Load(codes + 32) ^ sign, Vector256.Load(codes + 64) ^ sign, Vector256.Load(codes + 96) ^ sign);
        }
    }

    private readonly struct Four : ICode
    {
        public static int Bytes => 64;

        public static bool Wide => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Fetch(byte* codes) => Sse.Prefetch0(codes);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Load(byte* codes, out Vector256<byte> a, out Vector256<byte> b, out Vector256<byte> c, out Vector256<byte> d)
        {
            Vector256<byte> low = Vector256.Create((byte)15), first = Vector256.Load(codes), second = Vector256.Load(codes + 32);
            (a, b) = (first & low, (first.AsUInt16() >>> 4).AsByte() & low);
            (c, d) = (second & low, (second.AsUInt16() >>> 4).AsByte() & low);
        }
    }
}
