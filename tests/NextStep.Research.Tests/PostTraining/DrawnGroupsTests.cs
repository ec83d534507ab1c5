using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.PostTraining;

public sealed class DrawnGroupsTests : IDisposable
{
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    // Of three prompts one has four right pictures, one has one, one has none.
    private static DrawnGroups Three() => new(zeros(12, 2, 3), [.. Enumerable.Range(0, 12).Select(i => $"prompt {i / 4}")], 4, [.. ((float[])[1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0]).Select(r => new PictureJudgement(r))]);

    [Fact]
    public void Accepted_pictures_come_from_every_prompt_that_has_one_equally_often()
    {
        int[] places = Three().Accept(2000, new SplitMix64(1));
        Assert.Equal([0, 1, 2, 3, 6], places.Distinct().Order());
        Assert.InRange(places.Count(p => p == 6), 900, 1100);
    }

    [Fact]
    public void A_pair_is_a_right_and_a_wrong_picture_of_one_prompt()
    {
        (int[] winners, int[] losers) = Three().Pairs(100, new SplitMix64(2));
        Assert.All(winners, w => Assert.Equal(6, w));
        Assert.Equal([4, 5, 7], losers.Distinct().Order());
    }

    [Fact]
    public void A_kind_that_is_accepted_more_often_does_not_become_more_frequent()
    {
        // Three of four pictures are of kind 1 and mostly rejected; those of kind 2 are all accepted.
        DrawnGroups groups = new(zeros(80, 2, 3), [.. Enumerable.Repeat("", 80)], 8,
            [.. Enumerable.Range(0, 80).Select(i => i % 4 == 0 ? new PictureJudgement(1, 2) : new PictureJudgement(i % 8 == 1 ? 1 : 0, 1))]);
        int[] places = groups.Accept(4000, new SplitMix64(3));
        Assert.All(places, p => Assert.Equal(1, groups.Judged[p].Reward));
        Assert.InRange(places.Count(p => groups.Judged[p].Kind == 1), 2850, 3150);
        (int[] winners, int[] losers) = groups.Pairs(100, new SplitMix64(4));
        Assert.All(winners.Zip(losers), p => Assert.Equal((1, 0, groups.Judged[p.First].Kind), (groups.Judged[p.First].Reward, groups.Judged[p.Second].Reward, groups.Judged[p.Second].Kind)));
    }

    [Fact]
    public void A_file_holds_all_of_it_and_a_wrong_one_is_named()
    {
        using TemporaryFolder folder = new();
        string file = folder.File("draws.safetensors"), other = folder.File("other.safetensors");
        DrawnGroups groups = new(Three().Tokens, Three().Prompts, 4, [.. Three().Judged.Select((j, i) => j with { Kind = i % 3 })]);
        groups = groups with
        {
            Tokens = TinyModels.Normal("tokens", 12, 2, 3),
            Transitions = new Transitions(TinyModels.Normal("before", 12, 2, 3), TinyModels.Normal("after", 12, 2, 3), arange(24, ScalarType.Int64).view(12, 2)),
        };
        groups.Save(file);
        using DrawnGroups read = DrawnGroups.Load(file);
        Assert.Equal(groups.Prompts, read.Prompts);
        Assert.Equal(groups.Judged, read.Judged);
        Assert.Equal(groups.Each, read.Each);
        Assert.Equal(groups.Tokens.data<float>(), read.Tokens.data<float>());
        Assert.Equal(groups.Transitions.Before.data<float>(), read.Transitions!.Before.data<float>());
        Assert.Equal(groups.Transitions.After.data<float>(), read.Transitions.After.data<float>());
        Assert.Equal(groups.Transitions.Steps.data<long>(), read.Transitions.Steps.data<long>());
        Assert.Equal(5.0 / 12, read.Reward, 6);
        SafetensorsFile.Write(other, new Dictionary<string, Tensor> { ["tokens"] = zeros(2, 2) }, new Dictionary<string, string>());
        Assert.Contains("other.safetensors holds no drawn pictures", Assert.Throws<InvalidDataException>(() => DrawnGroups.Load(other)).Message, StringComparison.Ordinal);
    }
}
