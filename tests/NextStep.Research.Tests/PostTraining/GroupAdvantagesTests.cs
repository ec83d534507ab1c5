namespace NextStep.Research.Tests.PostTraining;

public sealed class GroupAdvantagesTests
{
    private static readonly PostTrainerConfig Plain = new() { RejectSpread = 0 };

    [Fact]
    public void Of_a_group_they_have_mean_0_and_spread_1_and_the_better_picture_has_more()
    {
        IReadOnlyList<float> each = Of([1, 0, 0, 0, 0, 0.2f, 0.4f, 1], 4, Plain).Each;
        foreach (float[] group in each.Chunk(4))
        {
            Assert.Equal(0, group.Average(), 5);
            Assert.Equal(1, Math.Sqrt(group.Average(a => (double)a * a)), 2);
        }
        Assert.True(each[0] > each[1] && each[7] > each[6] && each[6] > each[5]);
    }

    [Fact]
    public void A_group_of_equals_has_none_and_one_that_is_nearly_all_right_is_left_out()
    {
        float[] rewards = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, /**/ 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, /**/ .. new float[12]];
        GroupAdvantages all = Of(rewards, 12, Plain), strict = Of(rewards, 12, new PostTrainerConfig());
        Assert.Equal((3, 2), (all.Groups, all.Used));
        Assert.Equal((3, 1), (strict.Groups, strict.Used));
        Assert.All(strict.Each.Take(12), a => Assert.Equal(0, a));
        Assert.All(all.Each.Skip(24), a => Assert.Equal(0, a));
        Assert.Equal(all.Each.Skip(12), strict.Each.Skip(12));
    }

    [Fact]
    public void A_kind_that_is_right_more_often_gets_no_advantage_of_that()
    {
        PictureJudgement[] judged = [new(1, 0), new(1, 0), new(0, 0), new(0, 1), new(0, 1), new(1, 1), new(1, 2), new(0, 1)];
        GroupAdvantages apart = GroupAdvantages.Of(judged, 8, Plain), together = GroupAdvantages.Of(judged, 8, Plain with { ByKind = false });
        Assert.All((int[])[0, 1, 2], kind => Assert.Equal(0, Sum(apart, kind), 4));
        Assert.True(Sum(together, 0) > 0.5 && Sum(together, 1) < -0.5);
        Assert.Equal((3, 2), (apart.Groups, apart.Used)); // one of a kind has nothing to be compared with

        double Sum(GroupAdvantages advantages, int kind) => Enumerable.Range(0, 8).Where(i => judged[i].Kind == kind).Sum(i => advantages.Each[i]);
    }

    [Fact]
    public void Chosen_are_pictures_that_teach_each_once()
    {
        GroupAdvantages some = Of([1, 0, 1, 0, 1, 1, 1, 1], 4, Plain);
        Assert.Equal([0, 1, 2, 3], some.Choose(8, new SplitMix64(0)));
        int[] two = some.Choose(2, new SplitMix64(0));
        Assert.Equal(2, two.Distinct().Count(p => p < 4));
        Assert.Equal([0], Of([1, 1], 2, Plain).Choose(2, new SplitMix64(0)));
    }

    private static GroupAdvantages Of(float[] rewards, int draws, PostTrainerConfig post) => GroupAdvantages.Of([.. rewards.Select(r => new PictureJudgement(r))], draws, post);
}
