using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Runs matrix products and convolutions of the enclosed code in a lower precision; weights and everything else stay in float32.
/// TorchSharp has no autocast; libtorch exports it.
/// </summary>
internal sealed partial class Autocast : IDisposable
{
    private const string Library = "torch_cpu";
    private readonly (Precision Precision, Device Device)? _outer;
    private bool _ended;

    [ThreadStatic]
    private static (Precision Precision, Device Device)? _current;

    private Autocast(Precision precision, Device device)
    {
        _outer = _current;
        Enter(precision, device);
    }

    /// <summary>The region that this thread is in, or null.</summary>
    internal static (Precision Precision, Device Device)? Current => _current;

    /// <summary>
    /// Starts a region; dispose it on the same thread. Regions nest: the inner one's precision holds, float32 too, and its end brings the outer one back. Null, and so
    /// nothing to dispose, for float32 outside of any region.
    /// </summary>
    /// <exception cref="PlatformNotSupportedException">This system's libtorch does not export the switch under a name that is known here.</exception>
    public static IDisposable? For(Precision precision, Device device) => precision == Precision.Float32 && _current is null
        ? null
        : new Autocast(precision, device);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ended || _current is not { } inner)
        {
            return;
        }
        _ended = true;
        SetEnabled((sbyte)inner.Device.type, false);
        ClearCache();
        _current = _outer;
        if (_outer is { } outer)
        {
            Enter(outer.Precision, outer.Device);
        }
    }

    // Weights that were cast once are kept in the precision of the region that cast them, so another region forgets them.
    private static void Enter(Precision precision, Device device)
    {
        try
        {
            ClearCache();
            SetDtype((sbyte)device.type, (sbyte)(precision == Precision.Float32 ? Precision.BFloat16 : precision).ToScalarType());
            SetEnabled((sbyte)device.type, precision != Precision.Float32);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            throw new PlatformNotSupportedException("Training in bfloat16 switches libtorch's autocast, which is found by its Linux name only; set training.autoencoder.precision and training.model.precision to float32 here.", e);
        }
        _current = (precision, device);
    }

    [LibraryImport(Library, EntryPoint = "_ZN2at8autocast20set_autocast_enabledEN3c1010DeviceTypeEb")]
    private static partial void SetEnabled(sbyte device, [MarshalAs(UnmanagedType.U1)] bool enabled);

    [LibraryImport(Library, EntryPoint = "_ZN2at8autocast18set_autocast_dtypeEN3c1010DeviceTypeENS1_10ScalarTypeE")]
    private static partial void SetDtype(sbyte device, sbyte dtype);

    [LibraryImport(Library, EntryPoint = "_ZN2at8autocast11clear_cacheEv")]
    private static partial void ClearCache();
}
