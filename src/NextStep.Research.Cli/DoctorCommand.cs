using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using Spectre.Console;
using TorchSharp;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep doctor</c>: whether this machine can run the kit, and what to do when not.</summary>
internal static class DoctorCommand
{
    private const int MatrixSize = 512;

    public static Command Create()
    {
        Option<string> device = new("--device") { Description = "The device to measure; named, everything that training and drawing need is tried on it.", DefaultValueFactory = _ => "cpu" };
        Command command = new("doctor", """
            Shows versions, the native backend and where it came from, devices, memory and speed; says how to mend what is wrong.

            Examples:
              nextstep doctor
              NEXTSTEP_LIBTORCH=/opt/torch/lib nextstep doctor --device cuda:0
            """)
        {
            device,
        };
        device.Validators.Add(result =>
        {
            if (Devices.Problem(result.GetValueOrDefault<string>() ?? "") is { } problem)
            {
                result.AddError(problem);
            }
        });
        command.SetAction(parse => Run(parse.GetRequiredValue(device), parse.GetResult(device) is { Implicit: false }));
        return command;
    }

    private static int Run(string device, bool check)
    {
        Show("nextstep", Version(typeof(DoctorCommand).Assembly));
        Show("system", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}, {Environment.ProcessorCount} cores");
        Show(".NET", RuntimeInformation.FrameworkDescription);
        Show("libtorch from", TorchBackend.Origin + (TorchBackend.Folder is { } folder ? $" ({folder})" : ""));
        Show("libstdc++", TorchBackend.Relaxation);
        try
        {
            TorchBackend.EnsureUsable();
            Measure(device);
            if (check && !DeviceChecks.Run(Devices.One(device), Show))
            {
                Console.Error.WriteLine($"broken: not everything works on {device}");
                return 1;
            }
            AnsiConsole.WriteLine("all well");
            return 0;
        }
        catch (Exception e) when (Environment.GetEnvironmentVariable("NEXTSTEP_DEBUG") != "1")
        {
            // Loading fails in many ways: missing files, wrong versions, missing symbols; all end up in one advice.
            Exception reason = e;
            while (reason is TypeInitializationException or TargetInvocationException && reason.InnerException is not null)
            {
                reason = reason.InnerException;
            }
            Console.Error.WriteLine($"broken: {reason.Message}");
            Console.Error.WriteLine(Advice(device));
            return 1;
        }
    }

    private static string Advice(string device) =>
        TorchBackend.Problem?.Contains("-p:TorchBackend=none", StringComparison.Ordinal) == true ? $"dotnet build -c Release -p:TorchBackend=none, or unset {TorchBackend.FolderVariable}."
        : Environment.GetEnvironmentVariable(TorchBackend.FolderVariable) is { Length: > 0 } ? $"Unset {TorchBackend.FolderVariable}, or let it name the torch/lib folder of a PyTorch 2.10."
        : TorchBackend.ShimFile is null ? $"No native backend was built in. Build without -p:TorchBackend=none, or set {TorchBackend.FolderVariable} to the torch/lib folder of a PyTorch 2.10."
        : TorchBackend.Relaxation.StartsWith("MISSING", StringComparison.Ordinal) ? "Delete bin and obj and build again on this machine."
        : device != "cpu" ? "Try --device cpu. For a GPU, build with -p:TorchBackend=cuda-linux (or cuda-windows), or with -p:TorchBackend=none and set NEXTSTEP_LIBTORCH to the torch/lib folder of a PyTorch 2.10 with CUDA."
        : "Delete bin and obj and build again; if that does not help, run again with NEXTSTEP_DEBUG=1 and read the whole error.";

