namespace NextStep.Research.Tests;

public sealed class SplitChoiceTests
{
    private static readonly SplitItem[] Classes = [.. Enumerable.Range(0, 600).Select(i => new SplitItem($"{(i % 2 == 0 ? "cat" : "dog")}/{i:D3}.png", i % 2 == 0 ? "cat" : "dog"))];

    private static DataConfig Config(HeldOutConfig heldOut, int images = 0) => new() { Source = DataSource.Folder, HeldOut = heldOut, Images = images };

    [Fact]
    public void By_caption_whole_families_are_held_out_and_by_picture_a_tenth_of_any_set()
    {
        Assert.Contains(SplitChoices.Of(Classes, Config(new())).HeldOut.Chosen.Length, (int[])[0, 300, 600]);
        SplitChoice train = SplitChoices.Of(Classes, Config(new() { By = HeldOutBy.Picture })).Train, heldOut = SplitChoices.Of(Classes, Config(new() { By = HeldOutBy.Picture })).HeldOut;
        Assert.InRange(heldOut.Chosen.Length, 35, 90);
        Assert.Equal(Enumerable.Range(0, 600), train.Chosen.Concat(heldOut.Chosen).Order());
        Assert.InRange(SplitChoices.Of(Classes, Config(new() { By = HeldOutBy.Picture, Share = 0.5 })).HeldOut.Chosen.Length, 250, 350);
    }

    [Fact]
    public void A_picture_with_several_captions_and_all_that_share_one_stay_together()
    {
        SplitItem[] items = [.. Enumerable.Range(0, 400).SelectMany(i => new[] { new SplitItem($"{i}.png", $"caption {i}"), new SplitItem($"{i}.png", $"caption {(i / 2 * 2) + 1}") })];
        HashSet<string> train = [.. SplitChoices.Of(items, Config(new())).Train.Chosen.SelectMany(i => new[] { items[i].Id, items[i].Family })];
        HashSet<string> heldOut = [.. SplitChoices.Of(items, Config(new())).HeldOut.Chosen.SelectMany(i => new[] { items[i].Id, items[i].Family })];
        Assert.NotEmpty(heldOut);
        Assert.Empty(train.Intersect(heldOut));
    }

    [Fact]
    public void Names_hold_out_pictures_and_folders_and_must_fit()
    {
        SplitChoice named = SplitChoices.Of(Classes, Config(new() { Names = ["dog/", "cat/002.png"] })).HeldOut;
        Assert.Equal(301, named.Chosen.Length);
        Assert.Contains(2, named.Chosen);
        Assert.Contains("'bird'", Assert.Throws<InvalidDataException>(() => SplitChoices.Of(Classes, Config(new() { Names = ["bird"] })).Train).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cap_is_a_fair_draw_is_said_and_grows_into_itself()
    {
        HeldOutConfig none = new() { Share = 0 };
        SplitChoice some = SplitChoices.Of(Classes, Config(none, 100)).Train, more = SplitChoices.Of(Classes, Config(none, 200)).Train;
        Assert.Equal(more.Chosen[..100], some.Chosen);
        Assert.InRange(some.Chosen.Average(), 250, 350);
        Assert.Contains("100 of 600 training pictures are used", Assert.Single(some.Notes), StringComparison.Ordinal);
        Assert.Empty(SplitChoices.Of(Classes, Config(none, 600)).Train.Notes);
    }
}
