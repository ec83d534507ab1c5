using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// How much neighbouring pixels differ, segment by segment: |Δ| averaged over the channels and along the side of a P×P block, over the
/// mean of the 2P − 2 segments around it. Flat next to flat gives 1, one outline of the content is one segment, and all phases of the period
/// are treated alike. What repeats alike in every token's cell is taken out first (<see cref="LatticeDetector"/> counts that).
/// </summary>
/// <param name="X">Across columns, [n, rows, columns·P − 1]; borders at P − 1, 2P − 1, …</param>
/// <param name="Y">Across rows, [n, columns, rows·P − 1].</param>
internal sealed record BlockProfile(Tensor X, Tensor Y)
{
    // A quarter of a grey level.
    private const double Floor = 0.25 / 255;

    /// <summary>Of pictures [n, 3, H, W] with at least two blocks along each side; rests at the right and bottom are left out.</summary>
    public static BlockProfile Of(Tensor pictures, int period, int token)
    {
        using DisposeScope scope = NewDisposeScope();
        long rows = pictures.size(2) / period, columns = pictures.size(3) / period;
        Tensor across = SharedResponses.Of(pictures, $"differences/x/{token}", () => Differences(pictures, token));
        Tensor down = SharedResponses.Of(pictures, $"differences/y/{token}", () => Differences(pictures.transpose(2, 3), token));
        Tensor x = Relative(across, period, rows, columns), y = Relative(down, period, columns, rows);
        return new BlockProfile(x.MoveToOuterDisposeScope(), y.MoveToOuterDisposeScope());
    }

    // [n, H, W − 1].
    private static Tensor Differences(Tensor pictures, int token)
    {
        using DisposeScope scope = NewDisposeScope();
        long width = pictures.size(3);
        return CoherentPart.Remove(pictures.narrow(3, 1, width - 1) - pictures.narrow(3, 0, width - 1), token).abs_().mean([1]).MoveToOuterDisposeScope();
    }

    private static Tensor Relative(Tensor differences, int period, long rows, long columns)
    {
        using DisposeScope scope = NewDisposeScope();
        long length = (columns * period) - 1;
        Tensor segments = differences.narrow(1, 0, rows * period).narrow(2, 0, length).reshape(differences.size(0), rows, period, length).mean([2]);
        Tensor padded = nn.functional.pad(segments, [period - 1, period - 1], PaddingModes.Reflect);
        Tensor around = (nn.functional.avg_pool1d(padded, (2 * period) - 1, 1).Times((2 * period) - 1) - segments).Over((2 * period) - 2);
        return (segments.Plus(Floor) / around.Plus(Floor)).MoveToOuterDisposeScope();
    }
}
