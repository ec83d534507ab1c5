namespace NextStep.Research;

/// <summary>Where the first object of a caption stands, seen from the second.</summary>
public enum SceneRelation
{
    /// <summary>"left of"</summary>
    LeftOf,

    /// <summary>"right of"</summary>
    RightOf,

    /// <summary>"above"</summary>
    Above,

    /// <summary>"below"</summary>
    Below,
}

/// <summary>One of nine cells; <see cref="Row"/> and <see cref="Column"/> count 0, 1, 2 from the top left.</summary>
public readonly record struct ScenePlace(int Row, int Column)
{
    /// <summary>The cell of a centre in units of the picture's side. Borders lie midway between the cells' centres ¼, ½, ¾.</summary>
    public static ScenePlace At(double x, double y) => new(Third(y), Third(x));

    private static int Third(double v) => v < 0.375 ? 0 : v > 0.625 ? 2 : 1;
}

/// <summary><paramref name="Count"/> objects of one shape; a null colour leaves it free.</summary>
public sealed record ObjectSpec(ShapeKind Kind, ShapeColor? Color, int Count)
{
    /// <summary>Whether an object of this shape and colour is meant.</summary>
    public bool Admits(ShapeKind kind, ShapeColor color) => kind == Kind && (Color is null || Color == color);
}

/// <summary>What a caption promises; everything that it does not say is free.</summary>
/// <param name="Skill">The skill that this form of caption exercises.</param>
/// <param name="Objects">One or two noun phrases.</param>
/// <param name="Relation">Of the first to the second.</param>
/// <param name="Place">Of the only object.</param>
/// <param name="Background">The ground, if named.</param>
public sealed record SceneSpec(
    ShapeSkill Skill,
    IReadOnlyList<ObjectSpec> Objects,
    SceneRelation? Relation = null,
    ScenePlace? Place = null,
    SceneBackground? Background = null)
{
    /// <summary>How many objects there must be in all.</summary>
    public int Total => Objects.Sum(o => o.Count);
}
