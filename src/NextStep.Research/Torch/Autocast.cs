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

    [ThreadStatic]
    private static (Precision Precision, Device Device)? _current;

    private Autocast(Precision precision, Device device)
    {
        _device = (sbyte)device.type;
        _current = (precision, device);
        SetDtype(_device, (sbyte)precision.ToScalarType());
        SetEnabled(_device, true);
    }

    /// <summary>The region that this thread is in, or null.</summary>
    internal static (Precision Precision, Device Device)? Current => _current;

    /// <summary>Starts a region; null, and so nothing to dispose, for float32. Dispose it on the same thread.</summary>
    public static IDisposable? For(Precision precision, Device device) => precision == Precision.Float32
        ? null
        : new Autocast(precision, device);

    /// <inheritdoc/>
    public void Dispose()
    {
        _current = null;
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
