namespace NextStep.Research;

/// <summary>What an instruction changes.</summary>
public enum EditKind
{
    /// <summary>"make the blue star red"</summary>
    Recolor,

    /// <summary>"turn the yellow ring into a square"</summary>
    Reshape,

    /// <summary>"remove the blue star"</summary>
    Remove,

    /// <summary>"add a green heart"</summary>
    Add,

    /// <summary>"move the green star up"</summary>
    Move,

    /// <summary>"swap the colors of the red circle and the blue square"</summary>
    Swap,

    /// <summary>"make the background black"</summary>
    Background,
}

/// <summary>A pair of scenes and the instruction that leads from one to the other.</summary>
/// <param name="Kind">What changes.</param>
/// <param name="Before">The source.</param>
/// <param name="Instruction">What to do.</param>
/// <param name="After">One right answer.</param>
public sealed record SceneEdit(EditKind Kind, ShapeScene Before, string Instruction, ShapeScene After)
{
    private const double Dilation = 2.0 / 32;

    /// <summary>Objects that are in one of the scenes only.</summary>
    public IEnumerable<SceneObject> Changed => Before.Objects.Except(After.Objects).Concat(After.Objects.Except(Before.Objects));

    /// <summary>
    /// Where the picture may change: true inside the boxes of the changed objects, widened by 2 pixels at 32; row by row, size².
    /// For a new background it is true everywhere.
    /// </summary>
    public bool[] Mask(int size)
    {
        bool[] mask = new bool[size * size];
        if (Before.Background != After.Background)
        {
            Array.Fill(mask, true);
            return mask;
        }
        foreach (SceneObject item in Changed)
        {
            double reach = item.Radius + Dilation;
            for (int i = 0; i < mask.Length; i++)
            {
                double x = (((i % size) + 0.5) / size) - item.X;
                double y = (((i / size) + 0.5) / size) - item.Y;
                mask[i] |= Math.Abs(x) <= reach && Math.Abs(y) <= reach;
            }
        }
        return mask;
    }
}

/// <summary>Draws edits.</summary>
internal static class SceneEdits
{
    private const double ShortestMove = 0.15;
    private const double LongestMove = 0.40;
    private const int Attempts = 100_000;

    /// <summary>The four directions and their words.</summary>
    internal static readonly (string Word, int X, int Y)[] Directions = [("up", 0, -1), ("down", 0, 1), ("left", -1, 0), ("right", 1, 0)];

    /// <summary>An edit of a scene with two objects that differ in shape and colour (one object before an addition).</summary>
    /// <param name="kind">What changes.</param>
    /// <param name="pairs">Whether the result contains a held-out colour/shape pair; the source never does.</param>
    /// <param name="random">The draws.</param>
    /// <exception cref="ArgumentException">Held-out results are asked of a kind that brings no new pair.</exception>
    public static SceneEdit Draw(EditKind kind, PairSplit pairs, SplitMix64 random)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (pairs == PairSplit.HeldOut && kind is EditKind.Remove or EditKind.Move or EditKind.Background)
        {
            throw new ArgumentException($"The edit {kind} makes no new colour/shape pair.", nameof(pairs));
        }
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            PairSplit drawn = kind == EditKind.Add ? pairs : PairSplit.Seen;
            if (Try(kind, SceneGenerator.Draw(ShapeSkill.ColorAttribution, drawn, random), random) is { } edit
                && HeldOutPairs.Of(edit.Before) == PairSplit.Seen && HeldOutPairs.Of(edit.After) == pairs)
            {
                return edit;
            }
        }
        throw new InvalidOperationException($"No edit of kind {kind} was found in {Attempts} attempts.");
    }

    private static SceneEdit? Try(EditKind kind, ShapeScene scene, SplitMix64 random)
    {
        int chosen = random.NextInt(2);
        SceneObject target = scene.Objects[chosen];
        SceneObject other = scene.Objects[1 - chosen];
        ShapeScene With(params SceneObject[] objects) => scene with { Objects = objects };
        switch (kind)
        {
            case EditKind.Recolor:
                ShapeColor color = (ShapeColor)random.NextInt(8);
                return color == target.Color ? null
                    : new SceneEdit(kind, scene, $"make {The(target)} {CaptionGrammar.Lower(color)}", With(target with { Color = color }, other));
            case EditKind.Reshape:
                ShapeKind shape = (ShapeKind)random.NextInt(8);
                return shape == target.Kind ? null
                    : new SceneEdit(kind, scene, $"turn {The(target)} into {CaptionGrammar.Phrase(new ObjectSpec(shape, null, 1))}", With(target with { Kind = shape }, other));
            case EditKind.Remove:
                return new SceneEdit(kind, scene, $"remove {The(target)}", With(other));
            case EditKind.Add:
                return new SceneEdit(kind, With(other), $"add {CaptionGrammar.Phrase(new ObjectSpec(target.Kind, target.Color, 1))}", With(other, target));
            case EditKind.Move:
                (string word, int x, int y) = Directions[random.NextInt(4)];
                double length = random.NextDouble(ShortestMove, LongestMove);
                SceneObject moved = target with { X = target.X + (x * length), Y = target.Y + (y * length) };
                return SceneGenerator.Inside(moved) && SceneGenerator.Apart(moved, other)
                    ? new SceneEdit(kind, scene, $"move {The(target)} {word}", With(moved, other))
                    : null;
            case EditKind.Swap:
                return new SceneEdit(kind, scene, $"swap the colors of {The(target)} and {The(other)}", With(target with { Color = other.Color }, other with { Color = target.Color }));
            default:
                SceneBackground ground = scene.Background == SceneBackground.White ? SceneBackground.Black : SceneBackground.White;
                return new SceneEdit(EditKind.Background, scene, $"make the background {CaptionGrammar.Lower(ground)}", scene with { Background = ground });
        }
    }

    private static string The(SceneObject item) => $"the {CaptionGrammar.Lower(item.Color)} {CaptionGrammar.Lower(item.Kind)}";
}
