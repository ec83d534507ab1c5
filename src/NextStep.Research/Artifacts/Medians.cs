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
    private const int Parallel = 1 << 14;

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
