using System.Runtime.InteropServices;

namespace NextStep.Research;

/// <summary>Switches of libtorch's global context that TorchSharp has no working call for; libtorch exports them.</summary>
internal static partial class TorchContext
{
    private const string Library = "torch_cpu";

    /// <summary>Whether algorithms that give the same bits every time are chosen.</summary>
    public static bool Deterministic => AreDeterministic(Global());

    /// <summary>Chooses such algorithms, of cuDNN too; where there is none for an operation, libtorch says so on standard error and goes on.</summary>
    /// <exception cref="PlatformNotSupportedException">This system's libtorch does not export the switch under a name that is known here.</exception>
    public static void SetDeterministic(bool on)
    {
        try
        {
            nint context = Global();
            SetAlgorithms(context, on, true);
            SetCuDnn(context, on);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            throw new PlatformNotSupportedException("cuda.deterministic is a switch of libtorch that is found by its Linux name only; set cuda.deterministic to false here.", e);
        }
    }

    /// <summary>
    /// No convolution asks for NNPACK, which libtorch would use for batches of 16 and more only where oneDNN does not come first, and which
    /// says on standard error at every asking that it does not know this processor.
    /// </summary>
    public static void LeaveNnpack()
    {
        if (OperatingSystem.IsLinux())
        {
            SetNnpack(Global(), false);
        }
    }

    /// <summary>Float32 products of matrices on the CPU by oneDNN, which may round to bfloat16 where the processor has tiles; or by whatever libtorch chooses.</summary>
    /// <exception cref="EntryPointNotFoundException">This libtorch does not export the switch under a name that is known here.</exception>
    public static void SetOneDnnProducts(bool on)
    {
        const int mkldnn = 2, matmul = 3, unset = 0, roundingToBrainFloat = 3;
        SetPrecision(Global(), mkldnn, matmul, on ? roundingToBrainFloat : unset);
    }

    [LibraryImport(Library, EntryPoint = "_ZN2at7Context19setFloat32PrecisionENS_14Float32BackendENS_9Float32OpENS_16Float32PrecisionE")]
    private static partial void SetPrecision(nint context, int backend, int operation, int precision);

    [LibraryImport(Library, EntryPoint = "_ZN2at7Context20setUserEnabledNNPACKEb")]
    private static partial void SetNnpack(nint context, [MarshalAs(UnmanagedType.U1)] bool on);

    [LibraryImport(Library, EntryPoint = "_ZN2at13globalContextEv")]
    private static partial nint Global();

    [LibraryImport(Library, EntryPoint = "_ZN2at7Context26setDeterministicAlgorithmsEbb")]
    private static partial void SetAlgorithms(nint context, [MarshalAs(UnmanagedType.U1)] bool on, [MarshalAs(UnmanagedType.U1)] bool warnOnly);

    [LibraryImport(Library, EntryPoint = "_ZN2at7Context21setDeterministicCuDNNEb")]
    private static partial void SetCuDnn(nint context, [MarshalAs(UnmanagedType.U1)] bool on);

    [LibraryImport(Library, EntryPoint = "_ZNK2at7Context23deterministicAlgorithmsEv")]
    [return: MarshalAs(UnmanagedType.U1)]
    private static partial bool AreDeterministic(nint context);
}
