using System.Numerics;
using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>3×3 filters on each channel by itself, for which libtorch's convolution of separate channels takes many times as long.</summary>
internal static unsafe class Stencil
{
    private const int Side = 3;

    /// <summary>
    /// The sum of <paramref name="kernel"/>, nine numbers in the order of rows, times what lies below, at every place where it fits. Summed in that order, so that with
    /// powers of two in the kernel the bits are those of libtorch's convolution.
    /// </summary>
    /// <param name="pictures">[n, c, H, W] float32 on the CPU; the result is [n, c, H − 2, W − 2].</param>
    /// <param name="kernel">Nine numbers.</param>
    public static Tensor Of(Tensor pictures, float[] kernel)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor source = pictures.to_type(float32).contiguous();
        (long n, long c, int height, int width) = (source.size(0), source.size(1), (int)source.size(2), (int)source.size(3));
        int rows = height - Side + 1, columns = width - Side + 1;
        Tensor target = empty([n, c, rows, columns], float32);
        nint from = TensorMemory.Address(source), to = TensorMemory.Address(target);
        Parallel.For(0, (int)(n * c) * rows, line =>
        {
            long plane = line / rows, row = line % rows;
            Line((float*)from + (((plane * height) + row) * width), width, (float*)to + ((long)line * columns), columns, kernel);
        });
        return target.MoveToOuterDisposeScope();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Line(float* source, int width, float* target, int columns, float[] kernel)
    {
        int x = 0;
        for (; x <= columns - Vector<float>.Count; x += Vector<float>.Count)
        {
            Vector<float> sum = Vector<float>.Zero;
            for (int i = 0; i < kernel.Length; i++)
            {
                sum += kernel[i] * Unsafe.ReadUnaligned<Vector<float>>(source + x + (i / Side * width) + (i % Side));
            }
            Unsafe.WriteUnaligned(target + x, sum);
        }
        for (; x < columns; x++)
        {
            float sum = 0;
            for (int i = 0; i < kernel.Length; i++)
            {
                sum += kernel[i] * source[x + (i / Side * width) + (i % Side)];
            }
            target[x] = sum;
        }
    }
}
