using TorchSharp;

namespace NextStep.Research;

/// <summary>How edits came out.</summary>
/// <param name="Success">Edits whose result shows exactly what was asked.</param>
/// <param name="Preservation">Median PSNR in dB outside what may change, over the edits where something must not change; NaN when there are none.</param>
/// <param name="ByKind">Successes of each kind that occurred, in the order of the enumeration.</param>
/// <param name="Reasons">How often each reason of failure occurred.</param>
/// <param name="Succeeded">Edit by edit.</param>
internal sealed record EditReport(
    Proportion Success, double Preservation, IReadOnlyDictionary<EditKind, Proportion> ByKind, IReadOnlyDictionary<string, int> Reasons, IReadOnlyList<bool> Succeeded);

/// <summary>Edits of the shapes world judged together, by <see cref="EditVerifier"/>. Report it beside a copy of the source, which succeeds never and preserves all.</summary>
internal static class EditAlignment
{
    /// <summary>Judges results.</summary>
    /// <param name="pixels">[n, 3, S, S] in [−1, 1].</param>
    /// <param name="edits">What was asked, one per picture.</param>
    public static EditReport Measure(torch.Tensor pixels, IReadOnlyList<SceneEdit> edits)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        ArgumentNullException.ThrowIfNull(edits);
        if (edits.Count == 0 || pixels.dim() != 4 || pixels.size(0) != edits.Count)
        {
            throw new ArgumentException($"{edits.Count} edits do not go with pictures [{string.Join(", ", pixels.shape)}].", nameof(edits));
        }
        EditVerification[] results = new EditVerification[edits.Count];
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor local = pixels.detach().cpu();
        for (int i = 0; i < results.Length; i++)
        {
            using torch.Tensor one = local.select(0, i);
            results[i] = EditVerifier.Verify(one, edits[i]);
        }
        double[] preserved = [.. results.Select(r => r.Preservation).Where(p => !double.IsNaN(p)).Order()];
        return new EditReport(
            Of(results),
            preserved.Length == 0 ? double.NaN : (preserved[(preserved.Length - 1) / 2] + preserved[preserved.Length / 2]) / 2,
            results.Zip(edits).GroupBy(r => r.Second.Kind).OrderBy(g => g.Key).ToDictionary(g => g.Key, g => Of([.. g.Select(r => r.First)])),
            results.Where(r => !r.Success).GroupBy(r => r.Reason).ToDictionary(g => g.Key, g => g.Count()),
            [.. results.Select(r => r.Success)]);
    }

    private static Proportion Of(EditVerification[] results) => new(results.Count(r => r.Success), results.Length);
}
