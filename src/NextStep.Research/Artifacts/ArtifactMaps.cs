using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Maps of artifacts: by token, and as pictures.</summary>
public static class ArtifactMaps
{
    // Black, violet, red, orange, pale yellow at equal steps: rising brightness, told apart without colour too.
    private static readonly float[][] Colours = [[0, 0, 0], [0.34f, 0.06f, 0.43f], [0.73f, 0.21f, 0.33f], [0.98f, 0.56f, 0.04f], [0.99f, 1, 0.64f]];

    /// <summary>Values per block [n, rows, columns] to pixels [n, height, width]; what is left at the right and bottom takes the last block's value.</summary>
    internal static Tensor Spread(Tensor blocks, int side, long height, long width)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor Index(long pixels, long count) => Scalars.Range(pixels, int64).Over(side).floor().to_type(int64).clamp_max(Scalars.Of(count - 1));
        return blocks.to_type(float32).index_select(1, Index(height, blocks.size(1))).index_select(2, Index(width, blocks.size(2))).MoveToOuterDisposeScope();
    }

    /// <summary>A map's mean over the pictures and over each token's pixels, in raster order.</summary>
    /// <param name="map">[n, H, W].</param>
    /// <param name="token">Pixels per token and side.</param>
    public static double[] ByToken(Tensor map, int token)
    {
        ArgumentNullException.ThrowIfNull(map);
        using DisposeScope scope = NewDisposeScope();
        Tensor cells = nn.functional.avg_pool2d(map.mean([0]).unsqueeze(0).unsqueeze(0), token);
        return [.. cells.flatten().to_type(float64).data<double>()];
    }

    /// <summary>Maps as pictures, [n, H, W] to [n, 3, H, W] in [−1, 1]: black at <paramref name="low"/>, pale yellow at <paramref name="high"/> and above.</summary>
    public static Tensor Colored(Tensor map, double low, double high)
    {
        ArgumentNullException.ThrowIfNull(map);
        using DisposeScope scope = NewDisposeScope();
        Tensor place = map.Minus(low).Over(high - low).clamp(Scalars.Of(0), Scalars.Of(1)).Times(Colours.Length - 1);
        Tensor below = place.floor().clamp_max(Scalars.Of(Colours.Length - 2)).to_type(int64), share = (place - below).unsqueeze(1);
        Tensor table = tensor([.. Colours.SelectMany(c => c)], [Colours.Length, 3]);
        Tensor Look(Tensor index) => table.index_select(0, index.flatten()).reshape([.. map.shape, 3]).permute(0, 3, 1, 2);
        return (Look(below) * share.neg().Plus(1)).Plus(Look(below.Plus(1)) * share).Times(2).Minus(1).MoveToOuterDisposeScope();
    }
}
