namespace NextStep.Research;

/// <summary>
/// GenEval's rule for relative positions (evaluate_images.py): the offset of the centres, shortened by a tenth of both
/// extents, must point within 60° of the axis. Objects of the world are as wide as high, so one extent serves both axes.
/// </summary>
internal static class PositionRule
{
    private const double Shortening = 0.1;

    /// <summary>Every relation that holds of a to b: a diagonal pair may satisfy two.</summary>
    public static bool Holds(SceneRelation relation, double offsetX, double offsetY, double extents)
    {
        double x = Shorten(offsetX, extents);
        double y = Shorten(offsetY, extents);
        double length = Math.Sqrt((x * x) + (y * y));
        return length > 0 && relation switch
        {
            SceneRelation.LeftOf => x / length < -0.5,
            SceneRelation.RightOf => x / length > 0.5,
            SceneRelation.Above => y / length < -0.5,
            _ => y / length > 0.5,
        };
    }

    /// <summary>The one relation of <paramref name="a"/> to <paramref name="b"/> within 29° of an axis, or null.</summary>
    public static SceneRelation? Of(SceneObject a, SceneObject b)
    {
        double x = a.X - b.X;
        double y = a.Y - b.Y;
        const double Tangent = 0.554;
        return Math.Abs(y) <= Tangent * Math.Abs(x) ? (x < 0 ? SceneRelation.LeftOf : SceneRelation.RightOf)
            : Math.Abs(x) <= Tangent * Math.Abs(y) ? (y < 0 ? SceneRelation.Above : SceneRelation.Below)
            : null;
    }

    private static double Shorten(double offset, double extents) => Math.Max(Math.Abs(offset) - (Shortening * extents), 0) * Math.Sign(offset);
}
