using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace NextStep.Research;

/// <summary>How quantized weights are read.</summary>
internal enum QuantizedForm
{
    /// <summary>The first of <see cref="QuantizedKernels.Forms"/>.</summary>
    Best,

    /// <summary>Decoded into 512-bit registers and multiplied there.</summary>
    Avx512,

    /// <summary>Four rows of weights at a time decoded by AVX2, then <see cref="RowKernels"/>.</summary>
    Avx2,

    /// <summary>As before, decoded number by number: the reference.</summary>
    Portable,
}

/// <summary>
/// Products of a few float32 rows with quantized weights, each weight read once for one or two rows; more are served in such passes (four at once were slower: their sums
/// and weights do not fit the registers). The weights are decoded exactly, so the forms differ in the order of a sum alone; a row's result does not depend on its company nor
/// on the number of threads.
/// </summary>
internal static unsafe class QuantizedKernels
{
    /// <summary>The forms that this processor runs, the widest registers first.</summary>
    public static IReadOnlyList<QuantizedForm> Forms { get; } =
        [.. Avx512F.IsSupported ? [QuantizedForm.Avx512] : (QuantizedForm[])[], .. Avx2.IsSupported ? [QuantizedForm.Avx2] : (QuantizedForm[])[], QuantizedForm.Portable];

    /// <summary>y[r, n] = Σ x[r, k]·w[n, k] for n in [from, to), a multiple of four each.</summary>
    public static void Multiply(WeightScheme scheme, float* x, int rows, int k, byte* w, int from, int to, float* y, int stride, QuantizedForm form = QuantizedForm.Best)
    {
        int blocks = k / scheme.Group;
        long row = (long)blocks * scheme.BlockBytes;
        if ((form == QuantizedForm.Best ? Forms[0] : form) == QuantizedForm.Avx512)
        {
            for (int n = from; n < to; n += RowKernels.Block)
            {
                if (scheme.Bits == 8)
                {
                    Rows<Eight>(scheme.Group, x, rows, k, w + (n * row), row, y + n, stride);
                }
                else
                {
                    Rows<Four>(scheme.Group, x, rows, k, w + (n * row), row, y + n, stride);
                }
            }
            return;
        }
        float[] scratch = System.Buffers.ArrayPool<float>.Shared.Rent(RowKernels.Block * k);
        fixed (float* plain = scratch)
        {
            for (int n = from; n < to; n += RowKernels.Block)
            {
                for (int i = 0; i < RowKernels.Block; i++)
                {
                    Decode(scheme, w + ((n + i) * row), blocks, plain + ((long)i * k), form);
                }
                RowKernels.Multiply(x, rows, k, plain, 0, RowKernels.Block, y + n, stride);
            }
        }
        System.Buffers.ArrayPool<float>.Shared.Return(scratch);
    }

    /// <summary>A row of blocks as float32.</summary>
    public static void Decode(WeightScheme scheme, byte* w, int blocks, float* to, QuantizedForm form)
    {
        bool wide = form != QuantizedForm.Portable && Avx2.IsSupported;
        for (int b = 0; b < blocks; b++, w += scheme.BlockBytes)
        {
            float scale = WeightScheme.Scale(w);
            byte* codes = w + WeightScheme.ScaleBytes;
            for (int i = 0; i < scheme.Group; i += WeightScheme.Unit, to += WeightScheme.Unit, codes += WeightScheme.Unit * scheme.Bits / 8)
            {
                if (wide)
                {
                    DecodeWide(scheme.Bits, codes, scale, to);
                }
                else
                {
                    for (int j = 0; j < WeightScheme.Unit; j++)
                    {
                        to[j] = scale * (scheme.Bits == 8 ? (sbyte)codes[j] : (j < 16 ? codes[j] & 15 : codes[j - 16] >> 4) - 8);
                    }
                }
            }
        }
    }

