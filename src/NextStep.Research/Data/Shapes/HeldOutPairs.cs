namespace NextStep.Research;

/// <summary>Whether a prompt combines colours and shapes that training has shown together.</summary>
public enum PairSplit
{
    /// <summary>Every colour/shape pair was seen in training.</summary>
    Seen,

    /// <summary>At least one colour/shape pair never occurs in training, although its colour and its shape do.</summary>
    HeldOut,
}

/// <summary>
/// The compositional split: a pair is held out when (colour + 3·shape) mod 8 = 0. That is 8 of 64 pairs,
/// exactly one for each colour and one for each shape.
/// </summary>
internal static class HeldOutPairs
{
    /// <summary>Whether training never shows this pair.</summary>
    public static bool Contains(ShapeKind kind, ShapeColor color) => ((int)color + (3 * (int)kind)) % 8 == 0;

    /// <summary>Whether training never shows this object's pair.</summary>
    public static bool Contains(SceneObject item) => Contains(item.Kind, item.Color);

    /// <summary>On which side of the split a scene lies.</summary>
    public static PairSplit Of(ShapeScene scene) => scene.Objects.Any(Contains) ? PairSplit.HeldOut : PairSplit.Seen;
}
