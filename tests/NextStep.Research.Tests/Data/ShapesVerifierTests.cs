using TorchSharp;

namespace NextStep.Research.Tests;

public sealed class ShapesVerifierTests : IDisposable
{
    // What is made on the way in an expression lives until the test ends: the collector may not free it during a native call.
    private readonly TorchSharp.DisposeScope _scope = torch.NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    private static readonly ShapeSkill[] Skills = Enum.GetValues<ShapeSkill>();

    [Theory]
    [InlineData(32, 0.0, 0, 0.99)]
    [InlineData(64, 0.0, 0, 0.99)]
    [InlineData(32, 0.1, 0, 0.97)]
    [InlineData(32, 0.2, 0, 0.90)]
    [InlineData(32, 0.06, 1, 0.97)]
    [InlineData(32, 0.0, 2, 0.97)]
    public void Right_captions_are_accepted_and_hard_negatives_are_not(int size, double noise, int blurs, double leastAccepted)
    {
        const int PerSkill = 40;
        int accepted = 0;
        int fooled = 0;
        List<string> misses = [];
        foreach (ShapeSkill skill in Skills)
        {
            for (int i = 0; i < PerSkill; i++)
            {
                SplitMix64 random = Streams.Managed(11, $"test.verifier/{skill}", i);
                ShapeScene scene = SceneGenerator.Draw(skill, i % 4 == 0 ? PairSplit.HeldOut : PairSplit.Seen, random);
                using torch.Tensor picture = Degrade(SignedDistanceRenderer.Render(scene, size), noise, blurs, i);
                SceneSpec spec = CaptionGrammar.Describe(scene, skill);
                VerificationResult result = ShapesVerifier.Verify(picture, CaptionGrammar.Write(spec));
                accepted += result.Strict ? 1 : 0;
                if (!result.Strict)
                {
                    misses.Add($"{CaptionGrammar.Write(spec)}: {result.Reason}, {string.Join(" ", result.Found.Objects)}");
                }
                VerificationResult wrong = ShapesVerifier.Verify(picture, CaptionGrammar.Write(HardNegative(spec, random)));
                fooled += wrong.Strict ? 1 : 0;
                Assert.NotEqual(wrong.Strict, wrong.Reason.Length > 0);
            }
        }
        int total = PerSkill * Skills.Length;
        Assert.True(accepted >= leastAccepted * total, $"{accepted} of {total} accepted\n{string.Join("\n", misses)}");
        Assert.True(fooled <= 0.01 * total, $"{fooled} of {total} hard negatives accepted");
    }

    [Fact]
    public void Extra_object_fails_strictly_but_not_by_the_rule_of_GenEval()
    {
        SceneObject circle = new(ShapeKind.Circle, ShapeColor.Red, 0.3, 0.3, 0.18);
        SceneObject star = new(ShapeKind.Star, ShapeColor.Blue, 0.7, 0.7, 0.18);
        using torch.Tensor picture = SignedDistanceRenderer.Render(new ShapeScene(SceneBackground.White, [circle, star]), 32);
        VerificationResult one = ShapesVerifier.Verify(picture, "a red circle");
        Assert.False(one.Strict);
        Assert.True(one.GenEvalRule);
        Assert.Equal("extra object", one.Reason);
        Assert.Equal("missing object", ShapesVerifier.Verify(picture, "three red circles").Reason);
        Assert.Equal("wrong color", ShapesVerifier.Verify(picture, "a blue circle and a red star").Reason);
        Assert.Equal("wrong shape", ShapesVerifier.Verify(picture, "a red ring and a blue star").Reason);
        Assert.Equal("wrong background", ShapesVerifier.Verify(picture, "a red circle and a blue star, on a black background").Reason);
        Assert.True(ShapesVerifier.Verify(picture, "a blue star and a red circle").Strict);
    }

    [Fact]
    public void Empty_and_noise_pictures_are_refused()
    {
        using torch.Tensor white = torch.ones(3, 32, 32);
        Assert.Equal("nothing found", ShapesVerifier.Verify(white, "a circle").Reason);
        using torch.Generator random = Streams.For(1, "test.noise");
        using torch.Tensor noise = torch.rand(3, 32, 32, generator: random).mul_(2).sub_(1);
        Assert.False(ShapesVerifier.Verify(noise, "a circle").Strict);
    }

    [Fact]
    public void Wrong_shape_of_tensor_and_foreign_captions_are_errors()
    {
        using torch.Tensor flat = torch.zeros(3, 32, 16);
        Assert.Throws<ArgumentException>(() => ShapesVerifier.Verify(flat, "a circle"));
        using torch.Tensor fine = torch.zeros(3, 32, 32);
        Assert.Throws<FormatException>(() => ShapesVerifier.Verify(fine, "a photo of a dog"));
    }

    /// <summary>A random thing that the caption says, changed.</summary>
    private static SceneSpec HardNegative(SceneSpec spec, SplitMix64 random)
    {
        ObjectSpec first = spec.Objects[0];
        ObjectSpec Reshaped() => first with { Kind = (ShapeKind)(((int)first.Kind + 1 + random.NextInt(7)) % 8) };
        ObjectSpec Recolored() => first with { Color = (ShapeColor)(((int)first.Color! + 1 + random.NextInt(7)) % 8) };
        IReadOnlyList<ObjectSpec> With(ObjectSpec changed) => [changed, .. spec.Objects.Skip(1)];
        return spec.Skill switch
        {
            ShapeSkill.Counting => spec with { Objects = [first with { Count = first.Count == 4 ? 3 : first.Count + 1 }] },
            ShapeSkill.Colors => spec with { Objects = With(Recolored()) },
            ShapeSkill.Position => spec with { Relation = (SceneRelation)((int)spec.Relation! ^ 1) },
            ShapeSkill.ColorAttribution => spec with { Objects = [first with { Color = spec.Objects[1].Color }, spec.Objects[1] with { Color = first.Color }] },
            ShapeSkill.Place => spec with { Place = new ScenePlace((spec.Place!.Value.Row + 1) % 3, spec.Place.Value.Column) },
            ShapeSkill.Two => spec with { Objects = [spec.Objects[1], spec.Objects[1] with { Kind = Other(spec) }] },
            _ => spec with { Objects = With(Reshaped()) },
        };
    }

    private static ShapeKind Other(SceneSpec spec) => Enum.GetValues<ShapeKind>().First(k => spec.Objects.All(o => o.Kind != k));

    /// <summary>Binomial blurs of 0.71 pixels each, then white noise in units of [0, 1], then clipping.</summary>
    private static torch.Tensor Degrade(torch.Tensor picture, double noise, int blurs, int seed)
    {
        int size = (int)picture.size(1);
        float[][] planes = [.. Enumerable.Range(0, 3).Select(c => picture[c].data<float>().ToArray())];
        for (int i = 0; i < blurs; i++)
        {
            planes = [.. planes.Select(p => NoiseLevel.Smooth(p, size))];
        }
        picture.copy_(torch.tensor(planes.SelectMany(p => p).ToArray(), [3, size, size]));
        if (noise == 0)
        {
            return picture;
        }
        using torch.Generator random = Streams.For(seed, "test.degrade");
        using torch.Tensor draw = torch.randn(picture.shape, generator: random).mul_(2 * noise);
        return picture.add_(draw).clamp_(-1, 1);
    }
}
