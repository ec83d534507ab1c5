using TorchSharp;

namespace NextStep.Research;

/// <summary>
/// How many threads torch computes with on the CPU. The number is part of a result: convolutions' weight gradients, small matrix products, the weight gradient of
/// an affine layer norm and long sums are added up in another order with another number, so that the last bits of trained weights differ. The same number gives the same
/// bits on the same processor, on however many cores.
/// </summary>
public sealed class CpuThreads : IDisposable
{
    private readonly int _before;

    private CpuThreads(int before) => _before = before;

    /// <summary>Threads that the calling thread's torch operations use now.</summary>
    public static int Current => torch.get_num_threads();

    /// <summary>Computes with so many threads on the calling thread until it is disposed; null leaves everything as it is.</summary>
    /// <param name="count">At least 1; more than there are cores is slow, not wrong.</param>
    /// <exception cref="InvalidOperationException">The environment allows fewer.</exception>
    public static CpuThreads? Use(int? count)
    {
        if (count is not { } wanted)
        {
            return null;
        }
        ArgumentOutOfRangeException.ThrowIfLessThan(wanted, 1, nameof(count));
        MatrixProducts.Settle();
        CpuThreads used = new(Current);
        torch.set_num_threads(wanted);
        if (Current is var got && got != wanted)
        {
            used.Dispose();
            throw new InvalidOperationException($"This process may use {got} threads, not the {wanted} that the plan computes with, which would give other bits; raise OMP_THREAD_LIMIT, or set threads to {got}.");
        }
        return used;
    }

    /// <inheritdoc/>
    public void Dispose() => torch.set_num_threads(_before);
}
