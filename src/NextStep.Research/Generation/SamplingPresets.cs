namespace NextStep.Research;

/// <summary>Published inference settings.</summary>
/// <param name="Name">For the command line.</param>
/// <param name="Source">Where they were published.</param>
/// <param name="Side">Pixels of a side, for folders that do not say on what they were trained.</param>
/// <param name="Sampling">Solver, guidance, steps.</param>
/// <param name="PositivePrompt">Appended to prompts.</param>
/// <param name="NegativePrompt">Of the unconditional branch.</param>
public sealed record SamplingPreset(string Name, string Source, int Side, SamplingConfig Sampling, string PositivePrompt, string NegativePrompt)
{
    /// <summary>One line for people: the settings and where they come from.</summary>
    public override string ToString() => System.FormattableString.Invariant(
        $"{Name}: {Source}; {Side}², guidance {Sampling.Guidance}{(Sampling.ImageGuidance == 1 ? "" : System.FormattableString.Invariant($", image guidance {Sampling.ImageGuidance}"))}, {Sampling.Steps} steps, shift {Sampling.TimestepShift}, {(Sampling.NormalizeTokens == true ? "tokens normalised" : "tokens as sampled")}, solver {ComponentCatalog.NameOf(Sampling.Solver.GetType())}");
}

/// <summary>The presets, one row each (spec §5.1).</summary>
public static class SamplingPresets
{
    private const string Quality = "masterpiece, film grained, best quality.";
    private const string Defects =
        "lowres, bad anatomy, bad hands, text, error, missing fingers, extra digit, fewer digits, cropped, worst quality, low quality, normal quality, jpeg artifacts, signature, watermark, username, blurry.";

    // v1.1 adds two; their place in the list is not known to us.
    private const string MoreDefects = "bad texts, bad layout, " + Defects;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<SamplingPreset> All { get; } =
    [
        new("t2i-1", "NextStep-1 README, text to image", 512, new SamplingConfig { Guidance = 7.5, Steps = 50, NormalizeTokens = true, Solver = SamplingSolver.Reference }, Quality, Defects),
        new("t2i-1-card", "NextStep-1-Large model card", 512, new SamplingConfig { Guidance = 7.5, Steps = 28, NormalizeTokens = false, Solver = SamplingSolver.Released }, Quality, Defects),
        new("t2i-1-benchmark", "evaluation code of the training release", 256, new SamplingConfig { Guidance = 7.5, Steps = 28, NormalizeTokens = false, Solver = SamplingSolver.Sde }, Quality, Defects),
        new("t2i-1.1", "NextStep-1.1 inference script", 512, new SamplingConfig { Guidance = 7.5, Steps = 30, NormalizeTokens = false, Solver = SamplingSolver.Sde }, "", MoreDefects),
        new("edit-1", "NextStep-1-Large-Edit README", 512, new SamplingConfig { Guidance = 7.5, ImageGuidance = 2, Steps = 50, TimestepShift = 3.2, NormalizeTokens = true, Solver = SamplingSolver.Released }, "", "Copy original image."),
    ];

    /// <summary>The preset of that name.</summary>
    /// <exception cref="ArgumentException">There is none; the message lists those that are.</exception>
    public static SamplingPreset Find(string name) =>
        All.FirstOrDefault(p => string.Equals(p.Name, name, StringComparison.OrdinalIgnoreCase))
        ?? throw new ArgumentException($"There is no preset \"{name}\"; there are {string.Join(", ", All.Select(p => p.Name))}.");
}
