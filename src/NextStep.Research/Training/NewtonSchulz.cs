using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// <see cref="MuonOptimizer"/>'s step of matrices whose sides are a few sixteens: products of that size cost a library about as much to prepare as to compute, and two
/// of the three in an iteration are symmetric, which a library does not use. One thread takes a whole matrix, so the number of threads changes no bit.
/// </summary>
internal static unsafe class NewtonSchulz
{
    /// <summary>The coefficients of x ← a·x + (b·A + c·A²)·x with A = x·xᵀ (Jordan et al. 2024).</summary>
    public const float A = 3.4445f, B = -4.7750f, C = 2.0315f;

    private const int Lanes = 16, Rows = 4, Largest = 512, Longest = 2048;

    /// <summary>Whether a weight's step is taken here: float32 in memory of the CPU, both sides in sixteens, one of them up to 512 and the other up to 2048, vectors of 512 bits.</summary>
    public static bool Suits(Tensor weight) => Vector512.IsHardwareAccelerated && Sse.IsSupported
        && weight.device_type == DeviceType.CPU && weight.dtype == ScalarType.Float32 && weight.is_contiguous()
        && Math.Min(Side(weight, 0), Side(weight, 1)) <= Largest && Math.Max(Side(weight, 0), Side(weight, 1)) <= Longest
        && Side(weight, 0) % Lanes == 0 && Side(weight, 1) % Lanes == 0;

    /// <summary>W ← W − η·(0.2·√max(rows, columns)·O + λ·W) of each weight, its momentum moved first.</summary>
    /// <param name="weights">Those that <see cref="Suits"/>, with gradients and momenta of the same shapes.</param>
    /// <param name="rate">η.</param>
    /// <param name="momentum">Decay of the momentum.</param>
    /// <param name="decay">λ.</param>
    /// <param name="iterations">Of the Newton–Schulz iteration.</param>
    public static void Step(IReadOnlyList<(Tensor Weight, Tensor Gradient, Tensor Momentum)> weights, double rate, double momentum, double decay, int iterations)
    {
        (long Rows, long Columns, nint Weight, nint Gradient, nint Momentum)[] all =
            [.. weights.Select(w => (Side(w.Weight, 0), Side(w.Weight, 1), TensorMemory.Address(w.Weight), TensorMemory.Address(w.Gradient), TensorMemory.Address(w.Momentum)))];
        CpuTeam team = CpuTeam.Shared;
        long most = all.Max(w => Room(w.Rows, w.Columns) + (w.Rows * w.Columns));
        using Tensor room = empty(team.Count, most);
        float* rooms = (float*)TensorMemory.Address(room);
        team.Run(part =>
        {
            float* mine = rooms + (part * most);
            for (int i = part; i < all.Length; i += team.Count)
            {
                (long rows, long columns, nint weight, nint gradient, nint moved) = all[i];
                long count = rows * columns;
                Ahead((float*)gradient, (float*)moved, mine, count, (float)momentum);
                Orthogonal(mine, (int)rows, (int)columns, iterations, mine + count);
                Move((float*)weight, mine, count, (float)(1 - (rate * decay)), (float)(rate * 0.2 * Math.Sqrt(Math.Max(rows, columns))));
            }
        });
        GC.KeepAlive(weights);
    }

    // Of a convolution: out × (in·kernel).
    private static long Side(Tensor weight, int side) => side == 0 ? weight.size(0) : weight.numel() / Math.Max(1, weight.size(0));

    // Rows lie a line further apart than they are long: with a power of two between them they would push each other out of the cache.
    private static int Stride(int columns) => columns + Lanes;

    private static long Room(long rows, long columns)
    {
        int m = (int)Math.Min(rows, columns), n = (int)Math.Max(rows, columns);
        return (2L * m * Stride(n)) + ((n + (2L * m)) * Stride(m));
    }

    // Nesterov: the momentum moves, and what is made orthogonal is a step ahead of it.
    private static void Ahead(float* gradient, float* momentum, float* ahead, long count, float decay)
    {
        Vector512<float> keep = Vector512.Create(decay), take = Vector512.Create(1 - decay);
        for (long i = 0; i < count; i += Lanes)
        {
            Vector512<float> g = Vector512.Load(gradient + i) * take, m = Vector512.FusedMultiplyAdd(Vector512.Load(momentum + i), keep, g);
            m.Store(momentum + i);
            Vector512.FusedMultiplyAdd(m, keep, g).Store(ahead + i);
        }
    }

    private static void Move(float* weight, float* direction, long count, float keep, float by)
    {
        for (long i = 0; i < count; i += Lanes)
        {
            Vector512.FusedMultiplyAdd(Vector512.Load(direction + i), Vector512.Create(-by), Vector512.Load(weight + i) * keep).Store(weight + i);
        }
    }

