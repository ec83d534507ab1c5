using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The part of a filter response that repeats with a period: what a lattice adds, the same in every cell. The other detectors take it
/// out, so that a lattice is counted once, by <see cref="LatticeDetector"/>, and not as noise or as block edges too.
/// </summary>
internal static class CoherentPart
{
    private const int FewestRepeats = 3;

    /// <summary>
    /// <paramref name="response"/> [n, c, h, w] less, at every phase of the period, its median over the cells of the picture, which pictures'
    /// contents hardly move. Independent values lose 1 % of their spread with 16 cells. Unchanged where fewer than three cells fit along a side.
    /// </summary>
    public static Tensor Remove(Tensor response, int period)
    {
        (long h, long w) = (response.size(2), response.size(3));
        (long rows, long columns) = (h / period, w / period);
        if (Math.Min(rows, columns) < FewestRepeats)
        {
            return response.alias();
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor tile = Medians.OfPhases(response, period);
        Tensor all = tile.repeat(1, 1, rows + 1, columns + 1).narrow(2, 0, h).narrow(3, 0, w);
        return (response - all).MoveToOuterDisposeScope();
    }
}
