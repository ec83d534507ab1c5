using System.CommandLine;
using System.Diagnostics;
using NextStep.Research.Experiments;
using System.Globalization;
using Spectre.Console;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep bench</c>: what speed and memory cost, measured here and now.</summary>
internal static class BenchCommand
{
    private const int Hidden = 2048;
    private const int Intermediate = 5632;

    public static Command Create()
    {
        Command command = new("bench", """
            Measures speed and memory on this machine: the forms used here in turn with the op-by-op form of the same algorithm, and what a plain read, copy and matrix product reach.

            Examples:
              nextstep bench --markdown
              nextstep bench head-1536 picture --rounds 7
            """)
        {
            Load(),
        };
        BenchRun.AddTo(command);
        return command;
    }

    private static Command Load()
    {
        Option<string?> model = new("--model", "-m") { Description = "A folder in the released layout; default: an untrained one is written, measured in a process of its own and removed." };
        Option<double> size = new("--gigabytes") { Description = "Size of that folder.", DefaultValueFactory = _ => 2 };
        Option<string> device = new("--device") { Description = "cpu, cuda:0, or several: cuda:0,cuda:1.", DefaultValueFactory = _ => "cpu" };
        Option<Precision?> precision = new("--precision") { Description = "float32, bfloat16 or float16; default: as stored." };
        Command command = new("load", """
            Loads a model folder and draws one small picture; prints time and the most host memory that the process held, as a ratio to the size of the weights.

            Examples:
              nextstep bench load --gigabytes 2
              nextstep bench load --model NextStep-1.1 --device cuda:0
            """)
        {
            model, size, device, precision,
        };
        command.SetAction(parse =>
        {
            if (parse.GetValue(model) is { } folder)
            {
                Measure(folder, Devices.Parse(parse.GetRequiredValue(device)), parse.GetValue(precision)?.ToScalarType());
                return 0;
            }
            return MeasureRandom(parse.GetValue(size), parse.GetRequiredValue(device), parse.GetValue(precision));
        });
        return command;
    }

    // In a fresh process, whose peak is not that of writing the folder.
    private static int MeasureRandom(double gigabytes, string device, Precision? precision)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("nextstep-load-");
        try
        {
            WriteRandom(folder.FullName, gigabytes);
            string[] line = [.. WorkerCommand.Of(typeof(BenchCommand).Assembly, "bench", "load").Line(
                ["--model", folder.FullName, "--device", device, .. precision is { } p ? (string[])["--precision", p.ToString().ToLowerInvariant()] : []])];
            using Process child = Process.Start(new ProcessStartInfo(line[0], line[1..]))!;
            child.WaitForExit();
            return child.ExitCode;
        }
        finally
        {
            folder.Delete(true);
        }
    }

    private static void WriteRandom(string folder, double gigabytes)
    {
        ByteTokenizer tokenizer = new();
        AutoencoderConfig pictures = new() { Width = 32, Multipliers = [1, 2, 4, 4], LatentChannels = 16 };
        const long PerLayer = (2L * Hidden * Hidden) + (2 * Hidden * Hidden / 4) + (3L * Hidden * Intermediate);
        NextStepConfig config = ModelSizes.Resolve(
            new ModelConfig
            {
                Size = ModelSize.Small,
                Transformer = new TransformerOptions { Layers = Math.Max(1, (int)Math.Round(gigabytes * 1e9 / 2 / PerLayer)), Width = Hidden, Heads = 16, KeyValueHeads = 4, Intermediate = Intermediate },
            },
            pictures, tokenizer);
        using IDisposable guard = no_grad();
        using NextStepModel model = new(config, META, ScalarType.BFloat16);
        using ImageAutoencoder autoencoder = new(pictures);
        Initialization.Apply(autoencoder, 0);
        AnsiConsole.WriteLine(FormattableString.Invariant($"writing {config.Transformer.Layers} layers of width {Hidden} of an untrained model"));
        ReleasedFolder.SaveUntrained(folder, model, autoencoder, tokenizer, 64, new SamplingConfig { Steps = 4 });
    }

    private static void Measure(string folder, IReadOnlyList<Device> devices, ScalarType? dtype)
    {
        long? before = DeviceMemory.PeakHost;
        Stopwatch clock = Stopwatch.StartNew();
        using LoadedModel loaded = ReleasedFolder.Load(folder, new LoadOptions { Devices = devices, Dtype = dtype });
        double seconds = clock.Elapsed.TotalSeconds;
        long? peak = DeviceMemory.PeakHost;
        long bytes = new DirectoryInfo(ReleasedFolder.Resolve(folder)).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);
        Show("folder", MemoryEstimate.Gigabytes(bytes));
        Show("loaded in", string.Create(CultureInfo.InvariantCulture, $"{seconds:F1} s, {bytes / seconds / 1e9:F2} GB/s, as {loaded.Model.Transformer.Dtype} on {string.Join(", ", loaded.Model.Transformer.LayerDevices.Select(d => d.ToString()).Distinct())}"));
        Show("host memory", $"{Gigabytes(before)} before loading, at most {Gigabytes(peak)} until loaded{Ratio(peak, bytes)}");
        clock.Restart();
        int side = loaded.Autoencoder.Config.PixelsPerToken * 4;
        using Tensor picture = loaded.Generator().Draw(new GenerationRequest { Prompts = ["a red circle"], Height = side, Width = side, Sampling = new SamplingConfig { Steps = 4 } });
        Show("drew", string.Create(CultureInfo.InvariantCulture, $"16 tokens of 4 steps in {clock.Elapsed.TotalSeconds:F1} s; at most {Gigabytes(DeviceMemory.PeakHost)} of host memory{Ratio(DeviceMemory.PeakHost, bytes)}"));
    }

    private static string Ratio(long? peak, long bytes) => peak is { } p ? string.Create(CultureInfo.InvariantCulture, $" ({(double)p / bytes:F2} × the folder)") : "";

    private static string Gigabytes(long? bytes) => bytes is { } b ? MemoryEstimate.Gigabytes(b) : "unknown";

    private static void Show(string name, string value) => AnsiConsole.WriteLine($"{name,-14} {value}");
}
