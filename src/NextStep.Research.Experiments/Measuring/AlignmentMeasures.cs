using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>What is measured of pictures of the shapes world against their captions, and of the verifier itself.</summary>
internal static class AlignmentMeasures
{
    private const int CeilingScenes = 100;
    private static readonly string Place = ShapesSource.NameOf(ShapeSkill.Place);

    /// <summary>
    /// Adds the verified alignment over all and per skill with 95 % Wilson intervals, strict and by GenEval's rule, the reasons of failures, and
    /// what the verifier says of fresh renders and of the autoencoder's reconstructions.
    /// </summary>
    /// <param name="all">The list.</param>
    /// <param name="pictures">[n, 3, S, S] in [−1, 1]; alive until the list has run.</param>
    /// <param name="prompts">One per picture, of the shapes world's grammar.</param>
    /// <param name="autoencoder">For the ceiling of reconstructions; null leaves it out. Alive until the list has run.</param>
    /// <param name="seed">Of the ceilings' scenes.</param>
    public static void Add(Measurements all, Tensor pictures, IReadOnlyList<string> prompts, ImageAutoencoder? autoencoder, long seed)
    {
        string[] skills = [];
        int size = (int)pictures.size(2);
        all.Add("alignment", () =>
        {
            AlignmentReport score = Alignment.Measure(pictures, prompts);
            skills = [.. score.Skills.Select(s => s.Skill)];
            Write(all.Numbers, score);
            all.Outcomes["alignment"] = PictureOutcomes.Of(prompts, score.Results.Select(r => r.Strict));
        });
        int Each() => Math.Max(1, CeilingScenes / skills.Length);
        all.Add("verifier on renders", () => all.Numbers["alignment.ceiling.renders"] = Alignment.Ceiling(skills, Each(), size, seed).Overall);
        if (autoencoder is not null)
        {
            Device device = autoencoder.parameters().First().device;
            all.Add("verifier on reconstructions", () => all.Numbers["alignment.ceiling.reconstructions"] = Alignment.Ceiling(
                skills, Each(), size, seed, picture => autoencoder.Decode(autoencoder.Encode(picture.to(device)).Mean).clamp(Scalars.Of(-1), Scalars.Of(1)).cpu()).Overall);
        }
    }

    private static void Write(Dictionary<string, double> numbers, AlignmentReport score)
    {
        numbers["alignment"] = score.Overall;
        (numbers["alignment.low"], numbers["alignment.high"]) = score.OverallInterval();
        SkillAlignment[] geneval = [.. score.Skills.Where(s => s.Skill != Place)]; // GenEval has six tasks, and none of places
        if (geneval.Length > 0)
        {
            numbers["alignment.geneval"] = geneval.Average(s => s.GenEvalRule.Value);
        }
        foreach (SkillAlignment skill in score.Skills)
        {
            string name = "alignment." + skill.Skill;
            numbers[name] = skill.Strict.Value;
            numbers[name + ".low"] = skill.Strict.Low;
            numbers[name + ".high"] = skill.Strict.High;
            numbers["alignment.geneval." + skill.Skill] = skill.GenEvalRule.Value;
        }
        foreach ((string reason, int count) in score.Reasons)
        {
            numbers["failures." + reason] = count;
        }
    }

    /// <summary>Adds the verifier's own errors: curves against noise, blur and block offsets, and the numbers without any.</summary>
    /// <param name="all">The list.</param>
    /// <param name="skills">Skill names; empty = all.</param>
    /// <param name="scenes">Scenes per skill.</param>
    /// <param name="size">Pixels per side.</param>
    /// <param name="block">Side of the blocks in pixels.</param>
    /// <param name="seed">Of the scenes.</param>
    /// <param name="cancellation">Stops between strengths.</param>
    public static void AddVerifier(Measurements all, IReadOnlyList<string> skills, int scenes, int size, int block, long seed, CancellationToken cancellation = default) =>
        all.Add("the verifier's own errors", () =>
        {
            IReadOnlyList<VerifierPoint> points = VerifierStudy.Measure(skills, scenes, size, block, seed, null, cancellation);
            (all.Numbers["verifier.accepts.clean"], all.Numbers["verifier.falseAccepts.clean"]) = (points[0].Accepted.Value, points[0].WronglyAccepted.Value);
            foreach (IGrouping<Degradation, VerifierPoint> group in points.GroupBy(p => p.Degradation))
            {
                string name = group.Key.ToString().ToLowerInvariant();
                all.Curves["verifier." + name] = new Curve(
                    $"The verifier's own errors under {name}", group.Key == Degradation.Blur ? "standard deviation, pixels" : "standard deviation, 1 = black to white", "share accepted",
                    [.. group.Select(p => p.Strength)],
                    new Dictionary<string, IReadOnlyList<double>>
                    {
                        ["right captions accepted"] = [.. group.Select(p => p.Accepted.Value)],
                        ["wrong captions accepted"] = [.. group.Select(p => p.WronglyAccepted.Value)],
                    });
            }
        });
}
