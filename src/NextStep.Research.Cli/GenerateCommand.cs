using System.CommandLine;
using System.Diagnostics;
using Spectre.Console;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep generate</c> and <c>nextstep edit</c>: pictures from a trained or released model.</summary>
internal static class GenerateCommand
{
    private static readonly Option<string> Model = new("--model", "-m") { Description = "A trained cell, or a folder in the released layout; default: the small model of the shapes world that comes with nextstep.", DefaultValueFactory = _ => ShippedModel.Folder };
    private static readonly Option<string[]> Prompt = new("--prompt", "-p") { Description = "What to draw; repeat for several prompts.", Required = true };
    private static readonly Option<int> Count = new("--count", "-n") { Description = "Pictures per prompt.", DefaultValueFactory = _ => 1 };
    private static readonly Option<string> Output = new("--output", "-o") { Description = "The PNG file; several pictures make one sheet.", Required = true };
    private static readonly Option<string[]> Images = new("--image", "-i") { Description = "An input picture; repeat for several.", Required = true };
    private static readonly Option<string> Preset = new("--preset") { Description = $"Published settings: {string.Join(", ", SamplingPresets.All.Select(p => p.Name))}." };
    private static readonly Option<string> Positive = new("--positive-prompt") { Description = "Appended to every prompt." };
    private static readonly Option<string> Negative = new("--negative-prompt") { Description = "Text of the unconditional branch." };
    private static readonly Option<double?> Scale = new("--guidance") { Description = "Guidance scale; 1 = none." };
    private static readonly Option<double?> ImageScale = new("--image-guidance") { Description = "Guidance towards the input picture; 1 = none." };
    private static readonly Option<GuidanceSchedule?> Schedule = new("--guidance-schedule") { Description = "constant, linearDecreasing or linearIncreasing." };
    private static readonly Option<Solver?> SolverName = new("--solver") { Description = "ode, sde, cps or reference." };
    private static readonly Option<int?> Steps = new("--steps") { Description = "Head evaluations per image token." };
    private static readonly Option<double?> Shift = new("--timestep-shift") { Description = "Above 1: more steps near the noise end." };
    private static readonly Option<bool?> Normalize = new("--normalize-tokens") { Description = "Project each sampled token to mean 0 and variance 1." };
    private static readonly Option<int?> Height = new("--height") { Description = "Pixels; default: the training size." };
    private static readonly Option<int?> Width = new("--width") { Description = "Pixels; default: the training size." };
    private static readonly Option<string> Noise = new("--noise") { Description = "A safetensors file of recorded draws: draws.run0, draws.run1, …" };
    private static readonly Option<long> Seed = new("--seed") { Description = "Seed of the noise.", DefaultValueFactory = _ => 42 };
    private static readonly Option<int> Batch = new("--batch") { Description = "Pictures drawn at once; fewer need less memory.", DefaultValueFactory = _ => 64 };
    private static readonly Option<string> DeviceName = new("--device") { Description = "cpu, cuda:0, or several over which the layers are spread by free memory: cuda:0,cuda:1 or cuda:0,cpu.", DefaultValueFactory = _ => "cpu" };
    private static readonly Option<Precision?> PrecisionName = new("--precision") { Description = "float32, bfloat16 or float16; default: float32 on the CPU, as stored elsewhere." };

