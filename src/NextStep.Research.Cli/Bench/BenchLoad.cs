using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using NextStep.Research.Experiments;
using Spectre.Console;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep bench load</c>: what a large model needs to be loaded and to draw.</summary>
internal static class BenchLoad
{
    private const int Hidden = 2048, Intermediate = 5632;

    private static readonly Option<string?> Model = new("--model", "-m") { Description = "A folder in the released layout; default: an untrained one is written, measured in a process of its own and removed." };
    private static readonly Option<double> Size = new("--gigabytes") { Description = "Weights of the untrained transformer, as if in bfloat16.", DefaultValueFactory = _ => 2 };
    private static readonly Option<bool> Released = new("--released") { Description = "The untrained model has the shape of the released 14B one, head and autoencoder included; 30 GB of disk in bfloat16, 11 GB in int4." };
    private static readonly Option<WeightScheme?> Quantization = SharedOptions.Quantization(new("--quantization") { Description = "The matrices of the untrained model are written so, with groups of 32, 64 or 128." });
    private static readonly Option<string?> Keep = new("--keep") { HelpName = "FOLDER", Description = "The untrained model is written there and stays." };
    private static readonly Option<int?> Side = new("--side") { Description = "Pixels of the picture that is drawn; default: four tokens." };
    private static readonly Option<int> Steps = new("--steps") { Description = "Head evaluations per image token.", DefaultValueFactory = _ => 4 };
    private static readonly Option<string> Device = new("--device") { Description = "cpu, cuda:0, or several: cuda:0,cuda:1.", DefaultValueFactory = _ => "cpu" };
    private static readonly Option<Precision?> PrecisionName = new("--precision") { Description = "float32, bfloat16 or float16; default: as stored." };