    private static void DecodeWide(int bits, byte* codes, float scale, float* to)
    {
        Vector256<float> factor = Vector256.Create(scale);
        if (bits == 8)
        {
            for (int j = 0; j < WeightScheme.Unit; j += 8)
            {
                (Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32((sbyte*)codes + j)) * factor).Store(to + j);
            }
            return;
        }
        Vector256<int> low = Vector256.Create(15), middle = Vector256.Create(8);
        for (int j = 0; j < 16; j += 8)
        {
            Vector256<int> pairs = Avx2.ConvertToVector256Int32(codes + j);
            (Vector256.ConvertToSingle((pairs & low) - middle) * factor).Store(to + j);
            (Vector256.ConvertToSingle((pairs >>> 4) - middle) * factor).Store(to + j + 16);
        }
    }

    private static void Rows<TCode>(int group, float* x, int rows, int k, byte* w, long row, float* y, int stride)
        where TCode : struct, ICode
    {
        int r = 0;
        for (; r + 2 <= rows; r += 2)
        {
            TwoRows<TCode>(group, x + ((long)r * k), k, w, row, y + ((long)r * stride), stride);
        }
        if (r < rows)
        {
            OneRow<TCode>(group, x + ((long)r * k), k, w, row, y + ((long)r * stride));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow<TCode>(int group, float* x, int k, byte* w, long row, float* y)
        where TCode : struct, ICode
    {
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default;
        long row2 = 2 * row, row3 = 3 * row, next = 4 * row;
        for (float* end = x + k; x < end;)
        {
            Vector512<float> s0 = TCode.Scaled(w), s1 = TCode.Scaled(w + row), s2 = TCode.Scaled(w + row2), s3 = TCode.Scaled(w + row3);
            w += WeightScheme.ScaleBytes;
            for (float* until = x + group; x < until; x += WeightScheme.Unit)
            {
                Sse.Prefetch0(w + next);
                Sse.Prefetch0(w + next + row);
                Sse.Prefetch0(w + next + row2);
                Sse.Prefetch0(w + next + row3);
                Vector512<float> u = Vector512.Load(x), v = Vector512.Load(x + 16);
                a0 = Fma(v, TCode.Second(w, s0), Fma(u, TCode.First(w, s0), a0));
                a1 = Fma(v, TCode.Second(w + row, s1), Fma(u, TCode.First(w + row, s1), a1));
                a2 = Fma(v, TCode.Second(w + row2, s2), Fma(u, TCode.First(w + row2, s2), a2));
                a3 = Fma(v, TCode.Second(w + row3, s3), Fma(u, TCode.First(w + row3, s3), a3));
                w += TCode.Bytes;
            }
        }
        Store(y, a0, a1, a2, a3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoRows<TCode>(int group, float* x, int k, byte* w, long row, float* y, int stride)
        where TCode : struct, ICode
    {
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        long row2 = 2 * row, row3 = 3 * row, next = 4 * row;
        for (float* end = x + k; x < end;)
        {
            Vector512<float> s0 = TCode.Scaled(w), s1 = TCode.Scaled(w + row), s2 = TCode.Scaled(w + row2), s3 = TCode.Scaled(w + row3);
            w += WeightScheme.ScaleBytes;
            for (float* until = x + group; x < until; x += WeightScheme.Unit)
            {
                Sse.Prefetch0(w + next);
                Sse.Prefetch0(w + next + row);
                Sse.Prefetch0(w + next + row2);
                Sse.Prefetch0(w + next + row3);
                Vector512<float> u = Vector512.Load(x), v = Vector512.Load(x + 16), u1 = Vector512.Load(x + k), v1 = Vector512.Load(x + k + 16);
                Vector512<float> p = TCode.First(w, s0), q = TCode.Second(w, s0);
                (a0, b0) = (Fma(v, q, Fma(u, p, a0)), Fma(v1, q, Fma(u1, p, b0)));
                (p, q) = (TCode.First(w + row, s1), TCode.Second(w + row, s1));
                (a1, b1) = (Fma(v, q, Fma(u, p, a1)), Fma(v1, q, Fma(u1, p, b1)));
                (p, q) = (TCode.First(w + row2, s2), TCode.Second(w + row2, s2));
                (a2, b2) = (Fma(v, q, Fma(u, p, a2)), Fma(v1, q, Fma(u1, p, b2)));
                (p, q) = (TCode.First(w + row3, s3), TCode.Second(w + row3, s3));
                (a3, b3) = (Fma(v, q, Fma(u, p, a3)), Fma(v1, q, Fma(u1, p, b3)));
                w += TCode.Bytes;
            }
        }
        Store(y, a0, a1, a2, a3);
        Store(y + stride, b0, b1, b2, b3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Fma(Vector512<float> x, Vector512<float> w, Vector512<float> sum) => Avx512F.FusedMultiplyAdd(x, w, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* y, Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d) =>
        (y[0], y[1], y[2], y[3]) = (Vector512.Sum(a), Vector512.Sum(b), Vector512.Sum(c), Vector512.Sum(d));

    // Numbers 0–15 and 16–31 of a unit.
    private interface ICode
    {
        static abstract int Bytes { get; }

        static abstract Vector512<float> Scaled(byte* block);

        static abstract Vector512<float> First(byte* codes, Vector512<float> scaled);

        static abstract Vector512<float> Second(byte* codes, Vector512<float> scaled);
    }

    private readonly struct Eight : ICode
    {
        public static int Bytes => 32;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Scaled(byte* block) => Vector512.Create(WeightScheme.Scale(block));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> First(byte* codes, Vector512<float> scaled) =>
            Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(Vector128.Load((sbyte*)codes))) * scaled;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Second(byte* codes, Vector512<float> scaled) => First(codes + 16, scaled);
    }

    // All sixteen numbers that a group knows are a register, from which the codes choose by their low four bits.
    private readonly struct Four : ICode
    {
        public static int Bytes => 16;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Scaled(byte* block) =>
            Vector512.Create(WeightScheme.Scale(block)) * Vector512.Create(-8f, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> First(byte* codes, Vector512<float> scaled) =>
            Avx512F.PermuteVar16x32(scaled, Avx512F.ConvertToVector512Int32(Vector128.Load(codes)));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Second(byte* codes, Vector512<float> scaled) =>
            Avx512F.PermuteVar16x32(scaled, Avx512F.ConvertToVector512Int32(Vector128.Load(codes)) >>> 4);
    }
}