    /// <summary>Text to image.</summary>
    public static Command Create()
    {
        Command command = new("generate", """
            Draws pictures from prompts.

            Examples:
              nextstep generate --prompt "a blue star above a red square" -n 4 -o out.png
              nextstep generate --model runs/quickstart/cells/3f2a --prompt "a red circle" -n 16 -o out.png
              nextstep generate --model NextStep-1.1 --preset t2i-1.1 --prompt "a baby bear reading a book" --height 512 --width 512 --device cuda:0 --precision bfloat16 -o bear.png
              nextstep generate --model NextStep-1-Large --preset t2i-1 --prompt "a lighthouse at dusk" --height 256 --width 384 --device cuda:0,cuda:1 --precision bfloat16 --batch 1 -n 4 -o dusk.png

            The 14B models need about 34 GB in bfloat16, on one device or over several; "nextstep doctor" says what this machine has. A GPU is
            used through the libraries of an existing PyTorch 2.10: NEXTSTEP_LIBTORCH=…/site-packages/torch/lib nextstep generate …
            """);
        Add(command, Model, Prompt, Count, Output, Preset, Positive, Negative, Scale, Schedule, SolverName, Steps, Shift, Normalize, Height, Width, Noise, Seed, Batch, DeviceName, PrecisionName);
        command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, [], cancellation)));
        return command;
    }

    /// <summary>Image and text to image.</summary>
    public static Command CreateEdit()
    {
        Command command = new("edit", """
            Changes pictures as a prompt says. A prompt without the marker <image> gets one in front.

            Examples:
              nextstep edit --image in.png --prompt "make the red circle blue" -o out.png
              nextstep edit --model NextStep-1-Large-Edit --preset edit-1 --image cat.jpg --prompt "<image>Add a pirate hat to the cat's head." --height 512 --width 512 --device cuda:0 --precision bfloat16 -o pirate.png
            """);
        Add(command, Model, Images, Prompt, Count, Output, Preset, Positive, Negative, Scale, ImageScale, Schedule, SolverName, Steps, Shift, Normalize, Height, Width, Noise, Seed, Batch, DeviceName, PrecisionName);
        command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, parse.GetValue(Images) ?? [], cancellation)));
        return command;
    }

    private static void Add(Command command, params Option[] options)
    {
        foreach (Option option in options)
        {
            command.Options.Add(option);
        }
    }

    private static int Run(ParseResult parse, string[] imageFiles, CancellationToken cancellation)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        SamplingPreset? preset = parse.GetValue(Preset) is { } name ? SamplingPresets.Find(name) : null;
        using LoadedModel loaded = Load(parse, preset, imageFiles.Length);
        SamplingConfig sampling = preset?.Sampling ?? loaded.Sampling;
        int height = parse.GetValue(Height) ?? loaded.ImageSize ?? 512, width = parse.GetValue(Width) ?? loaded.ImageSize ?? 512;
        string[] prompts = parse.GetRequiredValue(Prompt);
        if (imageFiles.Length > 0)
        {
            prompts = [.. prompts.Select(p => p.Contains(ImageGenerator.ImageMarker, StringComparison.Ordinal) ? p : ImageGenerator.ImageMarker + p)];
        }
        using NoiseSource? noise = parse.GetValue(Noise) is { } file ? RecordedDraws.Open(file) : null;
        GenerationRequest request = new()
        {
            Prompts = prompts,
            ImagesPerPrompt = parse.GetValue(Count),
            Height = height,
            Width = width,
            PositivePrompt = parse.GetValue(Positive) ?? preset?.PositivePrompt ?? "",
            NegativePrompt = parse.GetValue(Negative) ?? preset?.NegativePrompt ?? "",
            Images = [.. imageFiles.Select(f => Resize.To(ImageFile.Load(f), height, width))],
            Seed = parse.GetValue(Seed),
            BatchSize = parse.GetValue(Batch),
            Noise = noise,
            Sampling = sampling with
            {
                Guidance = parse.GetValue(Scale) ?? sampling.Guidance,
                ImageGuidance = parse.GetValue(ImageScale) ?? sampling.ImageGuidance,
                GuidanceSchedule = parse.GetValue(Schedule) ?? sampling.GuidanceSchedule,
                Solver = parse.GetValue(SolverName) ?? sampling.Solver,
                Steps = parse.GetValue(Steps) ?? sampling.Steps,
                TimestepShift = parse.GetValue(Shift) ?? sampling.TimestepShift,
                NormalizeTokens = parse.GetValue(Normalize) ?? sampling.NormalizeTokens,
            },
        };
        Stopwatch clock = Stopwatch.StartNew();
        Tensor pictures = AnsiConsole.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()).Start(progress =>
        {
            ProgressTask task = progress.AddTask("drawing");
            return loaded.Generator().Draw(request, p =>
            {
                task.MaxValue = p.Total;
                task.Value = p.Tokens;
                task.Description = System.FormattableString.Invariant($"drawing, {p.Tokens / clock.Elapsed.TotalSeconds:F1} tokens/s");
            }, cancellation).MoveToOuterDisposeScope();
        });
        string output = parse.GetRequiredValue(Output);
        int columns = (int)Math.Ceiling(Math.Sqrt(pictures.size(0)));
        ImageFile.SavePng(output, pictures.size(0) == 1 ? pictures[0] : ImageGrid.Make(pictures, columns));
        AnsiConsole.WriteLine(System.FormattableString.Invariant($"{output}: {pictures.size(0)} pictures in {clock.Elapsed.TotalSeconds:F1} s"));
        return 0;
    }

    // Memory is checked for what will be drawn before a byte of the weights is read.
    private static LoadedModel Load(ParseResult parse, SamplingPreset? preset, int inputs)
    {
        IReadOnlyList<Device> devices = DevicePlacement.Parse(parse.GetRequiredValue(DeviceName));
        double guidance = parse.GetValue(Scale) ?? preset?.Sampling.Guidance ?? 2;
        int branches = inputs > 0 ? 3 : guidance == 1 ? 1 : 2;
        long pictures = Math.Min(parse.GetValue(Batch), (long)parse.GetValue(Count) * parse.GetRequiredValue(Prompt).Length);
        long? pixels = parse.GetValue(Height) is { } height && parse.GetValue(Width) is { } width ? (long)height * width * (1 + inputs) : null;
        ScalarType? dtype = parse.GetValue(PrecisionName)?.ToScalarType() ?? (devices.All(d => d.type == DeviceType.CPU) ? ScalarType.Float32 : null);
        return AnsiConsole.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()).Start(progress =>
        {
            ProgressTask task = progress.AddTask("loading");
            return ReleasedFolder.Load(parse.GetRequiredValue(Model), new LoadOptions
            {
                Devices = devices,
                Dtype = dtype,
                Sequences = branches * pictures,
                Pixels = pixels,
                Progress = (done, total) => (task.MaxValue, task.Value) = (total, done),
            });
        });
    }
}
