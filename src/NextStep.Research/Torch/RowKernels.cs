using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace NextStep.Research;

/// <summary>
/// Products of a few rows with a weight matrix, x[rows, k]·W[n, k]ᵀ, at the speed at which the weights can be read. Each number is
/// summed in one fixed order, whatever the number of rows and threads, so a row's result does not depend on what it is batched with.
/// The matrix libraries are made for many rows: one or two rows they read at a third of that speed (measured: experiments/LOG.md).
/// </summary>
internal static unsafe class RowKernels
{
    /// <summary>Outputs that are computed together; every n is a multiple.</summary>
    public const int Block = 4;

    /// <summary>Every k is a multiple.</summary>
    public const int Depth = 16;

    /// <summary>y[r, n] = Σ x[r, k]·w[n, k] for n in [from, to).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* x, int rows, int k, float* w, int from, int to, float* y, int stride)
    {
        for (int n = from; n < to; n += Block)
        {
            float* block = w + ((long)n * k);
            int r = 0;
            for (; r + 4 <= rows; r += 4)
            {
                Four(x + (r * k), k, block, y + (r * stride) + n, stride);
            }
            for (; r + 2 <= rows; r += 2)
            {
                Two(x + (r * k), k, block, y + (r * stride) + n, stride);
            }
            if (r < rows)
            {
                One(x + (r * k), k, block, y + (r * stride) + n);
            }
        }
    }

    /// <summary>As above with bfloat16 weights; <paramref name="x"/> in the order of <see cref="Interleave"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* x, int rows, int k, ushort* w, int from, int to, float* y, int stride)
    {
        for (int n = from, blocks; n < to; n += blocks * Block)
        {
            ushort* block = w + ((long)n * k);
            blocks = Vector512.IsHardwareAccelerated && rows > 1 && n + (2 * Block) <= to ? 2 : 1;
            int r = 0;
            for (; r + 2 <= rows; r += 2)
            {
                float* at = y + (r * stride) + n;
                if (blocks == 2)
                {
                    TwoByEight(x + (r * k), k, block, at, stride);
                }
                else
                {
                    Two(x + (r * k), k, block, at, stride);
                }
            }
            for (int b = 0; r < rows && b < blocks; b++)
            {
                One(x + (r * k), k, block + ((long)b * Block * k), y + (r * stride) + n + (b * Block));
            }
        }
    }

