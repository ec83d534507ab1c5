using System.CommandLine;
using NextStep.Research.Experiments;

namespace NextStep.Research.Cli;

/// <summary>What is to be drawn: the options over the record in <c>--like FILE.png</c> over the preset over the model's own settings.</summary>
internal static class DrawingChoice
{
    private const int DefaultSide = 512;

    public static DrawingRecord Of(ParseResult parse)
    {
        DrawingRecord? like = parse.GetValue(GenerateOptions.Like) is { } file ? DrawingRecord.Read(file) : null;
        SamplingPreset? preset = parse.GetValue(GenerateOptions.Preset) is { } name ? SamplingPresets.Find(name) : null;
        string? model = Given(parse, GenerateOptions.Model) ? parse.GetValue(GenerateOptions.Model) : like?.Model;
        string folder = model ?? ShippedModel.Folder;
        RunComponents.OpenAbove(folder);
        FolderSettings settings = ReleasedFolder.Settings(folder);
        (int height, int width) = Size(parse, settings, preset, like);
        bool anew = parse.GetValue(GenerateOptions.Full) || GenerateOptions.OfSampling.Any(o => Given(parse, o));
        bool distilled = settings.Distilled is not null && !anew && (like is null || like.Distilled);
        DrawingRecord chosen = new()
        {
            Distilled = distilled,
            Model = model,
            ModelIdentity = DrawingRecord.IdentityOf(folder),
            Weights = parse.GetValue(GenerateOptions.Weights) ?? like?.Weights,
            Prompts = parse.GetValue(GenerateOptions.Prompt) is { Length: > 0 } prompts ? prompts : like!.Prompts,
            Images = parse.GetValue(GenerateOptions.Images) is { Length: > 0 } images ? [.. images.Select(InputPicture.Of)] : like?.Images ?? [],
            Count = Given(parse, GenerateOptions.Count) ? parse.GetValue(GenerateOptions.Count) : like?.Count ?? 1,
            Height = height,
            Width = width,
            Positive = parse.GetValue(GenerateOptions.Positive) ?? preset?.PositivePrompt ?? like?.Positive ?? "",
            Negative = parse.GetValue(GenerateOptions.Negative) ?? preset?.NegativePrompt ?? like?.Negative ?? "",
            Sampling = Sampling(parse, preset?.Sampling ?? (like is { } && like.Distilled == distilled ? like.Sampling : null) ?? (distilled ? settings.Distilled! : settings.Sampling)),
            Seed = Given(parse, GenerateOptions.Seed) ? parse.GetValue(GenerateOptions.Seed) : like?.Seed ?? 42,
            Batch = Given(parse, GenerateOptions.Batch) ? parse.GetValue(GenerateOptions.Batch) : like?.Batch ?? 64,
            Device = Given(parse, GenerateOptions.Device) ? parse.GetRequiredValue(GenerateOptions.Device) : like?.Device ?? "cpu",
            Precision = parse.GetValue(GenerateOptions.PrecisionName) ?? like?.Precision,
            Noise = parse.GetValue(GenerateOptions.Noise) ?? like?.Noise,
            Draft = parse.GetValue(GenerateOptions.Draft) ?? like?.Draft,
            DraftTokens = parse.GetValue(GenerateOptions.DraftTokens) ?? like?.DraftTokens ?? 4,
            DraftUnguided = parse.GetValue(GenerateOptions.DraftUnguided) || like is { DraftUnguided: true },
        };
        Compare(chosen, like, parse);
        return chosen with { Picture = Given(parse, GenerateOptions.Count) || parse.GetValue(GenerateOptions.Prompt) is { Length: > 0 } ? null : like?.Picture };
    }

    // What the file was made from must still be what it was; where the person gave another, that is meant.
    private static void Compare(DrawingRecord chosen, DrawingRecord? like, ParseResult parse)
    {
        string file = parse.GetValue(GenerateOptions.Like) ?? "";
        if (like is null)
        {
            return;
        }
        if (!Given(parse, GenerateOptions.Model) && chosen.ModelIdentity != like.ModelIdentity)
        {
            throw new InvalidDataException($"'{file}' was drawn by the model in {like.Model ?? "nextstep itself"} as it was then ({like.ModelIdentity}); it is another one now ({chosen.ModelIdentity}). Give the model to draw with by --model.");
        }
        if (parse.GetValue(GenerateOptions.Images) is { Length: > 0 })
        {
            return;
        }
        foreach (InputPicture image in like.Images)
        {
            if (InputPicture.Of(image.Path).Sha256 != image.Sha256)
            {
                throw new InvalidDataException($"'{file}' is an edit of {image.Path}, which has changed since. Give the picture to edit by --image.");
            }
        }
    }

    private static (int Height, int Width) Size(ParseResult parse, FolderSettings settings, SamplingPreset? preset, DrawingRecord? like)
    {
        int side = settings.ImageSize ?? preset?.Side ?? DefaultSide;
        return parse.GetValue(GenerateOptions.Aspect) is { } ratio
            ? AspectRatios.Nearest(ratio, side, settings.PixelsPerToken)
            : (parse.GetValue(GenerateOptions.Height) ?? like?.Height ?? side, parse.GetValue(GenerateOptions.Width) ?? like?.Width ?? side);
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
        CacheBits = parse.GetValue(GenerateOptions.CacheBits) ?? below.CacheBits,
        NormalizeTokens = parse.GetValue(GenerateOptions.Normalize) ?? below.NormalizeTokens,
    };

    private static bool Given(ParseResult parse, Option option) => parse.GetResult(option) is { Implicit: false };
}
