using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NextStep.Research;

/// <summary>One group of one picture for <see cref="NormSilu"/>: channels of equal area, one behind the other.</summary>
internal static unsafe class NormSiluKernel
{
    private const double Epsilon = 1e-6;
    private const int Lanes = 16, Run = 128 * Lanes; // numbers that are summed in float32 before the sum goes into float64

    /// <summary>y = silu((x − mean)·inverse·w + b); returns the mean and the inverse deviation.</summary>
    /// <param name="x">[channels, area].</param>
    /// <param name="y">The same.</param>
    /// <param name="channels">In the group.</param>
    /// <param name="area">Pixels.</param>
    /// <param name="w">Scale of each channel.</param>
    /// <param name="b">Shift of each channel.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (float Mean, float Inverse) Forward(float* x, float* y, int channels, int area, float* w, float* b)
    {
        int count = channels * area;
        float mean = (float)(Sum(x, count, 0, false) / count);
        float inverse = (float)(1 / Math.Sqrt((Sum(x, count, mean, true) / count) + Epsilon));
        for (int c = 0; c < channels; c++)
        {
            float scale = inverse * w[c], shift = MathF.FusedMultiplyAdd(-mean, scale, b[c]);
            float* from = x + ((long)c * area), to = y + ((long)c * area);
            Vector512<float> scales = Vector512.Create(scale), shifts = Vector512.Create(shift);
            int i = 0;
            for (; i + Lanes <= area; i += Lanes)
            {
                Vector512<float> z = Vector512.FusedMultiplyAdd(Vector512.Load(from + i), scales, shifts);
                (z * VectorMath.Sigmoid(z)).Store(to + i);
            }
            for (; i < area; i++)
            {
                float z = MathF.FusedMultiplyAdd(from[i], scale, shift);
                to[i] = z * Sigmoid(z);
            }
        }
        return (mean, inverse);
    }

    /// <summary>The gradient of the input from that of the output; of the channels' shifts and scales what this group and picture adds.</summary>
    /// <param name="x">[channels, area].</param>
    /// <param name="dy">The same.</param>
    /// <param name="dx">The same; is written.</param>
    /// <param name="channels">In the group.</param>
    /// <param name="area">Pixels.</param>
    /// <param name="w">Scale of each channel.</param>
    /// <param name="b">Shift of each channel.</param>
    /// <param name="mean">As <see cref="Forward"/> gave it.</param>
    /// <param name="inverse">As <see cref="Forward"/> gave it.</param>
    /// <param name="shifts">[channels].</param>
    /// <param name="scales">[channels].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(float* x, float* dy, float* dx, int channels, int area, float* w, float* b, float mean, float inverse, double* shifts, double* scales)
    {
        // First dz, the gradient before silu, and its sums; then what the mean and the deviation pass on.
        double sum = 0, product = 0;
        for (int c = 0; c < channels; c++)
        {
            long at = (long)c * area;
            (shifts[c], double withX) = Before(x + at, dy + at, dx + at, area, inverse * w[c], MathF.FusedMultiplyAdd(-mean, inverse * w[c], b[c]), mean);
            scales[c] = withX * inverse;
            sum += w[c] * shifts[c];
            product += w[c] * scales[c];
        }
        long count = (long)channels * area;
        float slope = (float)(-product * inverse * inverse / count), constant = (float)(-sum * inverse / count);
        Vector512<float> slopes = Vector512.Create(slope), constants = Vector512.Create(constant), means = Vector512.Create(mean);
        for (int c = 0; c < channels; c++)
        {
            float scale = inverse * w[c];
            Vector512<float> factors = Vector512.Create(scale);
            float* from = x + ((long)c * area), to = dx + ((long)c * area);
            int i = 0;
            for (; i + Lanes <= area; i += Lanes)
            {
                Vector512<float> passed = Vector512.FusedMultiplyAdd(Vector512.Load(from + i) - means, slopes, constants);
                Vector512.FusedMultiplyAdd(Vector512.Load(to + i), factors, passed).Store(to + i);
            }
            for (; i < area; i++)
            {
                to[i] = MathF.FusedMultiplyAdd(to[i], scale, MathF.FusedMultiplyAdd(from[i] - mean, slope, constant));
            }
        }
    }

    // Writes dz = dy·silu'(z) of one channel; returns Σ dz and Σ dz·(x − mean).
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (double Sum, double WithX) Before(float* x, float* dy, float* dz, int area, float scale, float shift, float mean)
    {
        double sum = 0, product = 0;
        Vector512<float> scales = Vector512.Create(scale), shifts = Vector512.Create(shift), means = Vector512.Create(mean);
        int i = 0;
        while (i + Lanes <= area)
        {
            Vector512<float> sums = default, products = default;
            for (int end = Math.Min(area - Lanes, i + Run - Lanes); i <= end; i += Lanes)
            {
                Vector512<float> value = Vector512.Load(x + i), z = Vector512.FusedMultiplyAdd(value, scales, shifts), s = VectorMath.Sigmoid(z);
                Vector512<float> d = Vector512.Load(dy + i) * s * Vector512.FusedMultiplyAdd(z, Vector512<float>.One - s, Vector512<float>.One);
                d.Store(dz + i);
                sums += d;
                products = Vector512.FusedMultiplyAdd(d, value - means, products);
            }
            sum += Vector512.Sum(sums);
            product += Vector512.Sum(products);
        }
        for (; i < area; i++)
        {
            float z = MathF.FusedMultiplyAdd(x[i], scale, shift), s = Sigmoid(z);
            dz[i] = dy[i] * s * MathF.FusedMultiplyAdd(z, 1 - s, 1);
            sum += dz[i];
            product += (double)dz[i] * (x[i] - mean);
        }
        return (sum, product);
    }

    // Σ (x − centre), or of its squares.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Sum(float* x, int count, float centre, bool squared)
    {
        double sum = 0;
        Vector512<float> centres = Vector512.Create(centre);
        int i = 0;
        while (i + Lanes <= count)
        {
            Vector512<float> sums = default;
            for (int end = Math.Min(count - Lanes, i + Run - Lanes); i <= end; i += Lanes)
            {
                Vector512<float> away = Vector512.Load(x + i) - centres;
                sums = squared ? Vector512.FusedMultiplyAdd(away, away, sums) : sums + away;
            }
            sum += Vector512.Sum(sums);
        }
        for (; i < count; i++)
        {
            double away = x[i] - centre;
            sum += squared ? away * away : away;
        }
        return sum;
    }

    private static float Sigmoid(float z) => 1 / (1 + MathF.Exp(-z));
}
