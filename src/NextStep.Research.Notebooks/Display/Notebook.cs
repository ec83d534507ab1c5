using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SkiaSharp;

namespace NextStep.Research.Notebooks;

/// <summary>What a notebook needs of its host, whichever it is.</summary>
public static class Notebook
{
    private static readonly CancellationTokenSource Stopping = new();
    private static bool _started;

    /// <summary>Readies native libraries, formatters and, in .NET Interactive, the magic commands. The last line of <c>setup.csx</c>, and what the package's extension calls; again does nothing.</summary>
    public static void Start()
    {
        if (_started)
        {
            return;
        }
        _started = true;
        // Loads libtorch from beside our assembly before a cell says torch.
        RuntimeHelpers.RunModuleConstructor(typeof(ResearchConfig).Module.ModuleHandle);
        TorchBackend.EnsureUsable();
        FindSkia();
        HostFormatters.Register();
        if (Host("Microsoft.DotNet.Interactive", "Microsoft.DotNet.Interactive.Kernel") is not null)
        {
            KernelMagics.Register();
        }
    }

    /// <summary>Signalled when the reader interrupts the running cell: hand it to whatever takes long.</summary>
    /// <example><code>AutoencoderTrainer.Train(config, source, new TrainingRun(folder, "autoencoder", progress.Report, Notebook.Cancellation));</code></example>
    public static CancellationToken Cancellation
    {
        get
        {
            object? context = Host("Microsoft.DotNet.Interactive", "Microsoft.DotNet.Interactive.KernelInvocationContext")?.GetProperty("Current")?.GetValue(null);
            return context?.GetType().GetProperty("CancellationToken")?.GetValue(context) is CancellationToken token ? token : Stopping.Token;
        }
    }

    internal static bool IsStopping => Stopping.IsCancellationRequested;

    /// <summary>Asks the running cell to stop.</summary>
    internal static void Stop() => Stopping.Cancel();

    /// <summary>A type of the host, when there is one.</summary>
    internal static Type? Host(string assembly, string type) =>
        AppDomain.CurrentDomain.GetAssemblies().FirstOrDefault(a => a.GetName().Name == assembly)?.GetType(type);

    /// <summary>A notebook host looks for native libraries beside itself; Skia's lies beside our assembly.</summary>
    private static void FindSkia()
    {
        string here = Path.GetDirectoryName(typeof(Notebook).Assembly.Location)!;
        string name = OperatingSystem.IsWindows() ? "libSkiaSharp.dll" : OperatingSystem.IsMacOS() ? "libSkiaSharp.dylib" : "libSkiaSharp.so";
        string system = OperatingSystem.IsMacOS() ? "osx" : RuntimeInformation.RuntimeIdentifier;
        string file = Path.Combine(here, "runtimes", system, "native", name);
        bool ours = Path.TrimEndingDirectorySeparator(here) == Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        if (!ours && File.Exists(file))
        {
            NativeLibrary.SetDllImportResolver(typeof(SKBitmap).Assembly, (library, _, _) => library == "libSkiaSharp" ? NativeLibrary.Load(file) : 0);
        }
    }
}
