using System.Runtime.InteropServices;

namespace NextStep.Research.Cli;

/// <summary>
/// The end of the process on Linux: once .NET has shut down, the system takes everything back at once. Without it libtorch first takes apart
/// its tables of operators piece by piece, a tenth of a short command's processor time. Where the C library has no <c>on_exit</c> (musl) the
/// process ends as it always does.
/// </summary>
internal static unsafe class ProcessEnd
{
    /// <summary>To be called last: what runs at the end of the process is run backwards, so this comes before what the libraries loaded so far left to do.</summary>
    /// <param name="code">The exit code, returned as it is.</param>
    public static int Hasten(int code)
    {
        if (OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out nint libc)
            && NativeLibrary.TryGetExport(libc, "on_exit", out nint onExit) && NativeLibrary.TryGetExport(libc, "_exit", out nint end) && NativeLibrary.TryGetExport(libc, "fflush", out nint flush))
        {
            _ = ((delegate* unmanaged<nint, int>)flush)(0); // what native code printed and C still holds, of every stream
            _ = ((delegate* unmanaged<nint, nint, int>)onExit)(end, 0); // it is handed the exit code
        }
        return code;
    }
}
