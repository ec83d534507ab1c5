using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NextStep.Research;

/// <summary>
/// Where the native libtorch comes from. Runs once, when this assembly is first used and before TorchSharp is touched,
/// for programs, tests and notebooks alike.
/// </summary>
public static partial class TorchBackend
{
    /// <summary>Names a folder with an existing libtorch, for instance <c>torch/lib</c> of a Python PyTorch 2.10.</summary>
    public const string FolderVariable = "NEXTSTEP_LIBTORCH";

    private static readonly string[] PreloadOrder = ["libc10.so", "libtorch_cpu.so", "libc10_cuda.so", "libtorch_cuda.so", "libtorch.so"];

    private static string LibtorchFile => OperatingSystem.IsWindows() ? "torch_cpu.dll" : OperatingSystem.IsMacOS() ? "libtorch_cpu.dylib" : "libtorch_cpu.so";

    // Where the runtime looks for native libraries of this program.
    private static string[] SearchFolders => (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The folder that libtorch is loaded from, or null when the loader's own search decides.</summary>
    public static string? Folder { get; private set; }

    /// <summary>One line for people: who chose the folder.</summary>
    public static string Origin { get; private set; } = "package";

    /// <summary>What went wrong while loading, or null.</summary>
    public static string? Problem { get; private set; }

    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "TorchSharp loads libtorch in its static constructor; the folder must be known before.")]
    internal static void Initialize()
    {
        if (!OperatingSystem.IsWindows())
        {
            // Idle OpenMP threads must not spin for long: with shared cores that costs up to seven times the work itself. For 3,000
            // rounds they may: between two operations that wakes nobody (experiments/LOG.md has what it gains and costs).
            // .NET's SetEnvironmentVariable is not visible to native code, hence setenv. A user's own value wins.
            if (Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null)
            {
                _ = SetNativeVariable("OMP_WAIT_POLICY", "PASSIVE", 0);
                _ = SetNativeVariable("GOMP_SPINCOUNT", "3000", 0);
            }
            // cuBLAS adds up in one order only with a workspace of its own, which it asks for when it is first used.
            _ = SetNativeVariable("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
            KeepFreedMemory();
        }
        try
        {
            if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder)
            {
                LoadFrom(folder);
            }
            else if (FindUnreachableNatives() is { } beside)
            {
                Origin = "beside the library";
                Preload(beside, [.. PreloadOrder, "libLibTorchSharp.so"]);
            }
            else if (PackageFolders.AreUsed && OperatingSystem.IsLinux())
            {
                LoadFromPackages();
            }
            else
            {
                Folder = FindNatives(AppContext.BaseDirectory);
                if (Folder is not null && SearchFolders.All(d => !File.Exists(Path.Combine(d, LibtorchFile))) && !NativeLibrary.TryLoad(LibtorchFile, out _))
                {
                    Problem = $"this build has no libtorch. Set {FolderVariable} to the torch/lib folder of a PyTorch 2.10, or build without -p:TorchBackend=none.";
                }
            }
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or IOException)
        {
            Problem = e.Message; // a module initializer must not throw; the first use of torch, and doctor, say it
        }
    }

    // glibc gives every block above 128 KB back to the system when it is freed; a training step allocates hundreds of them, and the page faults
    // of the next ones cost more than its arithmetic. A user's own MALLOC_… wins; other C libraries have no such switch.
    private static void KeepFreedMemory()
    {
        const int trimThreshold = -1, mapThreshold = -3;
        if (Environment.GetEnvironmentVariable("MALLOC_MMAP_THRESHOLD_") is null && NativeLibrary.TryLoad("libc.so.6", out nint libc) && NativeLibrary.TryGetExport(libc, "mallopt", out nint address))
        {
            unsafe
            {
                delegate* unmanaged<int, int, int> mallopt = (delegate* unmanaged<int, int, int>)address;
                _ = mallopt(mapThreshold, 32 << 20);
                _ = mallopt(trimThreshold, 256 << 20);
            }
        }
    }

    /// <summary>Throws with one clear sentence when <see cref="FolderVariable"/> named something unusable.</summary>
    public static void EnsureUsable()
    {
        if (Problem is not null)
        {
            throw new InvalidOperationException($"libtorch cannot be loaded: {Problem}");
        }
        MatrixProducts.EnsureUsable();
    }

    /// <summary>The file <c>libLibTorchSharp.so</c> in use, when it can be told.</summary>
    public static string? ShimFile =>
        FindNatives(AppContext.BaseDirectory) is { } folder && File.Exists(Path.Combine(folder, "libLibTorchSharp.so"))
            ? Path.Combine(folder, "libLibTorchSharp.so")
            : Folder is { } other && File.Exists(Path.Combine(other, "libLibTorchSharp.so")) ? Path.Combine(other, "libLibTorchSharp.so") : null;

    /// <summary>What was done about GLIBCXX_3.4.32, in words.</summary>
    public static string Relaxation
    {
        get
        {
            if (!OperatingSystem.IsLinux())
            {
                return "not needed on this system";
            }
            if (ShimFile is not { } file)
            {
                return "libLibTorchSharp.so not found";
            }
            return VersionRequirement.Read(file) switch
            {
                VersionRequirement.State.Weak => $"{VersionRequirement.Symbol} marked weak in {file}",
                VersionRequirement.State.Required when VersionRequirement.IsMetByThisMachine() => $"none: this machine's libstdc++ has {VersionRequirement.Symbol}",
                VersionRequirement.State.Required => $"MISSING: {file} needs {VersionRequirement.Symbol}; rebuild on this machine",
                _ => "none: not required",
            };
        }
    }

    private static void LoadFrom(string folder)
    {
        Origin = $"{FolderVariable}={folder}";
        if (!File.Exists(Path.Combine(folder, LibtorchFile)))
        {
            Problem = $"{FolderVariable} names {folder}, which holds no libtorch_cpu. Give the torch/lib folder of a PyTorch 2.10, or unset it.";
            return;
        }
        // TorchSharp asks the runtime for torch_cpu, which finds one in its folders before it looks at what is loaded.
        if (SearchFolders.FirstOrDefault(d => File.Exists(Path.Combine(d, LibtorchFile)) && !SameFolder(d, folder)) is { } own)
        {
            Problem = $"{FolderVariable} names {folder}, but this build has a libtorch of its own in {own}, and two in one process abort it. Build once with -p:TorchBackend=none, then the variable decides.";
            return;
        }
        Preload(folder, OperatingSystem.IsWindows() ? ["c10.dll", "torch_cpu.dll", "torch_cuda.dll", "torch.dll"] : PreloadOrder);
    }

    // In a notebook with #r "nuget: …". TorchSharp itself would copy half a gigabyte into its package, and stop where libstdc++ is older.
    private static void LoadFromPackages()
    {
        const string natives = "runtimes/linux-x64/native/";
        if (PackageFolders.Find("libtorch-cpu-linux-x64", natives + LibtorchFile) is not { } libtorch || PackageFolders.Find("TorchSharp", natives + "libLibTorchSharp.so") is not { } shim)
        {
            return; // another backend's packages: TorchSharp knows them
        }
        Origin = "NuGet packages";
        Preload(Path.GetDirectoryName(libtorch)!, PreloadOrder);
        if (VersionRequirement.IsMetByThisMachine())
        {
            NativeLibrary.Load(shim);
            return;
        }
        // The package stays as it is; once loaded, the copy is needed no more.
        DirectoryInfo folder = Directory.CreateTempSubdirectory("nextstep-");
        string copy = Path.Combine(folder.FullName, Path.GetFileName(shim));
        File.Copy(shim, copy);
        VersionRequirement.Relax(copy);
        NativeLibrary.Load(copy);
        folder.Delete(recursive: true);
    }

    private static bool SameFolder(string one, string other) =>
        string.Equals(Path.TrimEndingDirectorySeparator(Path.GetFullPath(one)), Path.TrimEndingDirectorySeparator(Path.GetFullPath(other)), StringComparison.Ordinal);

    private static void Preload(string folder, string[] names)
    {
        Folder = folder;
        foreach (string name in names)
        {
            string file = Path.Combine(folder, name);
            if (File.Exists(file))
            {
                NativeLibrary.Load(file);
            }
        }
    }

    /// <summary>In a notebook the host's own search does not know our output folder; then it is loaded by path.</summary>
    private static string? FindUnreachableNatives()
    {
        string here = Path.GetDirectoryName(typeof(TorchBackend).Assembly.Location) is { Length: > 0 } f ? f : AppContext.BaseDirectory;
        return SameFolder(here, AppContext.BaseDirectory) ? null : FindNatives(here);
    }

    private static string? FindNatives(string root)
    {
        string shim = OperatingSystem.IsWindows() ? "LibTorchSharp.dll" : OperatingSystem.IsMacOS() ? "libLibTorchSharp.dylib" : "libLibTorchSharp.so";
        string[] places = [root, Path.Combine(root, "runtimes", RuntimeInformation.RuntimeIdentifier, "native"), Path.Combine(root, "runtimes", "linux-x64", "native")];
        return places.FirstOrDefault(p => File.Exists(Path.Combine(p, shim)));
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetNativeVariable(string name, string value, int overwrite);
}
