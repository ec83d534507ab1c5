using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Medians along an axis, which TorchSharp lacks. By selection in managed memory: torch's <c>kthvalue</c> moves an index with every value and is asked
/// twice for an even number of them.
/// </summary>
internal static class Medians
{
    private const int Parallel = 1 << 14, Many = 1 << 16;

    /// <summary>The middle value along <paramref name="dimension"/>; of an even number the mean of both, so that a change of sign changes nothing else.</summary>
    /// <param name="values">float32 or float64, all of them numbers.</param>
    /// <param name="dimension">Not empty.</param>
    /// <param name="keepdim">Leaves an axis of one.</param>
    public static Tensor Along(Tensor values, int dimension, bool keepdim = false)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = values.movedim([dimension], [-1]).contiguous();
        Tensor medians = values.dtype == ScalarType.Float64 ? Of<double>(rows) : Of<float>(rows);
        return (keepdim ? medians.unsqueeze(dimension) : medians).MoveToOuterDisposeScope();
    }

    /// <summary>At every phase of a period along both sides, the median over the cells that fit: [n, c, h, w] to [n, c, period, period].</summary>
    public static Tensor OfPhases(Tensor values, int period)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor whole = values.contiguous();
        return (values.dtype == ScalarType.Float64 ? OfPhases<double>(whole, period) : OfPhases<float>(whole, period)).MoveToOuterDisposeScope();
    }

    private static Tensor OfPhases<T>(Tensor whole, int period)
        where T : unmanaged, IFloatingPoint<T>
    {
        (int planes, int height, int width) = ((int)(whole.size(0) * whole.size(1)), (int)whole.size(2), (int)whole.size(3));
        T[] source = ArrayPool<T>.Shared.Rent(planes * height * width), middle = new T[planes * period * period];
        try
        {
            whole.data<T>().CopyTo(source);
            System.Threading.Tasks.Parallel.For(0, planes * period, task => Phases(
                source.AsSpan(task / period * height * width, height * width), width, task % period, height / period, middle.AsSpan(task * period, period)));
        }
        finally
        {
            ArrayPool<T>.Shared.Return(source);
        }
        Tensor medians = empty([whole.size(0), whole.size(1), period, period], whole.dtype);
        MemoryMarshal.AsBytes<T>(middle).CopyTo(medians.bytes);
        return medians;
    }

    // Those of one line of phases: its values are read in the order in which they lie.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Phases<T>(ReadOnlySpan<T> plane, int width, int phase, int rows, Span<T> middle)
        where T : unmanaged, IFloatingPoint<T>
    {
        int period = middle.Length, columns = width / period, count = rows * columns;
        T[] cells = ArrayPool<T>.Shared.Rent(period * count);
        for (int row = 0, cell = 0; row < rows; row++)
        {
            ReadOnlySpan<T> line = plane.Slice(((row * period) + phase) * width, columns * period);
            for (int column = 0; column < line.Length; column += period, cell++)
            {
                for (int i = 0; i < period; i++)
                {
                    cells[(i * count) + cell] = line[column + i];
                }
            }
        }
        for (int i = 0; i < period; i++)
        {
            middle[i] = Of(cells.AsSpan(i * count, count));
        }
        ArrayPool<T>.Shared.Return(cells);
    }

    // [..., count] to [...].
    private static Tensor Of<T>(Tensor rows)
        where T : unmanaged, IFloatingPoint<T>
    {
        int count = (int)rows.size(-1), groups = (int)(rows.numel() / count);
        T[] buffer = ArrayPool<T>.Shared.Rent(count * groups);
        T[] middle = new T[groups];
        try
        {
            rows.data<T>().CopyTo(buffer);
            if (count * groups < Parallel)
            {
                for (int i = 0; i < groups; i++)
                {
                    middle[i] = Of(buffer.AsSpan(i * count, count));
                }
            }
            else
            {
                System.Threading.Tasks.Parallel.For(0, groups, i => middle[i] = Of(buffer.AsSpan(i * count, count)));
            }
        }
        finally
        {
            ArrayPool<T>.Shared.Return(buffer);
        }
        Tensor medians = empty(rows.shape[..^1], rows.dtype);
        MemoryMarshal.AsBytes<T>(middle).CopyTo(medians.bytes);
        return medians;
    }

    private static T Of<T>(Span<T> values)
        where T : unmanaged, IFloatingPoint<T>
    {
        if (values.Length >= Many && typeof(T) == typeof(float))
        {
            return T.CreateChecked(OfMany(MemoryMarshal.Cast<T, float>(values)));
        }
        int upper = values.Length / 2;
        Select(values, upper);
        if (values.Length % 2 == 1)
        {
            return values[upper];
        }
        T lower = values[0];
        foreach (T value in values[1..upper])
        {
            lower = value > lower ? value : lower;
        }
        return (lower + values[upper]) / (T.One + T.One);
    }

    private static float OfMany(ReadOnlySpan<float> values)
    {
        float upper = Ranked(values, values.Length / 2);
        return values.Length % 2 == 1 ? upper : (Ranked(values, (values.Length / 2) - 1) + upper) / 2;
    }

    // Counts values by the upper half of their bits, in which they are in order, and selects among those of one count.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Ranked(ReadOnlySpan<float> values, int rank)
    {
        int[] counts = new int[1 << 16];
        foreach (float value in values)
        {
            counts[Upper(value)]++;
        }
        int wanted = 0;
        for (; rank >= counts[wanted]; wanted++)
        {
            rank -= counts[wanted];
        }
        float[] alike = new float[counts[wanted]];
        int found = 0;
        foreach (float value in values)
        {
            if (Upper(value) == wanted)
            {
                alike[found++] = value;
            }
        }
        Select(alike.AsSpan(), rank);
        return alike[rank];
    }

    // IEEE 754: the sign decides first, and below zero all is the other way round.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Upper(float value)
    {
        int bits = BitConverter.SingleToInt32Bits(value);
        return ((bits >> 16) ^ ((bits >> 31) | (1 << 15))) & 0xffff;
    }

    // Hoare's selection: what is smaller than the value of this rank stands before it, what is larger behind it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Select<T>(Span<T> values, int rank)
        where T : unmanaged, IFloatingPoint<T>
    {
        int low = 0, high = values.Length - 1;
        while (low < high)
        {
            T a = values[low], b = values[(low + high) / 2], c = values[high];
            T pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
            int i = low, j = high;
            while (i <= j)
            {
                while (values[i] < pivot)
                {
                    i++;
                }
                while (values[j] > pivot)
                {
                    j--;
                }
                if (i <= j)
                {
                    (values[i], values[j]) = (values[j], values[i]);
                    i++;
                    j--;
                }
            }
            if (rank <= j)
            {
                high = j;
            }
            else if (rank >= i)
            {
                low = i;
            }
            else
            {
                return;
            }
        }
    }
}