    static BenchLoad()
    {
        Steps.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
            {
                result.AddError("--steps must be at least 1.");
            }
        });
    }

    /// <summary>The verb.</summary>
    public static Command Create()
    {
        Command command = new("load", """
            Loads a model folder and draws one picture; prints time, token by token, and the most host memory that the process held, as a ratio to the size of the weights.

            Examples:
              nextstep bench load --gigabytes 2
              nextstep bench load --released --quantization int4:32 --side 256 --steps 20
              nextstep bench load --model NextStep-1.1 --device cuda:0
            """)
        {
            Model, Size, Released, Quantization, Keep, Side, Steps, Device, PrecisionName,
        };
        command.Validators.Add(result =>
        {
            Option[] untrained = [Size, Released, Quantization, Keep];
            if (result.GetResult(Model) is not null && untrained.FirstOrDefault(o => result.GetResult(o) is { Implicit: false }) is { } other)
            {
                result.AddError($"{other.Name} says how an untrained model is written, {Model.Name} names one that is there; give one or the other.");
            }
            if (result.GetResult(Size) is { Implicit: false } && result.GetValue(Released))
            {
                result.AddError($"{Released.Name} has a size of its own; leave {Size.Name} out.");
            }
            if (result.GetValue(Keep) is { } kept && (File.Exists(kept) || (Directory.Exists(kept) && Directory.EnumerateFileSystemEntries(kept).Any())))
            {
                result.AddError($"{Keep.Name}: {kept} is there and not empty; nothing of it is replaced, name another folder.");
            }
        });
        command.SetAction(parse =>
        {
            if (parse.GetValue(Model) is { } folder)
            {
                Measure(folder, parse);
                return 0;
            }
            return MeasureUntrained(parse);
        });
        return command;
    }

    // In a fresh process, whose peak is not that of writing the folder.
    private static int MeasureUntrained(ParseResult parse)
    {
        string? kept = parse.GetValue(Keep);
        string folder = kept ?? Directory.CreateTempSubdirectory("nextstep-load-").FullName;
        try
        {
            Write(folder, parse);
            string[] given =
            [
                "--model", folder, "--device", parse.GetRequiredValue(Device), "--steps", parse.GetValue(Steps).ToString(CultureInfo.InvariantCulture),
                .. parse.GetValue(Side) is { } side ? (string[])["--side", side.ToString(CultureInfo.InvariantCulture)] : [],
                .. parse.GetValue(PrecisionName) is { } precision ? (string[])["--precision", precision.ToString().ToLowerInvariant()] : [],
            ];
            string[] line = [.. WorkerCommand.Of(typeof(BenchLoad).Assembly, "bench", "load").Line(given)];
            using Process child = Process.Start(new ProcessStartInfo(line[0], line[1..]))!;
            child.WaitForExit();
            return child.ExitCode;
        }
        finally
        {
            if (kept is null)
            {
                Directory.Delete(folder, true);
            }
        }
    }

    private static void Write(string folder, ParseResult parse)
    {
        ByteTokenizer tokenizer = new();
        bool released = parse.GetValue(Released);
        AutoencoderConfig pictures = released ? ModelSizes.ReleasedAutoencoder : new() { Width = 32, Multipliers = [1, 2, 4, 4], LatentChannels = 16 };
        NextStepConfig config = released
            ? ModelSizes.Resolve(new ModelConfig { Size = ModelSize.B14 }, pictures, ModelSizes.ReleasedVocabulary, tokenizer.Special)
            : ModelSizes.Resolve(Narrow(parse.GetValue(Size)), pictures, tokenizer);
        using IDisposable guard = no_grad();
        using NextStepModel model = new(config, META, ScalarType.BFloat16);
        using ImageAutoencoder autoencoder = new(pictures);
        Initialization.Apply(autoencoder, 0);
        Stopwatch clock = Stopwatch.StartNew();
        WorkProgress.Run(progress =>
        {
            ReleasedFolder.SaveUntrained(
                folder, model, autoencoder, tokenizer, released ? 256 : 64, new SamplingConfig { Steps = 4 }, 0, parse.GetValue(Quantization)?.ToString(), (done, total) => progress.Report("writing", done, total, "GB", 1e9));
            return 0;
        });
        Show("untrained", string.Create(
            CultureInfo.InvariantCulture, $"{config.Transformer.Layers} layers of width {config.Transformer.HiddenSize}, {parse.GetValue(Quantization)?.ToString() ?? "bfloat16"}, written in {clock.Elapsed.TotalSeconds:F0} s; at most {Gigabytes(DeviceMemory.PeakHost)} of host memory"));
    }

    private static ModelConfig Narrow(double gigabytes)
    {
        const long PerLayer = (2L * Hidden * Hidden) + (2 * Hidden * Hidden / 4) + (3L * Hidden * Intermediate);
        return new ModelConfig
        {
            Size = ModelSize.Small,
            Transformer = new TransformerOptions { Layers = Math.Max(1, (int)Math.Round(gigabytes * 1e9 / 2 / PerLayer)), Width = Hidden, Heads = 16, KeyValueHeads = 4, Intermediate = Intermediate },
        };
    }

    private static void Measure(string folder, ParseResult parse)
    {
        long? before = DeviceMemory.PeakHost;
        Stopwatch clock = Stopwatch.StartNew();
        using LoadedModel loaded = ReleasedFolder.Load(folder, new LoadOptions { Devices = Devices.Parse(parse.GetRequiredValue(Device)), Dtype = parse.GetValue(PrecisionName)?.ToScalarType() });
        double seconds = clock.Elapsed.TotalSeconds;
        long? peak = DeviceMemory.PeakHost;
        long bytes = new DirectoryInfo(ReleasedFolder.Resolve(folder)).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);
        Show("folder", MemoryEstimate.Gigabytes(bytes));
        Show("loaded in", string.Create(CultureInfo.InvariantCulture, $"{seconds:F1} s, {bytes / seconds / 1e9:F2} GB/s, as {loaded.Model.Transformer.Dtype} on {string.Join(", ", loaded.Model.Transformer.LayerDevices.Select(d => d.ToString()).Distinct())}"));
        Show("host memory", $"{Gigabytes(before)} before loading, at most {Gigabytes(peak)} until loaded{Ratio(peak, bytes)}");
        int side = parse.GetValue(Side) ?? loaded.Autoencoder.Config.PixelsPerToken * 4, steps = parse.GetValue(Steps);
        GenerationRequest request = new() { Prompts = ["a red circle"], Height = side, Width = side, Sampling = new SamplingConfig { Steps = steps } };
        TokenClock tokens = new();
        ImageGenerator generator = loaded.Generator();
        using Tensor picture = WorkProgress.Run(progress => generator.Draw(request, p =>
        {
            tokens.Add(p.Tokens);
            progress.Report("drawing", p.Tokens, p.Total, "tokens");
        }));
        double all = tokens.Elapsed.TotalSeconds;
        Show("drew", string.Create(
            CultureInfo.InvariantCulture,
            $"{tokens.Tokens} tokens of {steps} steps and {side}×{side} pixels in {all:F1} s, {ImageGenerator.Branches(request)} guidance; at most {Gigabytes(DeviceMemory.PeakHost)} of host memory{Ratio(DeviceMemory.PeakHost, bytes)}"));
        Show("first token", string.Create(CultureInfo.InvariantCulture, $"{tokens.First.TotalSeconds:F2} s, the prompt included"));
        double[] times = [.. tokens.Milliseconds.Order()];
        if (times.Length > 0)
        {
            Show("each token", string.Create(CultureInfo.InvariantCulture, $"median {Timings.Median(times):F0} ms, from {times[0]:F0} to {times[^1]:F0}; the first quarter {Timings.Median(tokens.Milliseconds.Take((times.Length + 3) / 4)):F0}, the last {Timings.Median(tokens.Milliseconds.TakeLast((times.Length + 3) / 4)):F0}"));
        }
        Show("decoder", string.Create(CultureInfo.InvariantCulture, $"{all - tokens.Last.TotalSeconds:F1} s"));
    }

    private static string Ratio(long? peak, long bytes) => peak is { } p ? string.Create(CultureInfo.InvariantCulture, $" ({(double)p / bytes:F2} × the folder)") : "";

    private static string Gigabytes(long? bytes) => bytes is { } b ? MemoryEstimate.Gigabytes(b) : "unknown";

    private static void Show(string name, string value) => AnsiConsole.WriteLine($"{name,-14} {value}");
}