    // Apart, so that nothing of torch is touched before the lines above are printed.
    private static void Measure(string name)
    {
        Show("TorchSharp", Version(typeof(torch).Assembly));
        Show("libtorch", torch.__version__);
        Show("threads", torch.get_num_threads().ToString(CultureInfo.InvariantCulture));
        int gpus = torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        Show("CUDA devices", gpus == 0 ? "none" : gpus.ToString(CultureInfo.InvariantCulture));
        if (gpus == 0)
        {
            bool driver = Directory.Exists("/proc/driver/nvidia") || File.Exists("/dev/nvidiactl");
            Show("a GPU needs", $"{(driver ? "an NVIDIA driver (this machine has one)" : "an NVIDIA driver (none is seen here)")}, and a libtorch with CUDA: a build with -p:TorchBackend=none and NEXTSTEP_LIBTORCH=…/site-packages/torch/lib of a PyTorch 2.10, or a build with -p:TorchBackend=cuda-linux (cuda-windows)");
        }
        for (int i = 0; i < gpus; i++)
        {
            torch.Device gpu = Devices.One($"cuda:{i}");
            Show($"cuda:{i}", Room(gpu) + (DeviceMemory.Free(gpu) is null ? " (no CUDA runtime answers under a known name: whether a model fits cannot be checked)" : ""));
        }
        Show("host memory", Room(torch.CPU));
        FullSize(gpus);
        torch.Device device = Devices.One(name);
        MatrixProducts.Settle();
        using torch.Tensor a = torch.ones([MatrixSize, MatrixSize], device: device), b = torch.ones([MatrixSize, MatrixSize], device: device);
        using (torch.Tensor warm = a.mm(b))
        using (torch.Tensor corner = warm[0, 0])
        {
            if (corner.item<float>() != MatrixSize)
            {
                throw new InvalidOperationException($"a matrix product came out wrong: {corner.item<float>()} instead of {MatrixSize}");
            }
        }
        Stopwatch clock = Stopwatch.StartNew();
        long products = 0;
        for (; clock.Elapsed.TotalSeconds < 1; products++)
        {
            using torch.Tensor c = a.mm(b);
            using torch.Tensor corner = c[0, 0];
            _ = corner.item<float>(); // waits for the device
        }
        double rate = 2.0 * MatrixSize * MatrixSize * MatrixSize * products / clock.Elapsed.TotalSeconds / 1e9;
        Show("speed", string.Create(CultureInfo.InvariantCulture, $"{rate:F0} GFLOP/s in float32 matrix products on {name}") + (device.type == DeviceType.CPU ? $" by {MatrixProducts.Path}{OfPeak(rate)}" : ""));
    }

    private static string OfPeak(double rate)
    {
        int threads = torch.get_num_threads();
        double peak = ProcessorPeak.GigaFlops(threads);
        return string.Create(CultureInfo.InvariantCulture, $", {rate / peak:P0} of the {peak:F0} that {threads} {(threads == 1 ? "thread" : "threads")} of this processor can add and multiply ({ProcessorPeak.Vectors})").Replace(" %", " %", StringComparison.Ordinal);
    }

    // Whether the released 14B model would run, and on what.
    private static void FullSize(int gpus)
    {
        MemoryEstimate need = MemoryEstimate.Released(torch.ScalarType.BFloat16, 512);
        Show("14B needs", $"{need}, in bfloat16, for one 512×512 picture with guidance");
        string verdict;
        try
        {
            DeviceRoom host = DeviceRoom.Of(torch.CPU);
            DeviceRoom[] rooms = gpus == 0 ? [host] : [.. Enumerable.Range(0, gpus).Select(i => DeviceRoom.Of(Devices.One($"cuda:{i}")))];
            string names = gpus == 0 ? "cpu" : string.Join(",", Enumerable.Range(0, gpus).Select(i => $"cuda:{i}"));
            verdict = rooms.Any(r => r.Free is null) ? "unknown: the free memory of a GPU cannot be asked for" : $"fits: --device {names} --precision bfloat16 ({DevicePlacement.Plan(need, rooms, host)})"
                + (gpus == 0 ? "; without a GPU a picture takes hours" : "");
        }
        catch (DeviceTooSmallException)
        {
            verdict = gpus == 0
                ? "does not fit the free memory here"
                : "does not fit the free memory here; add --device cuda:0,cpu to run the rest of the layers on the processor, slowly";
        }
        Show("14B here", verdict);
    }

    private static string Room(torch.Device device) =>
        $"{Gigabytes(DeviceMemory.Free(device))} free of {Gigabytes(DeviceMemory.Total(device))}";

    private static string Gigabytes(long? bytes) => bytes is { } b ? MemoryEstimate.Gigabytes(b) : "unknown";

    private static string Version(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? assembly.GetName().Version?.ToString() ?? "unknown";

    private static void Show(string name, string value) => AnsiConsole.WriteLine($"{name,-14} {value}");
}
