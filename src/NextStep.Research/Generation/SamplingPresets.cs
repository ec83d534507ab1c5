namespace NextStep.Research;

/// <summary>Published inference settings.</summary>
/// <param name="Name">For the command line.</param>
/// <param name="Source">Where they were published.</param>
/// <param name="Sampling">Solver, guidance, steps.</param>
/// <param name="PositivePrompt">Appended to prompts.</param>
/// <param name="NegativePrompt">Of the unconditional branch.</param>
public sealed record SamplingPreset(string Name, string Source, SamplingConfig Sampling, string PositivePrompt, string NegativePrompt);

/// <summary>The presets, one row each (spec §5.1).</summary>
public static class SamplingPresets
{
    private const string Quality = "masterpiece, film grained, best quality.";
    private const string Defects =
        "lowres, bad anatomy, bad hands, text, error, missing fingers, extra digit, fewer digits, cropped, worst quality, low quality, normal quality, jpeg artifacts, signature, watermark, username, blurry.";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<SamplingPreset> All { get; } =
    [
        new("t2i-1", "NextStep-1 README, text to image at 512²", new SamplingConfig { Guidance = 7.5, Steps = 50, NormalizeTokens = true, Solver = Solver.Reference }, Quality, Defects),
        new("t2i-1-card", "NextStep-1-Large model card", new SamplingConfig { Guidance = 7.5, Steps = 28, NormalizeTokens = false, Solver = Solver.Reference }, Quality, Defects),
        new("t2i-1.1", "NextStep-1.1 inference script", new SamplingConfig { Guidance = 7.5, Steps = 30, NormalizeTokens = false, Solver = Solver.Sde }, "", Defects),
        new("edit-1", "NextStep-1-Large-Edit README", new SamplingConfig { Guidance = 7.5, ImageGuidance = 2, Steps = 50, TimestepShift = 3.2, NormalizeTokens = true, Solver = Solver.Reference }, "", "Copy original image."),
    ];

    /// <summary>The preset of that name.</summary>
    /// <exception cref="ArgumentException">There is none; the message lists those that are.</exception>
    public static SamplingPreset Find(string name) =>
        All.FirstOrDefault(p => string.Equals(p.Name, name, StringComparison.OrdinalIgnoreCase))
        ?? throw new ArgumentException($"There is no preset \"{name}\"; there are {string.Join(", ", All.Select(p => p.Name))}.");
}
