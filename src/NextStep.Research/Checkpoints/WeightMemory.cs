using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Host memory for the weights of a module, in one piece and on large pages where the system has them (Linux: <c>MADV_HUGEPAGE</c>). A drawing reads all weights for every token,
/// far more than a processor holds translations of small pages for; those of a mapped file are slower still under some hypervisors. It lives until this object and the last tensor
/// in it are disposed, in any order.
/// </summary>
internal sealed unsafe partial class WeightMemory : SafeHandle
{
    /// <summary>Bytes of a large page of x86-64 and of arm64 with small ones of 4 KiB; elsewhere it is an alignment that does no harm.</summary>
    public const long Page = 2 << 20;

    // Of a tensor's address; what libtorch gives its own.
    private const long Alignment = 64;

    private const int HugePages = 14; // MADV_HUGEPAGE

    private readonly long _size;
    private long _used;

    /// <summary>Room for <paramref name="bytes"/>, the sum of the <see cref="Room"/> of what is to lie in it; not touched yet.</summary>
    /// <exception cref="OutOfMemoryException">There is not so much.</exception>
    public WeightMemory(long bytes)
        : base(0, true)
    {
        _size = bytes < Page ? Math.Max(bytes, Alignment) : (bytes + Page - 1) / Page * Page;
        SetHandle((nint)NativeMemory.AlignedAlloc((nuint)_size, (nuint)(bytes < Page ? Alignment : Page)));
        if (bytes >= Page && OperatingSystem.IsLinux())
        {
            _ = Advise(handle, (nuint)_size, HugePages); // a wish: a system without large pages gives small ones
        }
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Bytes that a tensor takes here.</summary>
    public static long Room(IEnumerable<long> shape, ScalarType type) => (shape.Aggregate((long)TensorDtypes.Width(type), (a, b) => checked(a * b)) + Alignment - 1) / Alignment * Alignment;

    /// <summary>A copy of a CPU tensor, behind those that are here already.</summary>
    /// <exception cref="InvalidOperationException">It does not fit.</exception>
    public Tensor Copy(Tensor value)
    {
        Tensor copy = Take(value.shape, value.dtype);
        copy.copy_(value); // returns the copy itself
        return copy;
    }

    /// <summary>A tensor whose values are not set yet, behind those that are here already.</summary>
    /// <exception cref="InvalidOperationException">It does not fit.</exception>
    public Tensor Take(long[] shape, ScalarType type)
    {
        long bytes = Room(shape, type);
        if (bytes == 0)
        {
            return empty(shape, type);
        }
        if (bytes > _size - _used)
        {
            throw new InvalidOperationException($"A tensor of {bytes} bytes does not fit into {_size} bytes of memory, {_used} of which are used.");
        }
        Tensor taken = TensorMemory.Borrow(handle + (nint)_used, shape, type, this);
        _used += bytes;
        return taken;
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);
}
