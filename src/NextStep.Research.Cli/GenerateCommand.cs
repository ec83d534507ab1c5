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
              nextstep generate --model runs/quickstart/cells/3f2a --prompt "a red circle" -n 16 -o out.png --animate out.gif
              nextstep generate --like out.png --seed 7 -o other.png
              nextstep generate --draft runs/speculative-draft/cells/9c01 --draft-tokens 2 --solver sde --prompt "a red circle" -n 4 -o out.png
              nextstep generate --model NextStep-1.1-int4 --preset t2i-1.1 --prompt "a lighthouse at dusk" --precision bfloat16 --estimate
              nextstep generate --model NextStep-1.1 --preset t2i-1.1 --prompt "a baby bear reading a book" --device cuda:0 --precision bfloat16 -o bear.png
              nextstep generate --model NextStep-1-Large --preset t2i-1 --prompt "a lighthouse at dusk" --aspect 3:2 --device cuda:0,cuda:1 --precision bfloat16 --batch 1 -n 4 -o dusk/

            """ + Notes);
        GenerateOptions.AddTo(command);
        command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, cancellation)));
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
        command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, cancellation)));
        return command;
    }

    private static int Run(ParseResult parse, CancellationToken cancellation)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        DrawingRecord drawing = DrawingChoice.Of(parse);
        FolderSettings settings = ReleasedFolder.Settings(drawing.Model ?? ShippedModel.Folder);
        IReadOnlyList<string> prompts = drawing.Prompts;
        IReadOnlyList<InputPicture> images = drawing.Images;
        if (images.Count > 0)
        {
            prompts = [.. prompts.Select(p => p.Contains(ImageGenerator.ImageMarker, StringComparison.Ordinal) ? p : SequenceLayout.EditPrompt(p, settings.EditLayout))];
            images = images.Count == 1 ? [.. Enumerable.Repeat(images[0], prompts.Sum(p => p.Split(ImageGenerator.ImageMarker).Length - 1))] : images;
        }
        Dictionary<string, Tensor> pictures = images.Select(i => i.Path).Distinct().ToDictionary(f => f, f => Resize.To(ImageFile.Load(f), drawing.Height, drawing.Width));
        GenerationRequest request = new()
        {
            Prompts = prompts,
            ImagesPerPrompt = drawing.Count,
            Height = drawing.Height,
            Width = drawing.Width,
            PositivePrompt = drawing.Positive,
            NegativePrompt = drawing.Negative,
            Images = [.. images.Select(i => pictures[i.Path])],
            Seed = drawing.Seed,
            BatchSize = drawing.Batch,
            Sampling = drawing.Sampling,
        };
        new CudaConfig().ApplyOn(drawing.Device);
        using NoiseSource? noise = Noise(parse, drawing, request);
        using LoadedModel loaded = Load(drawing, request, parse.GetValue(GenerateOptions.Estimate) ? GenerateEstimate.Print : null);
        loaded.Notes.ToList().ForEach(Console.Error.WriteLine);
        if (loaded.Tokenizer is WordTokenizer words && string.Join(", ", words.UnknownWords(string.Join(' ', prompts).Replace(ImageGenerator.ImageMarker, " ", StringComparison.Ordinal))) is { Length: > 0 } unknown)
        {
            Console.Error.WriteLine($"The model knows {words.Words.Count} words; these are not among them and say nothing to it: {unknown}");
        }
        using LoadedModel? proposing = drawing.Draft is { } folder ? LoadDraft(folder, drawing) : null;
        SpeculativeDraft? draft = proposing is null ? null : new SpeculativeDraft(proposing) { Tokens = drawing.DraftTokens, Guided = !drawing.DraftUnguided };
        ImageGenerator generator = loaded.Generator();
        if (parse.GetValue(GenerateOptions.Estimate))
        {
            if (draft is not null)
            {
                SpeculativeEstimate.Print(loaded, draft, request, cancellation);
            }
            GenerateEstimate.Print(generator, request with { Noise = noise }, cancellation);
            return 0;
        }
        string? animation = parse.GetValue(GenerateOptions.Animate);
        using DrawingFrames? frames = animation is null ? null : new DrawingFrames(generator, drawing.Height / settings.PixelsPerToken, drawing.Width / settings.PixelsPerToken);
        Stopwatch clock = Stopwatch.StartNew();
        long tokens = 0;
        Tensor drawn = WorkProgress.Run(progress => generator.Draw(
            request with { Noise = noise, Draft = draft, OnToken = frames is null ? null : frames.Add },
            p =>
            {
                tokens = p.Total;
                progress.Report("drawing", p.Tokens, p.Total, "tokens");
            },
            cancellation).MoveToOuterDisposeScope());
        double seconds = clock.Elapsed.TotalSeconds;
        string output = Save(parse.GetValue(GenerateOptions.Output)!, drawn, drawing);
        if (frames is not null)
        {
            ImageFile.SaveAnimation(animation!, [.. frames.Frames().Select(f => Sheet(f, drawing.Picture))]);
            output += $" and {animation}";
        }
        if (noise is RecordingNoise recording)
        {
            RecordedDraws.Save(parse.GetRequiredValue(GenerateOptions.SaveNoise), recording.Draws);
        }
        string memory = DeviceMemory.PeakHost is { } peak ? $"; at most {MemoryEstimate.Gigabytes(peak)} of host memory" : "";
        AnsiConsole.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{output}: {drawn.size(0)} pictures of {drawing.Width}×{drawing.Height} in {seconds:F1} s, {tokens / seconds:F1} tokens/s{memory}{(drawing.Distilled ? $"; distilled ({GenerateOptions.Full.Name} draws as the model was trained)" : "")}"));
        if (draft is not null)
        {
            AnsiConsole.WriteLine($"draft: {SpeculativeEstimate.Describe(draft.Counts)}");
        }
        return 0;
    }

    // Replayed, or drawn and kept; null = drawn by seed.
    private static NoiseSource? Noise(ParseResult parse, DrawingRecord drawing, GenerationRequest request) =>
        drawing.Noise is { } file ? RecordedDraws.Open(file)
        : parse.GetValue(GenerateOptions.SaveNoise) is not null ? new RecordingNoise(ImageGenerator.NoiseOf(request))
        : null;

    // Memory is checked for what will be drawn before a byte of the weights is read.
    private static LoadedModel Load(DrawingRecord drawing, GenerationRequest request, Action<MemoryEstimate>? estimated)
    {
        IReadOnlyList<Device> devices = Devices.Parse(drawing.Device);
        long pictures = Math.Min(request.BatchSize, (long)request.ImagesPerPrompt * request.Prompts.Count);
        return WorkProgress.Run(progress => ReleasedFolder.Load(drawing.Model ?? ShippedModel.Folder, new LoadOptions
        {
            Devices = devices,
            Dtype = drawing.Precision?.ToScalarType() ?? (devices.All(d => d.type == DeviceType.CPU) ? ScalarType.Float32 : null),
            Weights = drawing.Weights,
            Distilled = drawing.Distilled,
            Sequences = (int)ImageGenerator.Branches(request) * pictures,
            Pixels = (long)request.Height * request.Width,
            CacheBits = request.Sampling.CacheBits,
            InputPictures = (request.Images.Count + request.Prompts.Count - 1) / request.Prompts.Count,
            Progress = (done, total) => progress.Report("loading", done, total, "GB", 1e9),
            Note = Console.Error.WriteLine,
            Estimated = estimated,
        }));
    }

    // In the model's number format and on its device; its memory is small beside the model's.
    private static LoadedModel LoadDraft(string folder, DrawingRecord drawing)
    {
        RunComponents.OpenAbove(folder);
        IReadOnlyList<Device> devices = Devices.Parse(drawing.Device);
        return ReleasedFolder.Load(folder, new LoadOptions
        {
            Devices = devices,
            Dtype = drawing.Precision?.ToScalarType() ?? (devices.All(d => d.type == DeviceType.CPU) ? ScalarType.Float32 : null),
            Note = Console.Error.WriteLine,
        });
    }

    // A file, several pictures on one sheet; or a folder, a file a picture.
    private static string Save(string output, Tensor pictures, DrawingRecord drawing)
    {
        if (!Directory.Exists(output) && !output.EndsWith('/') && !output.EndsWith('\\'))
        {
            ImageFile.Save(output, Sheet(pictures, drawing.Picture), drawing.Texts());
            return output;
        }
        Directory.CreateDirectory(output);
        for (long i = 0; i < pictures.size(0); i++)
        {
            ImageFile.Save(Path.Combine(output, string.Create(CultureInfo.InvariantCulture, $"{i:d4}.png")), pictures[i], (drawing with { Picture = i }).Texts());
        }
        return output;
    }

    // One picture, or all of them side by side.
    private static Tensor Sheet(Tensor pictures, long? picture) =>
        picture is { } one ? pictures[one]
        : pictures.size(0) == 1 ? pictures[0]
        : ImageGrid.Make(pictures, (int)Math.Ceiling(Math.Sqrt(pictures.size(0))));
}
