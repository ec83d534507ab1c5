using TorchSharp;

namespace NextStep.Research;

/// <summary>Judgement of one picture against its caption.</summary>
/// <param name="Strict">The picture shows what the caption says and nothing else.</param>
/// <param name="GenEvalRule">As GenEval counts it: further objects are allowed, except when counting.</param>
/// <param name="Skill">What the caption exercises, as <c>data.skills</c> names it.</param>
/// <param name="Reason">Why <paramref name="Strict"/> is false, one of the words of <see cref="ShapesVerifier.Reasons"/>; empty when true.</param>
/// <param name="Found">What was seen.</param>
public sealed record VerificationResult(bool Strict, bool GenEvalRule, string Skill, string Reason, SceneDetection Found);

/// <summary>
/// Judges pictures of the shapes world exactly. Its errors are one-sided: degraded pictures are missed, wrong ones hardly ever
/// accepted, so a score is a lower bound. Print its ceiling on renders (<see cref="Alignment.Ceiling"/>) beside every score.
/// </summary>
public static class ShapesVerifier
{
    private const double MostBackgroundDistance = 0.35;

    /// <summary>Every value of <see cref="VerificationResult.Reason"/>.</summary>
    public static IReadOnlyList<string> Reasons { get; } =
        ["nothing found", "unknown background", "unknown shape", "missing object", "extra object", "wrong shape", "wrong color", "wrong relation", "wrong place", "wrong background"];

    /// <summary>Judges a picture.</summary>
    /// <param name="pixels">[3, S, S] in [−1, 1].</param>
    /// <param name="caption">A caption of <see cref="CaptionGrammar"/>.</param>
    /// <exception cref="FormatException">The caption is not of the grammar.</exception>
    public static VerificationResult Verify(torch.Tensor pixels, string caption) => Verify(ShapeDetector.Detect(pixels), CaptionGrammar.Parse(caption));

    /// <summary>Judges what was found in a picture.</summary>
    public static VerificationResult Verify(SceneDetection found, SceneSpec spec)
    {
        ArgumentNullException.ThrowIfNull(found);
        ArgumentNullException.ThrowIfNull(spec);
        string reason = Reason(found, spec);
        bool known = found.BackgroundDistance <= MostBackgroundDistance;
        return new VerificationResult(reason.Length == 0, reason.Length == 0 || (known && IsEnough(found, spec)), ShapesSource.NameOf(spec.Skill), reason, found);
    }

    private static string Reason(SceneDetection found, SceneSpec spec)
    {
        IReadOnlyList<ShapeDetection> objects = found.Objects;
        if (found.BackgroundDistance > MostBackgroundDistance)
        {
            return "unknown background";
        }
        if (objects.Count == 0)
        {
            return "nothing found";
        }
        if (spec.Background is { } ground && ground != found.Background)
        {
            return "wrong background";
        }
        if (objects.Count != spec.Total)
        {
            return objects.Count < spec.Total ? "missing object" : "extra object";
        }
        if (objects.Any(o => o.Kind is null))
        {
            return "unknown shape";
        }
        ShapeDetection[][] assignments = [.. Assignments(objects, spec)];
        if (assignments.Length == 0)
        {
            SceneSpec colorless = spec with { Objects = [.. spec.Objects.Select(o => o with { Color = null })] };
            return Assignments(objects, colorless).Any() ? "wrong color" : "wrong shape";
        }
        return assignments.Any(a => IsPlaced(a, spec)) ? "" : spec.Place is null ? "wrong relation" : "wrong place";
    }

    /// <summary>Each noun phrase has enough objects, and some choice of them stands right.</summary>
    private static bool IsEnough(SceneDetection found, SceneSpec spec)
    {
        if (spec.Background is { } ground && ground != found.Background)
        {
            return false;
        }
        if (spec.Skill == ShapeSkill.Counting)
        {
            return found.Objects.Count(o => Admits(spec.Objects[0], o)) == spec.Objects[0].Count;
        }
        return spec.Objects.Count == 1
            ? found.Objects.Any(o => Admits(spec.Objects[0], o) && IsPlaced([o], spec))
            : found.Objects.Any(a => Admits(spec.Objects[0], a) && found.Objects.Any(b => b != a && Admits(spec.Objects[1], b) && IsPlaced([a, b], spec)));
    }

    /// <summary>Ways to give every found object to a noun phrase; the first of each phrase in order.</summary>
    private static IEnumerable<ShapeDetection[]> Assignments(IReadOnlyList<ShapeDetection> objects, SceneSpec spec)
    {
        if (spec.Objects.Count == 1)
        {
            return objects.All(o => Admits(spec.Objects[0], o)) ? [[.. objects]] : [];
        }
        ShapeDetection[][] orders = [[objects[0], objects[1]], [objects[1], objects[0]]];
        return orders.Where(o => Admits(spec.Objects[0], o[0]) && Admits(spec.Objects[1], o[1]));
    }

    private static bool Admits(ObjectSpec spec, ShapeDetection found) => found.Kind is { } kind && spec.Admits(kind, found.Color);

    private static bool IsPlaced(ShapeDetection[] objects, SceneSpec spec) =>
        (spec.Place is not { } place || ScenePlace.At(objects[0].X, objects[0].Y) == place)
        && (spec.Relation is not { } relation
            || PositionRule.Holds(relation, objects[0].X - objects[1].X, objects[0].Y - objects[1].Y, 2 * (objects[0].Radius + objects[1].Radius)));
}