    /// <summary>In every 16 numbers first those at even, then those at odd places: the order in which a word of two bfloat16 splits.</summary>
    public static void Interleave(float* from, float* to, int count)
    {
        for (int i = 0; i < count; i += 16)
        {
            for (int j = 0; j < 8; j++)
            {
                to[i + j] = from[i + (2 * j)];
                to[i + 8 + j] = from[i + (2 * j) + 1];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One(float* x, int k, float* w, float* y)
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
        float* w1 = w + k, w2 = w1 + k, w3 = w2 + k;
        for (int i = 0; i < k; i += 8)
        {
            Vector256<float> u = Vector256.Load(x + i);
            a0 = Vector256.FusedMultiplyAdd(u, Vector256.Load(w + i), a0);
            a1 = Vector256.FusedMultiplyAdd(u, Vector256.Load(w1 + i), a1);
            a2 = Vector256.FusedMultiplyAdd(u, Vector256.Load(w2 + i), a2);
            a3 = Vector256.FusedMultiplyAdd(u, Vector256.Load(w3 + i), a3);
        }
        Store(y, a0, a1, a2, a3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Two(float* x, int k, float* w, float* y, int stride)
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        float* x1 = x + k, w1 = w + k, w2 = w1 + k, w3 = w2 + k;
        for (int i = 0; i < k; i += 8)
        {
            Vector256<float> u = Vector256.Load(x + i), v = Vector256.Load(x1 + i), q = Vector256.Load(w + i);
            a0 = Vector256.FusedMultiplyAdd(u, q, a0);
            b0 = Vector256.FusedMultiplyAdd(v, q, b0);
            q = Vector256.Load(w1 + i);
            a1 = Vector256.FusedMultiplyAdd(u, q, a1);
            b1 = Vector256.FusedMultiplyAdd(v, q, b1);
            q = Vector256.Load(w2 + i);
            a2 = Vector256.FusedMultiplyAdd(u, q, a2);
            b2 = Vector256.FusedMultiplyAdd(v, q, b2);
            q = Vector256.Load(w3 + i);
            a3 = Vector256.FusedMultiplyAdd(u, q, a3);
            b3 = Vector256.FusedMultiplyAdd(v, q, b3);
        }
        Store(y, a0, a1, a2, a3);
        Store(y + stride, b0, b1, b2, b3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(float* x, int k, float* w, float* y, int stride)
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        Vector256<float> c0 = default, c1 = default, c2 = default, c3 = default, d0 = default, d1 = default, d2 = default, d3 = default;
        float* x1 = x + k, x2 = x1 + k, x3 = x2 + k, w1 = w + k, w2 = w1 + k, w3 = w2 + k;
        for (int i = 0; i < k; i += 8)
        {
            Vector256<float> q0 = Vector256.Load(w + i), q1 = Vector256.Load(w1 + i), q2 = Vector256.Load(w2 + i), q3 = Vector256.Load(w3 + i);
            Vector256<float> u = Vector256.Load(x + i);
            a0 = Vector256.FusedMultiplyAdd(u, q0, a0);
            a1 = Vector256.FusedMultiplyAdd(u, q1, a1);
            a2 = Vector256.FusedMultiplyAdd(u, q2, a2);
            a3 = Vector256.FusedMultiplyAdd(u, q3, a3);
            u = Vector256.Load(x1 + i);
            b0 = Vector256.FusedMultiplyAdd(u, q0, b0);
            b1 = Vector256.FusedMultiplyAdd(u, q1, b1);
            b2 = Vector256.FusedMultiplyAdd(u, q2, b2);
            b3 = Vector256.FusedMultiplyAdd(u, q3, b3);
            u = Vector256.Load(x2 + i);
            c0 = Vector256.FusedMultiplyAdd(u, q0, c0);
            c1 = Vector256.FusedMultiplyAdd(u, q1, c1);
            c2 = Vector256.FusedMultiplyAdd(u, q2, c2);
            c3 = Vector256.FusedMultiplyAdd(u, q3, c3);
            u = Vector256.Load(x3 + i);
            d0 = Vector256.FusedMultiplyAdd(u, q0, d0);
            d1 = Vector256.FusedMultiplyAdd(u, q1, d1);
            d2 = Vector256.FusedMultiplyAdd(u, q2, d2);
            d3 = Vector256.FusedMultiplyAdd(u, q3, d3);
        }
        Store(y, a0, a1, a2, a3);
        Store(y + stride, b0, b1, b2, b3);
        Store(y + (2 * stride), c0, c1, c2, c3);
        Store(y + (3 * stride), d0, d1, d2, d3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One(float* x, int k, ushort* w, float* y)
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
        ushort* w1 = w + k, w2 = w1 + k, w3 = w2 + k;
        for (int i = 0; i < k; i += 16)
        {
            if ((i & 16) == 0)
            {
                Ahead(w + i + (4L * k), k);
            }
            Vector256<float> even = Vector256.Load(x + i), odd = Vector256.Load(x + i + 8);
            Vector256<uint> q = Vector256.Load((uint*)(w + i));
            a0 = Vector256.FusedMultiplyAdd(odd, High(q), Vector256.FusedMultiplyAdd(even, Low(q), a0));
            q = Vector256.Load((uint*)(w1 + i));
            a1 = Vector256.FusedMultiplyAdd(odd, High(q), Vector256.FusedMultiplyAdd(even, Low(q), a1));
            q = Vector256.Load((uint*)(w2 + i));
            a2 = Vector256.FusedMultiplyAdd(odd, High(q), Vector256.FusedMultiplyAdd(even, Low(q), a2));
            q = Vector256.Load((uint*)(w3 + i));
            a3 = Vector256.FusedMultiplyAdd(odd, High(q), Vector256.FusedMultiplyAdd(even, Low(q), a3));
        }
        Store(y, a0, a1, a2, a3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Two(float* x, int k, ushort* w, float* y, int stride)
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        float* x1 = x + k;
        ushort* w1 = w + k, w2 = w1 + k, w3 = w2 + k;
        for (int i = 0; i < k; i += 16)
        {
            if ((i & 16) == 0)
            {
                Ahead(w + i + (4L * k), k);
            }
            Vector256<float> even = Vector256.Load(x + i), odd = Vector256.Load(x + i + 8), even1 = Vector256.Load(x1 + i), odd1 = Vector256.Load(x1 + i + 8);
            Vector256<uint> q = Vector256.Load((uint*)(w + i));
            Vector256<float> low = Low(q), high = High(q);
            a0 = Vector256.FusedMultiplyAdd(odd, high, Vector256.FusedMultiplyAdd(even, low, a0));
            b0 = Vector256.FusedMultiplyAdd(odd1, high, Vector256.FusedMultiplyAdd(even1, low, b0));
            q = Vector256.Load((uint*)(w1 + i));
            (low, high) = (Low(q), High(q));
            a1 = Vector256.FusedMultiplyAdd(odd, high, Vector256.FusedMultiplyAdd(even, low, a1));
            b1 = Vector256.FusedMultiplyAdd(odd1, high, Vector256.FusedMultiplyAdd(even1, low, b1));
            q = Vector256.Load((uint*)(w2 + i));
            (low, high) = (Low(q), High(q));
            a2 = Vector256.FusedMultiplyAdd(odd, high, Vector256.FusedMultiplyAdd(even, low, a2));
            b2 = Vector256.FusedMultiplyAdd(odd1, high, Vector256.FusedMultiplyAdd(even1, low, b2));
            q = Vector256.Load((uint*)(w3 + i));
            (low, high) = (Low(q), High(q));
            a3 = Vector256.FusedMultiplyAdd(odd, high, Vector256.FusedMultiplyAdd(even, low, a3));
            b3 = Vector256.FusedMultiplyAdd(odd1, high, Vector256.FusedMultiplyAdd(even1, low, b3));
        }
        Store(y, a0, a1, a2, a3);
        Store(y + stride, b0, b1, b2, b3);
    }

    // As Two, for two blocks at once: with the 32 registers of AVX-512 a twelfth faster at two rows of the 14B shape.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoByEight(float* x, int k, ushort* w, float* y, int stride)
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default, a6 = default, a7 = default;
        Vector256<float> b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default, b6 = default, b7 = default;
        float* x1 = x + k;
        ushort* w1 = w + k, w2 = w1 + k, w3 = w2 + k, w4 = w3 + k, w5 = w4 + k, w6 = w5 + k, w7 = w6 + k;
        for (int i = 0; i < k; i += 16)
        {
            if ((i & 16) == 0)
            {
                Ahead(w + i + (8L * k), k);
                Ahead(w + i + (12L * k), k);
            }
            Vector256<float> even = Vector256.Load(x + i), odd = Vector256.Load(x + i + 8), even1 = Vector256.Load(x1 + i), odd1 = Vector256.Load(x1 + i + 8);
            Vector256<uint> q = Vector256.Load((uint*)(w + i));
            Vector256<float> low = Low(q), high = High(q);
            a0 = Vector256.FusedMultiplyAdd(odd, high, Vector256.FusedMultiplyAdd(even, low, a0));
            b0 = Vector256.FusedMultiplyAdd(odd1, high, Vector256.FusedMultiplyAdd(even1, low, b0));
            q = Vector256.Load((uint*)(w1 + i));
            (low, high) = (Low(q), High(q));
            a1 = Vector256.FusedMultiplyAdd(odd, high, Vector256.FusedMultiplyAdd(even, low, a1));
            b1 = Vector256.FusedMultiplyAdd(odd1, high, Vector256.FusedMultiplyAdd(even1, low, b1));
            q = Vector256.Load((uint*)(w2 + i));
            (low, high) = (Low(q), High(q));
            a2 = Vector256.FusedMultiplyAdd(odd, high, Vector256.FusedMultiplyAdd(even, low, a2));
            b2 = Vector256.FusedMultiplyAdd(odd1, high, Vector256.FusedMultiplyAdd(even1, low, b2));
            q = Vector256.Load((uint*)(w3 + i));
            (low, high) = (Low(q), High(q));
            a3 = Vector256.FusedMultiplyAdd(odd, high, Vector256.FusedMultiplyAdd(even, low, a3));
            b3 = Vector256.FusedMultiplyAdd(odd1, high, Vector256.FusedMultiplyAdd(even1, low, b3));
            q = Vector256.Load((uint*)(w4 + i));
            (low, high) = (Low(q), High(q));
            a4 = Vector256.FusedMultiplyAdd(odd, high, Vector256.FusedMultiplyAdd(even, low, a4));
            b4 = Vector256.FusedMultiplyAdd(odd1, high, Vector256.FusedMultiplyAdd(even1, low, b4));
            q = Vector256.Load((uint*)(w5 + i));
            (low, high) = (Low(q), High(q));
            a5 = Vector256.FusedMultiplyAdd(odd, high, Vector256.FusedMultiplyAdd(even, low, a5));
            b5 = Vector256.FusedMultiplyAdd(odd1, high, Vector256.FusedMultiplyAdd(even1, low, b5));
            q = Vector256.Load((uint*)(w6 + i));
            (low, high) = (Low(q), High(q));
            a6 = Vector256.FusedMultiplyAdd(odd, high, Vector256.FusedMultiplyAdd(even, low, a6));
            b6 = Vector256.FusedMultiplyAdd(odd1, high, Vector256.FusedMultiplyAdd(even1, low, b6));
            q = Vector256.Load((uint*)(w7 + i));
            (low, high) = (Low(q), High(q));
            a7 = Vector256.FusedMultiplyAdd(odd, high, Vector256.FusedMultiplyAdd(even, low, a7));
            b7 = Vector256.FusedMultiplyAdd(odd1, high, Vector256.FusedMultiplyAdd(even1, low, b7));
        }
        Store(y, a0, a1, a2, a3);
        Store(y + Block, a4, a5, a6, a7);
        Store(y + stride, b0, b1, b2, b3);
        Store(y + stride + Block, b4, b5, b6, b7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Low(Vector256<uint> pairs) => (pairs << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> High(Vector256<uint> pairs) => (pairs & Vector256.Create(0xFFFF0000u)).AsSingle();

    // The hardware's own prefetching stops at every page; asking for the next block's lines is worth a fifth in bfloat16, nothing in float32.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ahead(ushort* w, int k)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(w);
            Sse.Prefetch0(w + k);
            Sse.Prefetch0(w + (2L * k));
            Sse.Prefetch0(w + (3L * k));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* y, Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d)
    {
        y[0] = Vector256.Sum(a);
        y[1] = Vector256.Sum(b);
        y[2] = Vector256.Sum(c);
        y[3] = Vector256.Sum(d);
    }
}