    private static void Orthogonal(float* matrix, int rows, int columns, int iterations, float* room)
    {
        int m = Math.Min(rows, columns), n = Math.Max(rows, columns), wide = Stride(n), narrow = Stride(m);
        float* x = room, next = x + (m * wide), turned = next + (m * wide), a = turned + (n * narrow), p = a + (m * narrow);
        float factor = 1 / (Norm(matrix, m * n) + 1e-7f);
        if (rows > columns)
        {
            Transpose(matrix, columns, rows, columns, factor, x, wide);
        }
        else
        {
            Copy(matrix, columns, rows, columns, factor, x, wide);
        }
        for (int i = 0; i < iterations; i++)
        {
            Transpose(x, wide, m, n, 1, turned, narrow);
            Product(x, wide, turned, narrow, m, n, m, 1, null, 0, a, symmetric: true);
            Product(a, narrow, a, narrow, m, m, m, C, a, B, p, symmetric: true);
            Product(p, narrow, x, wide, m, m, n, 1, x, A, next, symmetric: false);
            float* last = x;
            x = next;
            next = last;
        }
        if (rows > columns)
        {
            Transpose(x, wide, columns, rows, 1, matrix, columns);
        }
        else
        {
            Copy(x, wide, rows, columns, 1, matrix, columns);
        }
    }

