using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Encodes and decodes large pictures in tiles. What couples distant pixels is not cut: attention runs at the lowest resolution over
/// the whole picture, and group norms take their statistics from all tiles, so every tile is computed by one and the same function;
/// margins as wide as the convolutions reach hide the cuts.
/// </summary>
internal static class Tiling
{
    /// <summary>Sweeps that only collect statistics. Every sweep makes one more norm exact and the rest nearly so.</summary>
    private const int Sweeps = 3;

    /// <summary>Runs <paramref name="part"/>, a stack of convolutions and group norms, tile by tile.</summary>
    /// <param name="input">[n, c, h, w].</param>
    /// <param name="size">Side of a tile in input pixels.</param>
    /// <param name="margin">How far an output pixel sees, in input pixels.</param>
    /// <param name="alignment">Tiles and margins are multiples of this.</param>
    /// <param name="part">[n, c, h, w] to [n, c', h·s, w·s], s ≥ 1/alignment.</param>
    public static Tensor Run(Tensor input, long size, long margin, long alignment, Func<Tensor, Tensor> part)
    {
        using DisposeScope scope = NewDisposeScope();
        (size, margin) = (Aligned(size, alignment), Aligned(margin, alignment));
        TileSpan[] rows = [.. TileSpan.Cut(input.size(2), size, margin)], columns = [.. TileSpan.Cut(input.size(3), size, margin)];
        using GroupStatistics statistics = new();
        GroupStatistics.Use(statistics);
        try
        {
            for (int sweep = 0; sweep < Sweeps; sweep++)
            {
                foreach (TileSpan row in rows)
                {
                    Strip(row).Dispose();
                }
                statistics.Settle();
            }
            Tensor[] strips = [.. rows.Select(Strip)];
            return cat(strips, 2).MoveToOuterDisposeScope();
        }
        finally
        {
            GroupStatistics.Use(null);
        }

        Tensor Strip(TileSpan row)
        {
            using DisposeScope inner = NewDisposeScope();
            List<Tensor> kept = [];
            foreach (TileSpan column in columns)
            {
                using DisposeScope one = NewDisposeScope();
                statistics.Tile = new Tile(row, column);
                Tensor tile = input.narrow(2, row.OuterFrom, row.OuterTo - row.OuterFrom).narrow(3, column.OuterFrom, column.OuterTo - column.OuterFrom);
                kept.Add(statistics.Tile.Keep(part(tile.contiguous())).contiguous().MoveToOuterDisposeScope());
            }
            return cat(kept, 3).MoveToOuterDisposeScope();
        }
    }

    private static long Aligned(long value, long alignment) => (value + alignment - 1) / alignment * alignment;
}
