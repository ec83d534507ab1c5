using TorchSharp;

namespace NextStep.Research;

/// <summary>Judgement of one edited picture.</summary>
/// <param name="Success">Exactly the objects of the expected scene, where they belong, on the expected ground.</param>
/// <param name="Reason">Why not; empty when successful.</param>
/// <param name="Preservation">PSNR in dB against the source outside <see cref="SceneEdit.Mask"/>; +∞ when nothing else changed, NaN when everything may change.</param>
internal sealed record EditVerification(bool Success, string Reason, double Preservation);

/// <summary>
/// Judges edits. Report success and preservation as a pair, beside the baseline that copies the source
/// (success 0, preservation ∞).
/// </summary>
internal static class EditVerifier
{
    private const double Tolerance = 0.10;
    private const double LeastMove = 0.08;

    /// <summary>Judges the result of an edit.</summary>
    /// <param name="result">[3, S, S] in [−1, 1].</param>
    /// <param name="edit">What was asked. An added object may stand anywhere; a moved one must have gone the right way.</param>
    public static EditVerification Verify(torch.Tensor result, SceneEdit edit)
    {
        ArgumentNullException.ThrowIfNull(result);
        ArgumentNullException.ThrowIfNull(edit);
        string reason = Reason(ShapeDetector.Detect(result), edit);
        return new EditVerification(reason.Length == 0, reason, Preservation(result, edit));
    }

    private static string Reason(SceneDetection found, SceneEdit edit)
    {
        if (found.Background != edit.After.Background)
        {
            return "wrong background";
        }
        if (found.Objects.Count != edit.After.Objects.Count)
        {
            return found.Objects.Count < edit.After.Objects.Count ? "missing object" : "extra object";
        }
        foreach (SceneObject expected in edit.After.Objects)
        {
            // Shape and colour together are unique in these scenes.
            ShapeDetection? match = found.Objects.FirstOrDefault(o => o.Kind == expected.Kind && o.Color == expected.Color);
            if (match is null)
            {
                return found.Objects.Any(o => o.Kind == expected.Kind) ? "wrong color" : found.Objects.Any(o => o.Kind is null) ? "unknown shape" : "wrong shape";
            }
            if (!StandsRight(match, expected, edit))
            {
                return "wrong place";
            }
        }
        return "";
    }

    private static bool StandsRight(ShapeDetection match, SceneObject expected, SceneEdit edit)
    {
        bool changed = !edit.Before.Objects.Contains(expected);
        if (changed && edit.Kind == EditKind.Add)
        {
            return true;
        }
        if (changed && edit.Kind == EditKind.Move)
        {
            SceneObject source = edit.Before.Objects.First(o => o.Kind == expected.Kind && o.Color == expected.Color);
            (_, int x, int y) = SceneEdits.Directions.First(d => edit.Instruction.EndsWith(" " + d.Word, StringComparison.Ordinal));
            double along = ((match.X - source.X) * x) + ((match.Y - source.Y) * y);
            double across = ((match.X - source.X) * y) + ((match.Y - source.Y) * x);
            return along >= LeastMove && Math.Abs(across) <= Tolerance;
        }
        double dx = match.X - expected.X;
        double dy = match.Y - expected.Y;
        return (dx * dx) + (dy * dy) <= Tolerance * Tolerance;
    }

    private static double Preservation(torch.Tensor result, SceneEdit edit)
    {
        int size = (int)result.size(-1);
        bool[] mask = edit.Mask(size);
        byte[] source = SignedDistanceRenderer.Bytes(edit.Before, size);
        using torch.Tensor bytes = ImageFile.ToBytes(result);
        byte[] planes = bytes.data<byte>().ToArray();
        double squares = 0;
        int count = 0;
        for (int i = 0; i < mask.Length; i++)
        {
            for (int c = 0; c < 3 && !mask[i]; c++)
            {
                double difference = (planes[(c * mask.Length) + i] - source[(3 * i) + c]) / 255.0;
                squares += difference * difference;
                count++;
            }
        }
        return -10 * Math.Log10(squares / count);
    }
}
