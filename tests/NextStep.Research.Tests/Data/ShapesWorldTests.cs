using System.Security.Cryptography;
using CsCheck;

namespace NextStep.Research.Tests;

public class ShapesWorldTests
{
    private static readonly Gen<ShapeSkill> AnySkill = Gen.Enum<ShapeSkill>();

    [Fact]
    public void Renderer_gives_the_same_bytes_everywhere()
    {
        SceneObject[] all = [.. Enum.GetValues<ShapeKind>().Select((k, i) =>
            new SceneObject(k, (ShapeColor)i, 0.14 + (0.24 * (i % 4)), 0.25 + (0.5 * (i / 4)), 0.11))];
        string white = Convert.ToHexString(SHA256.HashData(SignedDistanceRenderer.Bytes(new ShapeScene(SceneBackground.White, all), 64)));
        string black = Convert.ToHexString(SHA256.HashData(SignedDistanceRenderer.Bytes(new ShapeScene(SceneBackground.Black, all), 32)));
        Assert.Equal("87F6A043E1C8AAF9", white[..16]);
        Assert.Equal("898A86293AA1D524", black[..16]);
    }

    [Fact]
    public void Captions_read_back_as_what_was_written() =>
        Gen.Select(AnySkill, Gen.Int[0, int.MaxValue], Gen.Int[0, CaptionGrammar.FrameCount - 1]).Sample((skill, seed, frame) =>
        {
            SceneSpec spec = SceneGenerator.DrawSpec(skill, PairSplit.Seen, Streams.Managed(seed, "test.grammar"));
            SceneBackground?[] grounds = [null, SceneBackground.White, SceneBackground.Black];
            foreach (SceneBackground? ground in grounds)
            {
                SceneSpec written = spec with { Background = ground };
                SceneSpec read = CaptionGrammar.Parse(CaptionGrammar.Write(written, frame));
                Assert.Equal(written.Objects, read.Objects);
                Assert.Equal((written.Skill, written.Relation, written.Place, written.Background), (read.Skill, read.Relation, read.Place, read.Background));
            }
        }, iter: 300);

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("a blurple circle")]
    [InlineData("a red circle in the attic")]
    [InlineData("five red circles")]
    [InlineData("a red 3")]
    [InlineData("a 7 circle")]
    [InlineData("a red circle and")]
    [InlineData("three red circles left of a blue star")]
    public void Foreign_captions_are_refused(string caption) => Assert.False(CaptionGrammar.TryParse(caption, out _));

    [Fact]
    public void Objects_stay_inside_and_apart_on_their_side_of_the_split() =>
        Gen.Select(AnySkill, Gen.Int[0, int.MaxValue], Gen.Enum<PairSplit>()).Sample((skill, seed, pairs) =>
        {
            ShapeScene scene = SceneGenerator.Draw(skill, pairs, Streams.Managed(seed, "test.scene"));
            Assert.Equal(pairs, HeldOutPairs.Of(scene));
            Assert.All(scene.Objects, o => Assert.True(o.X > o.Radius && o.X < 1 - o.Radius && o.Y > o.Radius && o.Y < 1 - o.Radius));
            for (int i = 1; i < scene.Objects.Count; i++)
            {
                Assert.All(scene.Objects.Take(i), o => Assert.True(SceneGenerator.Apart(o, scene.Objects[i])));
            }
        }, iter: 300);

    [Fact]
    public void Two_three_and_four_objects_are_equally_frequent()
    {
        int[] counts = [.. Enumerable.Range(0, 600).Select(i => SceneGenerator.Draw(ShapeSkill.Counting, PairSplit.Seen, Streams.Managed(1, "test.counts", i)).Objects.Count)];
        Assert.All((int[])[2, 3, 4], n => Assert.InRange(counts.Count(c => c == n), 150, 250));
    }

    [Fact]
    public void Eight_pairs_are_held_out_one_for_each_color_and_shape()
    {
        (ShapeKind K, ShapeColor C)[] held = [.. from k in Enum.GetValues<ShapeKind>() from c in Enum.GetValues<ShapeColor>() where HeldOutPairs.Contains(k, c) select (k, c)];
        Assert.Equal(8, held.Length);
        Assert.Equal(8, held.Select(p => p.K).Distinct().Count());
        Assert.Equal(8, held.Select(p => p.C).Distinct().Count());
    }

    [Fact]
    public void Training_never_shows_a_held_out_pair_and_the_held_out_split_does_on_odd_indices()
    {
        using ShapesSource train = new(new DataConfig { Images = 400 }, DataSplit.Train, 5);
        using ShapesSource heldOut = new(new DataConfig { Images = 400 }, DataSplit.HeldOut, 5);
        Assert.All(Enumerable.Range(0, train.Count), i => Assert.Equal(PairSplit.Seen, HeldOutPairs.Of(train.SceneAt(i).Scene)));
        Assert.All(Enumerable.Range(0, 400), i => Assert.Equal(i % 2 == 1, HeldOutPairs.Of(heldOut.SceneAt(i).Scene) == PairSplit.HeldOut));
    }

    [Fact]
    public void An_index_always_gives_the_same_picture()
    {
        using ShapesSource one = new(new DataConfig { Images = 50 }, DataSplit.Train, 7);
        using ShapesSource other = new(new DataConfig { Images = 60 }, DataSplit.Train, 7);
        using CaptionedImage a = one.Load(33);
        using CaptionedImage b = other.Load(33);
        Assert.Equal(a.Caption, b.Caption);
        Assert.True(a.Pixels.equal(b.Pixels).all().item<bool>());
        Assert.Equal(one.Caption(33), a.Caption);
    }

    [Fact]
    public void Evaluation_prompts_are_distinct_stable_and_on_their_side()
    {
        foreach (string skill in ShapesSource.SkillNames)
        {
            IReadOnlyList<string> prompts = ShapesSource.EvaluationPrompts(skill, 50, 3);
            Assert.Equal(prompts.Count, prompts.Distinct().Count());
            Assert.Equal(prompts, ShapesSource.EvaluationPrompts(skill, 50, 3));
            Assert.All(prompts, p => Assert.Equal(ShapesSource.SkillNamed(skill), CaptionGrammar.Parse(p).Skill));
            Assert.Equal(skill == "single" ? 8 : 50, prompts.Count);
            Assert.All(prompts, p => Assert.DoesNotContain(CaptionGrammar.Parse(p).Objects, o => o.Color is { } c && HeldOutPairs.Contains(o.Kind, c)));
        }
        IReadOnlyList<string> unseen = ShapesSource.EvaluationPrompts("colors", 50, 3, PairSplit.HeldOut);
        Assert.Equal(8, unseen.Count);
        Assert.All(unseen, p => Assert.True(HeldOutPairs.Contains(CaptionGrammar.Parse(p).Objects[0].Kind, CaptionGrammar.Parse(p).Objects[0].Color!.Value)));
        Assert.Empty(ShapesSource.EvaluationPrompts("two", 50, 3, PairSplit.HeldOut));
    }

    [Fact]
    public void Unknown_skill_is_named()
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => new ShapesSource(new DataConfig { Skills = ["juggling"] }, DataSplit.Train, 0));
        Assert.Contains("juggling", e.Message, StringComparison.Ordinal);
    }
}
