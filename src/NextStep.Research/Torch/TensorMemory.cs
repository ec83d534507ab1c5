using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The bytes behind tensors: tensors over borrowed memory, and the memory of tensors.</summary>
internal static unsafe partial class TensorMemory
{
    private const int Chunk = 1 << 26;

    // Live tensors per address; the address is all that libtorch hands to a deleter.
    private static readonly Dictionary<nint, (SafeHandle Owner, int Count)> Borrowed = [];
    private static readonly bool Loaded = TryInitializeDeviceType(DeviceType.CPU); // loads LibTorchSharp before the imports below ask for it

    /// <summary>A CPU tensor over memory that belongs to <paramref name="owner"/>, which is held open until libtorch lets the tensor's storage go.</summary>
    public static Tensor Borrow(nint address, long[] shape, ScalarType type, SafeHandle owner)
    {
        EnsureLoaded();
        var held = false;
        owner.DangerousAddRef(ref held);
        lock (Borrowed)
        {
            Borrowed[address] = (owner, Borrowed.TryGetValue(address, out var before) ? before.Count + 1 : 1);
        }
        var handle = NewTensor(address, &Return, shape, shape.Length, (sbyte)type, (sbyte)type, (int)DeviceType.CPU, -1, false);
        if (handle == 0)
        {
            CheckForErrors();
        }
        return Tensor.UnsafeCreateTensor(handle);
    }

    /// <summary>The address of the first value of a CPU tensor; good while the tensor lives.</summary>
    public static nint Address(Tensor tensor)
    {
        EnsureLoaded();
        var address = Data(tensor.Handle);
        CheckForErrors();
        return address;
    }

    /// <summary>
    /// Lets <paramref name="target"/>, wherever it lives and whoever holds it, be what <paramref name="value"/> is: how a parameter that was built on the meta device gets
    /// its memory. TorchSharp has no call for it: setting a tensor's data refuses another device.
    /// </summary>
    public static void Assign(Tensor target, Tensor value)
    {
        EnsureLoaded();
        bool learns = target.requires_grad;
        if (AssignTensors(value.Handle, target.Handle) != 0)
        {
            throw new InvalidOperationException("libtorch could not assign a tensor.");
        }
        target.requires_grad = learns;
    }

    /// <summary>Hands the raw bytes of a tensor of any device and layout, in row-major order, to <paramref name="use"/> piece by piece.</summary>
    public static void ForEachPiece(Tensor tensor, ByteSink use)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var dense = tensor.detach().cpu().contiguous();
        var bytes = dense.NumberOfElements * dense.ElementSize;
        if (bytes == 0)
        {
            return;
        }
        var address = (byte*)Address(dense);
        for (long done = 0; done < bytes; done += Chunk)
        {
            use(new ReadOnlySpan<byte>(address + done, (int)Math.Min(Chunk, bytes - done)));
        }
        GC.KeepAlive(dense);
    }

    private static void EnsureLoaded()
    {
        if (!Loaded)
        {
            throw new InvalidOperationException("libtorch could not be loaded.");
        }
    }

    // Called by libtorch on whichever thread drops the last reference.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Return(nint address)
    {
        SafeHandle owner;
        lock (Borrowed)
        {
            var (handle, count) = Borrowed[address];
            owner = handle;
            if (count == 1)
            {
                Borrowed.Remove(address);
            }
            else
            {
                Borrowed[address] = (handle, count - 1);
            }
        }
        owner.DangerousRelease();
    }

    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_new")]
    private static partial nint NewTensor(
        nint data, delegate* unmanaged[Cdecl]<nint, void> deleter, long[] sizes, int dimensions, sbyte type, sbyte dtype, int deviceType, int deviceIndex, [MarshalAs(UnmanagedType.U1)] bool requiresGrad);

    [LibraryImport("torch_cpu", EntryPoint = "aoti_torch_assign_tensors")]
    private static partial int AssignTensors(nint source, nint target);

    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_data")]
    private static partial nint Data(nint tensor);
}

/// <summary>Takes bytes, piece by piece.</summary>
internal delegate void ByteSink(ReadOnlySpan<byte> bytes);
