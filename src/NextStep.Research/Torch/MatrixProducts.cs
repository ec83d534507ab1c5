using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Which library multiplies float32 matrices on the CPU. The MKL inside libtorch takes its AVX2 path on processors that are not Intel's; the oneDNN
/// beside it uses AVX-512 on all of them, which is twice as fast. Its switch in libtorch is called <c>bf16</c>, for "may round to bfloat16": it does
/// so where the processor multiplies bfloat16 tiles (AMX). So it is used only where there are none, and only after a product was seen to be
/// as exact as float32 is. The choice depends on the processor alone and is made once a process, before its first product; it is part of the bits
/// of a result, and is recorded with them.
/// </summary>
public static class MatrixProducts
{
    /// <summary>Set to <c>libtorch</c>: its own choice stays.</summary>
    public const string Variable = "NEXTSTEP_PRODUCTS";

    private const string Chosen = "oneDNN";

    static MatrixProducts() => Path = Choose();

    /// <summary>In words: <c>oneDNN</c>, or <c>libtorch's own</c> and why.</summary>
    public static string Path { get; }

    /// <summary>Makes the choice where it was not made yet. Everything of the kit that computes does this first; a program that multiplies before may call it.</summary>
    public static void Settle() => _ = Path;

    /// <summary>Throws with one clear sentence when <see cref="Variable"/> is something that it cannot be.</summary>
    internal static void EnsureUsable()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } value && value != "libtorch")
        {
            throw new InvalidOperationException($"{Variable} is \"{value}\"; set it to libtorch, or unset it.");
        }
    }

    /// <summary>Whether oneDNN was chosen.</summary>
    internal static bool Fast => Path == Chosen;

    /// <summary>For benchmarks, which time both ways in turn: oneDNN where it was chosen, or libtorch's own choice.</summary>
    internal static void Use(bool fast)
    {
        if (Fast)
        {
            TorchContext.SetOneDnnProducts(fast);
        }
    }

    private static string Choose()
    {
        const string own = "libtorch's own";
        EnsureUsable();
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 })
        {
            return $"{own} ({Variable})";
        }
        if (!OperatingSystem.IsLinux() || !Avx512F.IsSupported)
        {
            return own;
        }
        if (Vendor() is "GenuineIntel" || HasTiles())
        {
            return $"{own} (this processor's are MKL's best)";
        }
        try
        {
            TorchContext.SetOneDnnProducts(true);
            if (Error() < 1e-6)
            {
                return Chosen;
            }
            TorchContext.SetOneDnnProducts(false);
            return $"{own} (oneDNN's are not exact enough here)";
        }
        catch (EntryPointNotFoundException)
        {
            return $"{own} (this libtorch has no switch of that name)";
        }
    }

    // The largest error of a product, as a share of the sum of its terms' sizes: 6e-8 is the last bit of float32, 4e-3 of bfloat16.
    private static double Error()
    {
        const int rows = 32, inner = 256, columns = 48;
        float[] a = Numbers(rows * inner, 1), b = Numbers(inner * columns, 2);
        using Tensor left = tensor(a, [rows, inner]), right = tensor(b, [inner, columns]), product = left.mm(right);
        float[] found = product.data<float>().ToArray();
        double worst = 0;
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
            {
                double sum = 0, sizes = 0;
                for (int i = 0; i < inner; i++)
                {
                    double term = (double)a[(r * inner) + i] * b[(i * columns) + c];
                    sum += term;
                    sizes += Math.Abs(term);
                }
                worst = Math.Max(worst, Math.Abs(found[(r * columns) + c] - sum) / sizes);
            }
        }
        return worst;
    }

    // Between -1 and 1 with all 24 bits in use; not from a generator of torch, whose state is the user's.
    private static float[] Numbers(int count, uint seed)
    {
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++)
        {
            seed = (seed * 1664525) + 1013904223;
            numbers[i] = (seed * (1f / (1L << 31))) - 1;
        }
        return numbers;
    }

    private static string Vendor()
    {
        (_, int b, int c, int d) = X86Base.CpuId(0, 0);
        return string.Concat(new[] { b, d, c }.SelectMany(r => BitConverter.GetBytes(r)).Select(x => (char)x));
    }

    private static bool HasTiles()
    {
        const int brainFloatTiles = 1 << 22, tiles = 1 << 24;
        return (X86Base.CpuId(7, 0).Edx & (brainFloatTiles | tiles)) != 0;
    }
}
