using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Runs matrix products and convolutions of the enclosed code in a lower precision; weights and everything else stay in float32.
/// TorchSharp has no autocast; libtorch exports it.
/// </summary>
public sealed partial class Autocast : IDisposable
{
    private const string Library = "torch_cpu";
    private readonly sbyte _device;

    private Autocast(sbyte device, sbyte dtype)
    {
        _device = device;
        SetDtype(device, dtype);
        SetEnabled(device, true);
    }

    /// <summary>Starts a region; null, and so nothing to dispose, for float32. Dispose it on the same thread.</summary>
    public static IDisposable? For(Precision precision, Device device) => precision == Precision.Float32
        ? null
        : new Autocast((sbyte)device.type, (sbyte)(precision == Precision.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float16));

    /// <inheritdoc/>
    public void Dispose()
    {
        SetEnabled(_device, false);
        ClearCache();
    }

    [LibraryImport(Library, EntryPoint = "_ZN2at8autocast20set_autocast_enabledEN3c1010DeviceTypeEb")]
    private static partial void SetEnabled(sbyte device, [MarshalAs(UnmanagedType.U1)] bool enabled);

    [LibraryImport(Library, EntryPoint = "_ZN2at8autocast18set_autocast_dtypeEN3c1010DeviceTypeENS1_10ScalarTypeE")]
    private static partial void SetDtype(sbyte device, sbyte dtype);

    [LibraryImport(Library, EntryPoint = "_ZN2at8autocast11clear_cacheEv")]
    private static partial void ClearCache();
}
