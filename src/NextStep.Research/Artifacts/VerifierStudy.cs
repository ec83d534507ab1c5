using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>What pictures suffer in <see cref="VerifierStudy"/>.</summary>
internal enum Degradation
{
    /// <summary>Gaussian noise; strength = its standard deviation, 1 = black to white.</summary>
    Noise,

    /// <summary>Gaussian blur; strength = its standard deviation in pixels.</summary>
    Blur,

    /// <summary>An offset of its own for every latent pixel's block; strength = its standard deviation.</summary>
    Blocks,
}

/// <summary>The verifier's answers at one strength of a degradation.</summary>
/// <param name="Degradation">What was done to the pictures.</param>
/// <param name="Strength">How strongly; 0 = nothing.</param>
/// <param name="Accepted">Pictures whose right caption was accepted (true positives).</param>
/// <param name="WronglyAccepted">Pictures for which a caption that is wrong in one detail was accepted (false positives).</param>
internal sealed record VerifierPoint(Degradation Degradation, double Strength, Proportion Accepted, Proportion WronglyAccepted);

/// <summary>
/// The verifier's own error rate: fresh renders, degraded, judged against their caption and against one that differs in a single detail
/// (<see cref="HardNegative"/>). Shown beside every alignment score.
/// </summary>
internal static class VerifierStudy
{
    private static readonly (Degradation Kind, double[] Strengths)[] Steps =
    [
        (Degradation.Noise, [0, 0.05, 0.1, 0.2, 0.3]),
        (Degradation.Blur, [0, 0.6, 1, 1.5, 2]),
        (Degradation.Blocks, [0, 0.02, 0.05, 0.1]),
    ];

    /// <summary>Measures all degradations; the scenes are the same at every strength.</summary>
    /// <param name="skills">Skill names; empty for all.</param>
    /// <param name="perSkill">Scenes per skill.</param>
    /// <param name="size">Pixels per side.</param>
    /// <param name="block">Side of the blocks in pixels.</param>
    /// <param name="seed">Of scenes, captions and draws.</param>
    /// <param name="progress">Called with pictures judged and in all.</param>
    /// <param name="cancellation">Stops between strengths.</param>
    public static IReadOnlyList<VerifierPoint> Measure(
        IReadOnlyList<string> skills, int perSkill, int size, int block, long seed, Action<int, int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(skills);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(perSkill);
        using DisposeScope scope = NewDisposeScope();
        ShapeSkill[] kinds = skills.Count == 0 ? Enum.GetValues<ShapeSkill>() : [.. skills.Select(ShapesSource.SkillNamed)];
        (ShapeScene Scene, SceneSpec True, SceneSpec False)[] cases = [.. kinds.SelectMany(skill => Enumerable.Range(0, perSkill).Select(i => Case(skill, seed, i)))];
        Tensor[] rendered = [.. cases.Select(c => SignedDistanceRenderer.Render(c.Scene, size))];
        Tensor clean = stack(rendered);
        (Degradation Kind, double Strength)[] steps = [.. Steps.SelectMany(s => s.Strengths.Select(strength => (s.Kind, strength)))];
        List<VerifierPoint> points = [];
        foreach ((Degradation kind, double strength) in steps)
        {
            cancellation.ThrowIfCancellationRequested();
            using DisposeScope inner = NewDisposeScope();
            bool[] right = new bool[cases.Length], wrong = new bool[cases.Length];
            if (strength == 0 && points.Find(p => p.Strength == 0) is { } known)
            {
                points.Add(known with { Degradation = kind });
            }
            else
            {
                Tensor pictures = Degraded(clean, kind, strength, block, seed);
                Parallel.For(0, cases.Length, i =>
                {
                    using Tensor one = pictures.select(0, i);
                    SceneDetection found = ShapeDetector.Detect(one);
                    (right[i], wrong[i]) = (ShapesVerifier.Verify(found, cases[i].True).Strict, ShapesVerifier.Verify(found, cases[i].False).Strict);
                });
                points.Add(new VerifierPoint(kind, strength, new Proportion(right.Count(r => r), right.Length), new Proportion(wrong.Count(w => w), wrong.Length)));
            }
            progress?.Invoke(points.Count * cases.Length, steps.Length * cases.Length);
        }
        return points;
    }

    private static (ShapeScene Scene, SceneSpec True, SceneSpec False) Case(ShapeSkill skill, long seed, int index)
    {
        SplitMix64 random = Streams.Managed(seed, $"verifier.scenes/{skill}", index);
        ShapeScene scene = SceneGenerator.Draw(skill, PairSplit.Seen, random);
        SceneSpec truth = CaptionGrammar.Describe(scene, skill);
        return (scene, truth, HardNegative.Of(truth, random));
    }

    private static Tensor Degraded(Tensor clean, Degradation kind, double strength, int block, long seed) => kind switch
    {
        _ when strength == 0 => clean,
        Degradation.Noise => Planting.Apply(clean, PlantedArtifact.GlobalNoise, new TokenGrid(block, block), strength, seed),
        Degradation.Blocks => Planting.Apply(clean, PlantedArtifact.BlockOffsets, new TokenGrid(block, block), strength, seed),
        _ => Blurred(clean, strength),
    };

    private static Tensor Blurred(Tensor pictures, double deviation)
    {
        using DisposeScope scope = NewDisposeScope();
        int reach = (int)Math.Ceiling(3 * deviation);
        Tensor line = Scalars.Range((2 * reach) + 1, float32).Minus(reach).Squared().Times(-1 / (2 * deviation * deviation)).exp();
        line = line / line.sum();
        Tensor row = line.view(1, 1, 1, -1).expand(3, 1, 1, -1), column = line.view(1, 1, -1, 1).expand(3, 1, -1, 1);
        Tensor padded = nn.functional.pad(pictures, [reach, reach, reach, reach], PaddingModes.Reflect);
        return Convolution.EachChannel(Convolution.EachChannel(padded, row), column).MoveToOuterDisposeScope();
    }
}
