namespace NextStep.Research;

/// <summary>Draws scenes of one skill. Sizes and margins are those for which the verifier was measured.</summary>
public static class SceneGenerator
{
    // In units of the picture's side; the gap is 12 % of the radii plus 1.5 pixels at 32.
    private const double Border = 0.03;
    private const double GapShare = 0.12;
    private const double Gap = 1.5 / 32;
    private const double WhiteShare = 0.75;
    private const int Attempts = 10_000;

    /// <summary>A scene whose pairs lie on the given side of the compositional split.</summary>
    public static ShapeScene Draw(ShapeSkill skill, PairSplit pairs, SplitMix64 random)
    {
        ArgumentNullException.ThrowIfNull(random);
        // The content stays while the layout is tried again: otherwise crowded pictures would be rare.
        (ShapeKind Kind, ShapeColor Color)[] content = Content(skill, pairs, random);
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            if (Arrange(skill, content, random) is { } objects)
            {
                return new ShapeScene(random.NextDouble() < WhiteShare ? SceneBackground.White : SceneBackground.Black, objects);
            }
        }
        throw new InvalidOperationException($"No scene of skill {skill} was found in {Attempts} attempts.");
    }

    /// <summary>A prompt of this skill, without a layout: each admissible one is equally likely.</summary>
    public static SceneSpec DrawSpec(ShapeSkill skill, PairSplit pairs, SplitMix64 random) =>
        CaptionGrammar.Describe(Draw(skill, pairs, random), skill);

    /// <summary>Whether two objects keep the gap.</summary>
    internal static bool Apart(SceneObject a, SceneObject b)
    {
        double x = a.X - b.X;
        double y = a.Y - b.Y;
        double least = ((a.Radius + b.Radius) * (1 + GapShare)) + Gap;
        return (x * x) + (y * y) >= least * least;
    }

    /// <summary>Whether the object lies inside the picture.</summary>
    internal static bool Inside(SceneObject item)
    {
        double margin = item.Radius + Border;
        return item.X >= margin && item.X <= 1 - margin && item.Y >= margin && item.Y <= 1 - margin;
    }

    /// <summary>A place and a size for an object, anywhere in the picture.</summary>
    internal static SceneObject Put(ShapeKind kind, ShapeColor color, double smallest, double largest, SplitMix64 random)
    {
        double radius = random.NextDouble(smallest, largest);
        double margin = radius + Border;
        return new SceneObject(kind, color, random.NextDouble(margin, 1 - margin), random.NextDouble(margin, 1 - margin), radius);
    }

    private static (ShapeKind Kind, ShapeColor Color)[] Content(ShapeSkill skill, PairSplit pairs, SplitMix64 random)
    {
        int kinds = skill is ShapeSkill.Two or ShapeSkill.Position or ShapeSkill.ColorAttribution ? 2 : 1;
        while (true)
        {
            (ShapeKind Kind, ShapeColor Color)[] content = new (ShapeKind, ShapeColor)[kinds];
            for (int i = 0; i < kinds; i++)
            {
                content[i] = ((ShapeKind)random.NextInt(8), (ShapeColor)random.NextInt(8));
            }
            bool distinct = kinds == 1 || skill switch
            {
                ShapeSkill.Two => content[0].Kind != content[1].Kind,
                ShapeSkill.ColorAttribution => content[0].Kind != content[1].Kind && content[0].Color != content[1].Color,
                _ => content[0] != content[1],
            };
            if (distinct && content.Any(c => HeldOutPairs.Contains(c.Kind, c.Color)) == (pairs == PairSplit.HeldOut))
            {
                return skill == ShapeSkill.Counting ? [.. Enumerable.Repeat(content[0], 2 + random.NextInt(3))] : content;
            }
        }
    }

    private static SceneObject[]? Arrange(ShapeSkill skill, (ShapeKind Kind, ShapeColor Color)[] content, SplitMix64 random)
    {
        if (skill == ShapeSkill.Place)
        {
            double x = (0.25 * (1 + random.NextInt(3))) + random.NextDouble(-0.04, 0.04);
            double y = (0.25 * (1 + random.NextInt(3))) + random.NextDouble(-0.04, 0.04);
            return [new SceneObject(content[0].Kind, content[0].Color, x, y, random.NextDouble(0.13, 0.18))];
        }
        (double smallest, double largest) = skill switch
        {
            ShapeSkill.Single or ShapeSkill.Colors => (0.19, 0.32),
            ShapeSkill.Counting => (0.125, 0.20),
            _ => (0.15, 0.22),
        };
        // One radius for all objects of a count, so that they look alike.
        double common = random.NextDouble(smallest, largest);
        SceneObject[] objects = new SceneObject[content.Length];
        for (int i = 0; i < objects.Length; i++)
        {
            for (int attempt = 0; objects[i] is null; attempt++)
            {
                SceneObject item = skill == ShapeSkill.Counting
                    ? Put(content[i].Kind, content[i].Color, common, common, random)
                    : Put(content[i].Kind, content[i].Color, smallest, largest, random);
                bool fits = objects.Take(i).All(o => Apart(o, item));
                if (fits && (skill != ShapeSkill.Position || i == 0 || PositionRule.Of(objects[0], item) is not null))
                {
                    objects[i] = item;
                }
                else if (attempt == 50)
                {
                    return null;
                }
            }
        }
        return objects;
    }
}
