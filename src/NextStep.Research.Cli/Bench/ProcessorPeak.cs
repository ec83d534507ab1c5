using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NextStep.Research.Cli;

/// <summary>
/// How many float32 multiply-adds the processor can do, in a loop of ours over registers: the bound of a matrix product, whichever library
/// computes it.
/// </summary>
internal static class ProcessorPeak
{
    private const int Chains = 10; // a multiply-add takes four cycles, and two begin in each
    private const int Steps = 1 << 22; // long against the start of a thread

    /// <summary>The widest vectors that the processor adds and multiplies at full speed, for people.</summary>
    public static string Vectors => $"{(Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128)} bit";

    /// <summary>Billions of floating-point operations a second, on so many threads at once; the best of some tries, since a processor that was idle begins slowly.</summary>
    public static double GigaFlops(int threads)
    {
        double best = 0;
        for (int round = 0; round < 16; round++)
        {
            double[] sums = new double[threads];
            Thread[] all = [.. Enumerable.Range(0, threads).Select(t => new Thread(() => sums[t] = Run()))];
            long start = Stopwatch.GetTimestamp();
            Array.ForEach(all, t => t.Start());
            Array.ForEach(all, t => t.Join());
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            int lanes = Vector512.IsHardwareAccelerated ? 16 : 8;
            best = Array.TrueForAll(sums, double.IsFinite) ? Math.Max(best, 2.0 * lanes * Chains * Steps * threads / seconds / 1e9) : double.NaN;
        }
        return best;
    }

    private static double Run() => Vector512.IsHardwareAccelerated ? Wide() : Half();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Wide()
    {
        Vector512<float> x = Vector512.Create(0.999f), y = Vector512.Create(1e-3f);
        Vector512<float> a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y;
        for (int n = 0; n < Steps; n++)
        {
            a = Vector512.FusedMultiplyAdd(a, x, y);
            b = Vector512.FusedMultiplyAdd(b, x, y);
            c = Vector512.FusedMultiplyAdd(c, x, y);
            d = Vector512.FusedMultiplyAdd(d, x, y);
            e = Vector512.FusedMultiplyAdd(e, x, y);
            f = Vector512.FusedMultiplyAdd(f, x, y);
            g = Vector512.FusedMultiplyAdd(g, x, y);
            h = Vector512.FusedMultiplyAdd(h, x, y);
            i = Vector512.FusedMultiplyAdd(i, x, y);
            j = Vector512.FusedMultiplyAdd(j, x, y);
        }
        return Vector512.Sum(a + b + c + d + e + f + g + h + i + j);
    }

    // Where the processor has 128 bits only, each of these is two.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Half()
    {
        Vector256<float> x = Vector256.Create(0.999f), y = Vector256.Create(1e-3f);
        Vector256<float> a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y;
        for (int n = 0; n < Steps; n++)
        {
            a = Vector256.FusedMultiplyAdd(a, x, y);
            b = Vector256.FusedMultiplyAdd(b, x, y);
            c = Vector256.FusedMultiplyAdd(c, x, y);
            d = Vector256.FusedMultiplyAdd(d, x, y);
            e = Vector256.FusedMultiplyAdd(e, x, y);
            f = Vector256.FusedMultiplyAdd(f, x, y);
            g = Vector256.FusedMultiplyAdd(g, x, y);
            h = Vector256.FusedMultiplyAdd(h, x, y);
            i = Vector256.FusedMultiplyAdd(i, x, y);
            j = Vector256.FusedMultiplyAdd(j, x, y);
        }
        return Vector256.Sum(a + b + c + d + e + f + g + h + i + j);
    }
}
