using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The fixed 2-D sine-cosine table behind <c>gen_pos_embed</c> (spec §1.4).</summary>
internal static class PositionTable
{
    /// <summary>
    /// [grid², width] float32: the first half of the features encodes the column, the second the row; each half is
    /// [sin(pos·ω), cos(pos·ω)], ω_i = 10000^(−i/(width/4)), computed in float64.
    /// </summary>
    public static Tensor SineCosine(int width, int grid)
    {
        if (width % 4 != 0)
        {
            throw new ArgumentException($"The position table needs a width that is a multiple of 4, not {width}.", nameof(width));
        }
        using DisposeScope scope = NewDisposeScope();
        int quarter = width / 4;
        Tensor omega = pow(10000.0, Scalars.Range(quarter, dtype: ScalarType.Float64).Over((double)quarter)).reciprocal();
        Tensor cells = Scalars.Range(grid, dtype: ScalarType.Float64);
        Tensor angles = cells.unsqueeze(1) * omega; // [grid, quarter]
        Tensor half = cat([angles.sin(), angles.cos()], 1); // [grid, width/2]
        Tensor columns = half.repeat(grid, 1), rows = half.repeat_interleave(grid, 0);
        return cat([columns, rows], 1).to_type(ScalarType.Float32).MoveToOuterDisposeScope();
    }
}
