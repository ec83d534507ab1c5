using TorchSharp;

namespace NextStep.Research;

/// <summary>A share with its 95 % interval after Wilson (1927).</summary>
/// <param name="Right">Successes.</param>
/// <param name="Total">Trials; 0 gives the interval [0, 1] and the share NaN.</param>
public sealed record Proportion(int Right, int Total)
{
    private const double Z = 1.959963984540054;

    /// <summary>Right / Total.</summary>
    public double Value => (double)Right / Total;

    /// <summary>Lower end of the interval.</summary>
    public double Low => Total == 0 ? 0 : Math.Max(0, Centre - HalfWidth);

    /// <summary>Upper end of the interval.</summary>
    public double High => Total == 0 ? 1 : Math.Min(1, Centre + HalfWidth);

    private double Centre => (Value + (Z * Z / (2 * Total))) / (1 + (Z * Z / Total));

    private double HalfWidth => Z / (1 + (Z * Z / Total)) * Math.Sqrt((Value * (1 - Value) / Total) + (Z * Z / (4.0 * Total * Total)));
}

/// <summary>How one skill did.</summary>
/// <param name="Skill">As <c>data.skills</c> names it.</param>
/// <param name="Strict">Pictures that show what the caption says and nothing else: the score.</param>
/// <param name="GenEvalRule">Pictures right by GenEval's rule.</param>
public sealed record SkillAlignment(string Skill, Proportion Strict, Proportion GenEvalRule);

/// <summary>Agreement of pictures with their captions.</summary>
/// <param name="Overall">Unweighted mean of the skills' strict scores, as GenEval averages its tasks.</param>
/// <param name="Images">Strict score over all pictures, with its interval.</param>
/// <param name="Skills">Each skill that occurred, in the order of the enumeration.</param>
/// <param name="Reasons">How often each reason of failure occurred.</param>
/// <param name="Results">Picture by picture.</param>
public sealed record AlignmentReport(
    double Overall,
    Proportion Images,
    IReadOnlyList<SkillAlignment> Skills,
    IReadOnlyDictionary<string, int> Reasons,
    IReadOnlyList<VerificationResult> Results)
{
    /// <summary>95 % interval of <see cref="Overall"/>: that of a mean of independent shares, made of their Wilson intervals (Zou, Huang and Zhang 2009); with one skill Wilson's itself.</summary>
    public (double Low, double High) OverallInterval()
    {
        double below = Math.Sqrt(Skills.Sum(s => Math.Pow(s.Strict.Value - s.Strict.Low, 2))) / Skills.Count;
        double above = Math.Sqrt(Skills.Sum(s => Math.Pow(s.Strict.High - s.Strict.Value, 2))) / Skills.Count;
        return (Overall - below, Overall + above);
    }
}

/// <summary>Text–picture alignment in the shapes world, judged by <see cref="ShapesVerifier"/>.</summary>
public static class Alignment
{
    /// <summary>Judges pictures.</summary>
    /// <param name="pixels">[n, 3, S, S] in [−1, 1].</param>
    /// <param name="captions">One per picture.</param>
    public static AlignmentReport Measure(torch.Tensor pixels, IReadOnlyList<string> captions)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        ArgumentNullException.ThrowIfNull(captions);
        if (captions.Count == 0 || pixels.dim() != 4 || pixels.size(0) != captions.Count)
        {
            throw new ArgumentException($"{captions.Count} captions do not go with pictures [{string.Join(", ", pixels.shape)}].", nameof(captions));
        }
        VerificationResult[] results = new VerificationResult[captions.Count];
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor local = pixels.detach().cpu();
        Parallel.For(0, results.Length, i =>
        {
            using torch.Tensor one = local.select(0, i);
            results[i] = ShapesVerifier.Verify(one, captions[i]);
        });
        return Summarize(results);
    }

    /// <summary>The verifier's own ceiling: its score on fresh renders of the same skills. Print it beside every score.</summary>
    /// <param name="skills">Skill names; empty for all.</param>
    /// <param name="perSkill">Scenes per skill.</param>
    /// <param name="size">Pixels per side.</param>
    /// <param name="seed">Seed of the scenes.</param>
    /// <param name="through">For instance the autoencoder's reconstruction, [1, 3, S, S] to the same shape; null for the renders themselves. It must leave its argument alone.</param>
    public static AlignmentReport Ceiling(IReadOnlyList<string> skills, int perSkill, int size, long seed, Func<torch.Tensor, torch.Tensor>? through = null)
    {
        ArgumentNullException.ThrowIfNull(skills);
        List<VerificationResult> results = [];
        foreach (ShapeSkill skill in skills.Count == 0 ? Enum.GetValues<ShapeSkill>() : [.. skills.Select(ShapesSource.SkillNamed)])
        {
            for (int i = 0; i < perSkill; i++)
            {
                using var scope = torch.NewDisposeScope();
                ShapeScene scene = SceneGenerator.Draw(skill, PairSplit.Seen, Streams.Managed(seed, $"shapes.ceiling/{skill}", i));
                torch.Tensor picture = SignedDistanceRenderer.Render(scene, size).unsqueeze(0);
                torch.Tensor judged = through is null ? picture : through(picture);
                results.Add(ShapesVerifier.Verify(judged.squeeze(0), CaptionGrammar.Write(CaptionGrammar.Describe(scene, skill))));
            }
        }
        return Summarize(results);
    }

    private static AlignmentReport Summarize(IReadOnlyList<VerificationResult> results)
    {
        SkillAlignment[] skills = [.. ShapesSource.SkillNames
            .Select(name => (Name: name, Group: results.Where(r => r.Skill == name).ToArray()))
            .Where(s => s.Group.Length > 0)
            .Select(s => new SkillAlignment(
                s.Name,
                new Proportion(s.Group.Count(r => r.Strict), s.Group.Length),
                new Proportion(s.Group.Count(r => r.GenEvalRule), s.Group.Length)))];
        Dictionary<string, int> reasons = ShapesVerifier.Reasons
            .Select(reason => (reason, Count: results.Count(r => r.Reason == reason)))
            .Where(p => p.Count > 0)
            .ToDictionary(p => p.reason, p => p.Count);
        return new AlignmentReport(skills.Average(s => s.Strict.Value), new Proportion(results.Count(r => r.Strict), results.Count), skills, reasons, results);
    }
}
