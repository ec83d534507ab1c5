using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using NextStep.Research.Experiments;
using Spectre.Console;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary><c>nextstep generate</c> and <c>nextstep edit</c>: pictures from a trained or released model.</summary>
internal static class GenerateCommand
{
    private const int DefaultSide = 512;

    private static readonly string Notes = $"""

        The 14B models need 30 GB for their weights in bfloat16 and 3 to 5 GB to draw, on one device or over several; "nextstep doctor" says what this machine has and
        what a GPU needs: a build with -p:TorchBackend=none, and NEXTSTEP_LIBTORCH=…/site-packages/torch/lib of a PyTorch 2.10 before the command.

        Presets; single options override them:
        {string.Join('\n', SamplingPresets.All.Select(p => "  " + p))}
        """;

    /// <summary>Text to image.</summary>
    public static Command Create()
    {
        Command command = new("generate", """
            Draws pictures from prompts.

            Examples:
              nextstep generate --prompt "a blue star above a red square" -n 4 -o out.png
              nextstep generate --model runs/quickstart/cells/3f2a --prompt "a red circle" -n 16 -o out.png
              nextstep generate --model NextStep-1.1 --preset t2i-1.1 --prompt "a baby bear reading a book" --device cuda:0 --precision bfloat16 -o bear.png
              nextstep generate --model NextStep-1-Large --preset t2i-1 --prompt "a lighthouse at dusk" --aspect 3:2 --device cuda:0,cuda:1 --precision bfloat16 --batch 1 -n 4 -o dusk/

            """ + Notes);
        GenerateOptions.AddTo(command);
        command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, [], cancellation)));
        return command;
    }

    /// <summary>Image and text to image.</summary>
    public static Command CreateEdit()
    {
        Command command = new("edit", """
            Changes pictures as a prompt says. A prompt without the marker <image> gets one where the model was trained to find it; input pictures are resized to the output's size.

            Examples:
              nextstep edit --image in.png --prompt "make the red circle blue" -o out.png
              nextstep edit --model NextStep-1-Large-Edit --preset edit-1 --image cat.jpg --prompt "<image>Add a pirate hat to the cat's head." --device cuda:0 --precision bfloat16 -o pirate.png

            """ + Notes);
        GenerateOptions.AddTo(command, GenerateOptions.Images, GenerateOptions.ImageScale);
        command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, parse.GetValue(GenerateOptions.Images) ?? [], cancellation)));
        return command;
    }

    private static int Run(ParseResult parse, string[] imageFiles, CancellationToken cancellation)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        SamplingPreset? preset = parse.GetValue(GenerateOptions.Preset) is { } name ? SamplingPresets.Find(name) : null;
        RunComponents.OpenAbove(parse.GetRequiredValue(GenerateOptions.Model));
        FolderSettings settings = ReleasedFolder.Settings(parse.GetRequiredValue(GenerateOptions.Model));
        (int height, int width) = Size(parse, settings, preset);
        string[] prompts = parse.GetRequiredValue(GenerateOptions.Prompt);
        if (imageFiles.Length > 0)
        {
            prompts = [.. prompts.Select(p => p.Contains(ImageGenerator.ImageMarker, StringComparison.Ordinal) ? p : SequenceLayout.EditPrompt(p, settings.EditLayout))];
            imageFiles = imageFiles.Length == 1 ? [.. Enumerable.Repeat(imageFiles[0], prompts.Sum(p => p.Split(ImageGenerator.ImageMarker).Length - 1))] : imageFiles;
        }
        Dictionary<string, Tensor> pictures = imageFiles.Distinct().ToDictionary(f => f, f => Resize.To(ImageFile.Load(f), height, width));
        GenerationRequest request = new()
        {
            Prompts = prompts,
            ImagesPerPrompt = parse.GetValue(GenerateOptions.Count),
            Height = height,
            Width = width,
            PositivePrompt = parse.GetValue(GenerateOptions.Positive) ?? preset?.PositivePrompt ?? "",
            NegativePrompt = parse.GetValue(GenerateOptions.Negative) ?? preset?.NegativePrompt ?? "",
            Images = [.. imageFiles.Select(f => pictures[f])],
            Seed = parse.GetValue(GenerateOptions.Seed),
            BatchSize = parse.GetValue(GenerateOptions.Batch),
            Sampling = Sampling(parse, preset?.Sampling ?? settings.Sampling),
        };
        new CudaConfig().ApplyOn(parse.GetRequiredValue(GenerateOptions.Device));
        using NoiseSource? noise = Noise(parse, request);
        using LoadedModel loaded = Load(parse, request);
        loaded.Notes.ToList().ForEach(Console.Error.WriteLine);
        if (loaded.Tokenizer is WordTokenizer words && string.Join(", ", words.UnknownWords(string.Join(' ', prompts).Replace(ImageGenerator.ImageMarker, " ", StringComparison.Ordinal))) is { Length: > 0 } unknown)
        {
            Console.Error.WriteLine($"The model knows {words.Words.Count} words; these are not among them and say nothing to it: {unknown}");
        }
        Stopwatch clock = Stopwatch.StartNew();
        long tokens = 0;
        Tensor drawn = DrawingProgress.Show("drawing", "tokens", 1, report => loaded.Generator().Draw(
            request with { Noise = noise },
            p =>
            {
                tokens = p.Total;
                report(p.Tokens, p.Total);
            },
            cancellation).MoveToOuterDisposeScope());
        double seconds = clock.Elapsed.TotalSeconds;
        string output = Save(parse.GetRequiredValue(GenerateOptions.Output), drawn);
        if (noise is RecordingNoise recording)
        {
            RecordedDraws.Save(parse.GetRequiredValue(GenerateOptions.SaveNoise), recording.Draws);
        }
        string memory = DeviceMemory.PeakHost is { } peak ? $"; at most {MemoryEstimate.Gigabytes(peak)} of host memory" : "";
        AnsiConsole.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{output}: {drawn.size(0)} pictures of {width}×{height} in {seconds:F1} s, {tokens / seconds:F1} tokens/s{memory}"));
        return 0;
    }

    private static (int Height, int Width) Size(ParseResult parse, FolderSettings settings, SamplingPreset? preset)
    {
        int side = settings.ImageSize ?? preset?.Side ?? DefaultSide;
        return parse.GetValue(GenerateOptions.Aspect) is { } ratio
            ? AspectRatios.Nearest(ratio, side, settings.PixelsPerToken)
            : (parse.GetValue(GenerateOptions.Height) ?? side, parse.GetValue(GenerateOptions.Width) ?? side);
    }

    private static SamplingConfig Sampling(ParseResult parse, SamplingConfig below) => below with
    {
        Guidance = parse.GetValue(GenerateOptions.Scale) ?? below.Guidance,
        ImageGuidance = parse.GetValue(GenerateOptions.ImageScale) ?? below.ImageGuidance,
        GuidanceSchedule = parse.GetValue(GenerateOptions.Schedule) ?? below.GuidanceSchedule,
        Solver = parse.GetValue(GenerateOptions.SolverName) ?? below.Solver,
        Steps = parse.GetValue(GenerateOptions.Steps) ?? below.Steps,
        TimestepShift = parse.GetValue(GenerateOptions.Shift) ?? below.TimestepShift,
        NoiseLevel = parse.GetValue(GenerateOptions.Level) ?? below.NoiseLevel,
        NormalizeTokens = parse.GetValue(GenerateOptions.Normalize) ?? below.NormalizeTokens,
    };

    // Replayed, or drawn and kept; null = drawn by seed.
    private static NoiseSource? Noise(ParseResult parse, GenerationRequest request) =>
        parse.GetValue(GenerateOptions.Noise) is { } file ? RecordedDraws.Open(file)
        : parse.GetValue(GenerateOptions.SaveNoise) is not null ? new RecordingNoise(ImageGenerator.NoiseOf(request))
        : null;

    // Memory is checked for what will be drawn before a byte of the weights is read.
    private static LoadedModel Load(ParseResult parse, GenerationRequest request)
    {
        IReadOnlyList<Device> devices = Devices.Parse(parse.GetRequiredValue(GenerateOptions.Device));
        long pictures = Math.Min(request.BatchSize, (long)request.ImagesPerPrompt * request.Prompts.Count);
        return DrawingProgress.Show("loading", "GB", 1e9, report => ReleasedFolder.Load(parse.GetRequiredValue(GenerateOptions.Model), new LoadOptions
        {
            Devices = devices,
            Dtype = parse.GetValue(GenerateOptions.PrecisionName)?.ToScalarType() ?? (devices.All(d => d.type == DeviceType.CPU) ? ScalarType.Float32 : null),
            Weights = parse.GetValue(GenerateOptions.Weights),
            Sequences = (int)ImageGenerator.Branches(request) * pictures,
            Pixels = (long)request.Height * request.Width,
            InputPictures = (request.Images.Count + request.Prompts.Count - 1) / request.Prompts.Count,
            Progress = report,
            Note = Console.Error.WriteLine,
        }));
    }

    // A file, several pictures on one sheet; or a folder, a file a picture.
    private static string Save(string output, Tensor pictures)
    {
        if (!Directory.Exists(output) && !output.EndsWith('/') && !output.EndsWith('\\'))
        {
            int columns = (int)Math.Ceiling(Math.Sqrt(pictures.size(0)));
            ImageFile.Save(output, pictures.size(0) == 1 ? pictures[0] : ImageGrid.Make(pictures, columns));
            return output;
        }
        Directory.CreateDirectory(output);
        for (long i = 0; i < pictures.size(0); i++)
        {
            ImageFile.Save(Path.Combine(output, string.Create(CultureInfo.InvariantCulture, $"{i:d4}.png")), pictures[i]);
        }
        return output;
    }
}
