namespace NextStep.Research.Tests;

public sealed class VerifierStudyTests
{
    [Fact]
    public void A_hard_negative_differs_in_one_detail_and_is_never_true_of_its_scene()
    {
        HashSet<string> kinds = [];
        foreach (ShapeSkill skill in Enum.GetValues<ShapeSkill>())
        {
            for (int i = 0; i < 40; i++)
            {
                SplitMix64 random = Streams.Managed(3, $"test.negatives/{skill}", i);
                ShapeScene scene = SceneGenerator.Draw(skill, PairSplit.Seen, random);
                SceneSpec truth = CaptionGrammar.Describe(scene, skill), wrong = HardNegative.Of(truth, random);
                Assert.NotEqual(CaptionGrammar.Write(truth), CaptionGrammar.Write(wrong));
                Assert.Equal(wrong.Skill, CaptionGrammar.Parse(CaptionGrammar.Write(wrong)).Skill);
                kinds.Add(wrong.Total != truth.Total ? "count" : wrong.Relation != truth.Relation ? "relation" : wrong.Place != truth.Place ? "place"
                    : !wrong.Objects.Select(o => o.Kind).SequenceEqual(truth.Objects.Select(o => o.Kind)) ? "shape" : "color");
            }
        }
        Assert.Equal(["color", "count", "place", "relation", "shape"], kinds.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Clean_renders_are_told_right_and_errors_grow_with_the_damage()
    {
        IReadOnlyList<VerifierPoint> points = VerifierStudy.Measure([], 6, 32, 4, 1, null, TestContext.Current.CancellationToken);
        Assert.All(points.Where(p => p.Strength == 0), p => Assert.Equal((1.0, 0.0), (p.Accepted.Value, p.WronglyAccepted.Value)));
        foreach (IGrouping<Degradation, VerifierPoint> group in points.GroupBy(p => p.Degradation))
        {
            Assert.True(group.Last().Accepted.Value < 1, $"{group.Key} does no harm");
            Assert.True(group.ElementAt(1).Accepted.Value >= 0.95);
            Assert.All(group, p => Assert.True(p.WronglyAccepted.Value <= 0.1));
        }
    }
}
