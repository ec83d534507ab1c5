using System.Globalization;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>How much memory devices and this process have. TorchSharp tells nothing of it, so the system and the CUDA runtime are asked.</summary>
public static unsafe class DeviceMemory
{
    private static readonly string[] CudaRuntimes = OperatingSystem.IsWindows()
        ? ["cudart64_12.dll", "cudart64_13.dll", "cudart64_110.dll"]
        : ["libcudart.so.12", "libcudart.so.13", "libcudart.so", "libcudart.so.11.0"];

    /// <summary>Bytes that can still be allocated on <paramref name="device"/>; null where nobody can tell.</summary>
    public static long? Free(Device device) => device.type == DeviceType.CUDA ? Cuda(device)?.Free : Host("MemAvailable") ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>Bytes that <paramref name="device"/> has in all; null where nobody can tell.</summary>
    public static long? Total(Device device) => device.type == DeviceType.CUDA ? Cuda(device)?.Total : Host("MemTotal") ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>The most host memory that this process ever held, in bytes; null outside Linux.</summary>
    public static long? PeakHost => OperatingSystem.IsLinux() ? Kilobytes("/proc/self/status", "VmHWM") : null;

    private static long? Host(string name) => OperatingSystem.IsLinux() ? Kilobytes("/proc/meminfo", name) : null;

    // Lines of the form "Name:   1234 kB".
    private static long? Kilobytes(string file, string name)
    {
        string? line = File.ReadLines(file).FirstOrDefault(l => l.StartsWith(name + ":", StringComparison.Ordinal));
        return line is null ? null : long.Parse(line[(name.Length + 1)..^2].Trim(), CultureInfo.InvariantCulture) << 10;
    }

    // Python's packages have names of their own, as libcudart-8774224f.so.12: what is mapped already is the one that libtorch uses.
    private static IEnumerable<string> Loaded() => !OperatingSystem.IsLinux() ? [] : File.ReadLines("/proc/self/maps")
        .Where(l => l.Contains("/libcudart", StringComparison.Ordinal)).Select(l => l[l.IndexOf('/', StringComparison.Ordinal)..].Trim()).Distinct();

    // The CUDA runtime is already in the process when libtorch uses it, and only then is it asked.
    private static (long Free, long Total)? Cuda(Device device)
    {
        if (!cuda.is_available() || device.index >= cuda.device_count())
        {
            return null;
        }
        foreach (string library in Loaded().Concat(CudaRuntimes))
        {
            if (!NativeLibrary.TryLoad(library, out nint handle))
            {
                continue;
            }
            if (NativeLibrary.TryGetExport(handle, "cudaSetDevice", out nint select) && NativeLibrary.TryGetExport(handle, "cudaMemGetInfo", out nint ask))
            {
                nuint free, total;
                if (((delegate* unmanaged[Cdecl]<int, int>)select)(Math.Max(0, device.index)) == 0
                    && ((delegate* unmanaged[Cdecl]<nuint*, nuint*, int>)ask)(&free, &total) == 0)
                {
                    return ((long)free, (long)total);
                }
            }
        }
        return null;
    }
}