    private static void Copy(float* from, int stride, int rows, int columns, float factor, float* to, int toStride)
    {
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c += Lanes)
            {
                (Vector512.Load(from + (r * stride) + c) * factor).Store(to + (r * toStride) + c);
            }
        }
    }

    private static float Norm(float* x, int count)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        for (int i = 0; i < count; i += Lanes)
        {
            Vector512<float> v = Vector512.Load(x + i);
            sum = Vector512.FusedMultiplyAdd(v, v, sum);
        }
        return MathF.Sqrt(Vector512.Sum(sum));
    }

    // to [columns, rows] = factor · from [rows, columns]ᵀ.
    private static void Transpose(float* from, int stride, int rows, int columns, float factor, float* to, int toStride)
    {
        for (int r = 0; r < rows; r += Rows)
        {
            for (int c = 0; c < columns; c += Rows)
            {
                Turn(from + (r * stride) + c, stride, factor, to + (c * toStride) + r, toStride);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn(float* from, int stride, float factor, float* to, int toStride)
    {
        Vector128<float> a = Vector128.Load(from) * factor, b = Vector128.Load(from + stride) * factor, c = Vector128.Load(from + (2 * stride)) * factor, d = Vector128.Load(from + (3 * stride)) * factor;
        Vector128<float> low = Sse.UnpackLow(a, b), high = Sse.UnpackHigh(a, b), lowNext = Sse.UnpackLow(c, d), highNext = Sse.UnpackHigh(c, d);
        Sse.MoveLowToHigh(low, lowNext).Store(to);
        Sse.MoveHighToLow(lowNext, low).Store(to + toStride);
        Sse.MoveLowToHigh(high, highNext).Store(to + (2 * toStride));
        Sse.MoveHighToLow(highNext, high).Store(to + (3 * toStride));
    }

    // y [rows, columns] = α·a [rows, inner] · b [inner, columns] + β·add, which lies as y does; of a symmetric product the part right of the diagonal, mirrored.
    private static void Product(float* a, int stride, float* b, int step, int rows, int inner, int columns, float alpha, float* add, float beta, float* y, bool symmetric)
    {
        int apart = Stride(columns);
        for (int c = 0; c < columns;)
        {
            bool wide = columns - c >= 4 * Lanes;
            int width = wide ? 4 * Lanes : Lanes, until = symmetric ? Math.Min(rows, c + width) : rows;
            for (int r = 0; r < until; r += Rows)
            {
                float* plus = add == null ? null : add + (r * apart) + c;
                if (wide)
                {
                    Wide(a + (r * stride), stride, inner, b + c, step, alpha, plus, beta, y + (r * apart) + c, apart);
                }
                else
                {
                    Narrow(a + (r * stride), stride, inner, b + c, step, alpha, plus, beta, y + (r * apart) + c, apart);
                }
            }
            c += width;
        }
        if (symmetric)
        {
            for (int r = Rows; r < rows; r += Rows)
            {
                for (int c = 0; c < r; c += Rows)
                {
                    Turn(y + (c * apart) + r, apart, 1, y + (r * apart) + c, apart);
                }
            }
        }
    }

    // Four rows by 64 columns: sixteen sums in registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Wide(float* a, int stride, int inner, float* b, int step, float alpha, float* add, float beta, float* y, int apart)
    {
        Vector512<float> s00 = default, s01 = default, s02 = default, s03 = default, s10 = default, s11 = default, s12 = default, s13 = default;
        Vector512<float> s20 = default, s21 = default, s22 = default, s23 = default, s30 = default, s31 = default, s32 = default, s33 = default;
        float* a1 = a + stride, a2 = a1 + stride, a3 = a2 + stride;
        for (int k = 0; k < inner; k++, b += step)
        {
            Vector512<float> b0 = Vector512.Load(b), b1 = Vector512.Load(b + Lanes), b2 = Vector512.Load(b + (2 * Lanes)), b3 = Vector512.Load(b + (3 * Lanes));
            Vector512<float> x = Vector512.Create(a[k]);
            s00 = Vector512.FusedMultiplyAdd(x, b0, s00);
            s01 = Vector512.FusedMultiplyAdd(x, b1, s01);
            s02 = Vector512.FusedMultiplyAdd(x, b2, s02);
            s03 = Vector512.FusedMultiplyAdd(x, b3, s03);
            x = Vector512.Create(a1[k]);
            s10 = Vector512.FusedMultiplyAdd(x, b0, s10);
            s11 = Vector512.FusedMultiplyAdd(x, b1, s11);
            s12 = Vector512.FusedMultiplyAdd(x, b2, s12);
            s13 = Vector512.FusedMultiplyAdd(x, b3, s13);
            x = Vector512.Create(a2[k]);
            s20 = Vector512.FusedMultiplyAdd(x, b0, s20);
            s21 = Vector512.FusedMultiplyAdd(x, b1, s21);
            s22 = Vector512.FusedMultiplyAdd(x, b2, s22);
            s23 = Vector512.FusedMultiplyAdd(x, b3, s23);
            x = Vector512.Create(a3[k]);
            s30 = Vector512.FusedMultiplyAdd(x, b0, s30);
            s31 = Vector512.FusedMultiplyAdd(x, b1, s31);
            s32 = Vector512.FusedMultiplyAdd(x, b2, s32);
            s33 = Vector512.FusedMultiplyAdd(x, b3, s33);
        }
        End(s00, alpha, add, beta, y, 0);
        End(s01, alpha, add, beta, y, Lanes);
        End(s02, alpha, add, beta, y, 2 * Lanes);
        End(s03, alpha, add, beta, y, 3 * Lanes);
        End(s10, alpha, add, beta, y, apart);
        End(s11, alpha, add, beta, y, apart + Lanes);
        End(s12, alpha, add, beta, y, apart + (2 * Lanes));
        End(s13, alpha, add, beta, y, apart + (3 * Lanes));
        End(s20, alpha, add, beta, y, 2 * apart);
        End(s21, alpha, add, beta, y, (2 * apart) + Lanes);
        End(s22, alpha, add, beta, y, (2 * apart) + (2 * Lanes));
        End(s23, alpha, add, beta, y, (2 * apart) + (3 * Lanes));
        End(s30, alpha, add, beta, y, 3 * apart);
        End(s31, alpha, add, beta, y, (3 * apart) + Lanes);
        End(s32, alpha, add, beta, y, (3 * apart) + (2 * Lanes));
        End(s33, alpha, add, beta, y, (3 * apart) + (3 * Lanes));
    }

    // Four rows by 16 columns, each sum in two, even and odd.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow(float* a, int stride, int inner, float* b, int step, float alpha, float* add, float beta, float* y, int apart)
    {
        Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default, o0 = default, o1 = default, o2 = default, o3 = default;
        float* a1 = a + stride, a2 = a1 + stride, a3 = a2 + stride;
        for (int k = 0; k < inner; k += 2, b += 2 * step)
        {
            Vector512<float> even = Vector512.Load(b), odd = Vector512.Load(b + step);
            s0 = Vector512.FusedMultiplyAdd(Vector512.Create(a[k]), even, s0);
            s1 = Vector512.FusedMultiplyAdd(Vector512.Create(a1[k]), even, s1);
            s2 = Vector512.FusedMultiplyAdd(Vector512.Create(a2[k]), even, s2);
            s3 = Vector512.FusedMultiplyAdd(Vector512.Create(a3[k]), even, s3);
            o0 = Vector512.FusedMultiplyAdd(Vector512.Create(a[k + 1]), odd, o0);
            o1 = Vector512.FusedMultiplyAdd(Vector512.Create(a1[k + 1]), odd, o1);
            o2 = Vector512.FusedMultiplyAdd(Vector512.Create(a2[k + 1]), odd, o2);
            o3 = Vector512.FusedMultiplyAdd(Vector512.Create(a3[k + 1]), odd, o3);
        }
        End(s0 + o0, alpha, add, beta, y, 0);
        End(s1 + o1, alpha, add, beta, y, apart);
        End(s2 + o2, alpha, add, beta, y, 2 * apart);
        End(s3 + o3, alpha, add, beta, y, 3 * apart);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void End(Vector512<float> sum, float alpha, float* add, float beta, float* y, int at) =>
        (add == null ? sum * alpha : Vector512.FusedMultiplyAdd(Vector512.Load(add + at), Vector512.Create(beta), sum * alpha)).Store(y + at);
}
