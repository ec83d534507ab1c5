using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NextStep.Research;

/// <summary>What <see cref="AttentionPass"/> does between its products: one head of one position, or one query's scores, at a time.</summary>
internal static unsafe class AttentionKernels
{
    private const int Few = 4, Lanes = 8, Wide = 16;

    /// <summary>y = (x·cos + rotate_half(x)·sin)·factor of one head; bias, if any, is added to x first.</summary>
    /// <param name="x">[d].</param>
    /// <param name="bias">[d] or null.</param>
    /// <param name="cosine">[d].</param>
    /// <param name="sine">[d].</param>
    /// <param name="factor">Of the result.</param>
    /// <param name="y">[d]; is written.</param>
    /// <param name="half">d/2, a multiple of four.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Rotate(float* x, float* bias, float* cosine, float* sine, float factor, float* y, int half)
    {
        Vector128<float> factors = Vector128.Create(factor);
        for (int i = 0; i < half; i += Few)
        {
            Vector128<float> low = Vector128.Load(x + i), high = Vector128.Load(x + half + i);
            if (bias != null)
            {
                low += Vector128.Load(bias + i);
                high += Vector128.Load(bias + half + i);
            }
            (((low * Vector128.Load(cosine + i)) - (high * Vector128.Load(sine + i))) * factors).Store(y + i);
            (((high * Vector128.Load(cosine + half + i)) + (low * Vector128.Load(sine + half + i))) * factors).Store(y + half + i);
        }
    }

    /// <summary>The gradient of <see cref="Rotate"/>, added to <paramref name="dx"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RotateGradient(float* dy, float* cosine, float* sine, float factor, float* dx, int half)
    {
        Vector128<float> factors = Vector128.Create(factor);
        for (int i = 0; i < half; i += Few)
        {
            Vector128<float> low = Vector128.Load(dy + i) * factors, high = Vector128.Load(dy + half + i) * factors;
            (Vector128.Load(dx + i) + (low * Vector128.Load(cosine + i)) + (high * Vector128.Load(sine + half + i))).Store(dx + i);
            (Vector128.Load(dx + half + i) + (high * Vector128.Load(cosine + half + i)) - (low * Vector128.Load(sine + i))).Store(dx + half + i);
        }
    }

    /// <summary>y += x + bias, [d].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(float* x, float* bias, float* y, int d)
    {
        for (int i = 0; i < d; i += Few)
        {
            Vector128<float> value = Vector128.Load(y + i) + Vector128.Load(x + i);
            (bias == null ? value : value + Vector128.Load(bias + i)).Store(y + i);
        }
    }

    /// <summary>softmax(scores + mask) in place.</summary>
    /// <param name="scores">[keys].</param>
    /// <param name="mask">[keys] or null.</param>
    /// <param name="keys">Of which the first <paramref name="seen"/> are seen; the others get 0.</param>
    /// <param name="seen">At least 1.</param>
    /// <param name="room">Scratch of keys, rounded up to sixteen.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Softmax(float* scores, float* mask, int keys, int seen, float* room)
    {
        int padded = (seen + Wide - 1) / Wide * Wide;
        float largest = float.NegativeInfinity;
        for (int i = 0; i < seen; i++)
        {
            room[i] = mask == null ? scores[i] : scores[i] + mask[i];
            largest = MathF.Max(largest, room[i]);
        }
        for (int i = seen; i < padded; i++)
        {
            room[i] = float.NegativeInfinity;
        }
        Vector512<float> sums = default, most = Vector512.Create(largest);
        for (int i = 0; i < padded; i += Wide)
        {
            Vector512<float> away = Vector512.Load(room + i) - most;
            Vector512<float> e = Vector512.ConditionalSelect(Vector512.LessThan(away, Vector512.Create(-87f)), Vector512<float>.Zero, VectorMath.Exp(away));
            e.Store(room + i);
            sums += e;
        }
        float inverse = 1 / Vector512.Sum(sums);
        for (int i = 0; i < seen; i++)
        {
            scores[i] = room[i] * inverse;
        }
        new Span<float>(scores + seen, keys - seen).Clear();
    }

    /// <summary>The gradient of <see cref="Softmax"/> in place of dp: p·(dp − Σ p·dp).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SoftmaxGradient(float* p, float* dp, int keys)
    {
        float sum = 0;
        int i = 0;
        Vector256<float> sums = default;
        for (; i + Lanes <= keys; i += Lanes)
        {
            sums = Vector256.FusedMultiplyAdd(Vector256.Load(p + i), Vector256.Load(dp + i), sums);
        }
        sum = Vector256.Sum(sums);
        for (; i < keys; i++)
        {
            sum += p[i] * dp[i];
        }
        Vector256<float> all = Vector256.Create(sum);
        for (i = 0; i + Lanes <= keys; i += Lanes)
        {
            (Vector256.Load(p + i) * (Vector256.Load(dp + i) - all)).Store(dp + i);
        }
        for (; i < keys; i++)
        {
            dp[i] = p[i] * (dp[i] - sum);
        }
    }
}
