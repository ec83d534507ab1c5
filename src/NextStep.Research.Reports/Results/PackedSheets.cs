using NextStep.Research.Experiments;
using TorchSharp;

namespace NextStep.Research.Reports;

/// <summary>Where the pictures of packed sheets stand; all sheets of a role have the same layout.</summary>
/// <param name="Count">Pictures on a sheet: the first ones of the prompts.</param>
/// <param name="Columns">Per row.</param>
/// <param name="TileWidth">Pixels of a picture.</param>
/// <param name="TileHeight">Pixels of a picture.</param>
internal sealed record SheetLayout(int Count, int Columns, int TileWidth, int TileHeight)
{
    /// <summary>Grey pixels between pictures.</summary>
    public const int Gap = 1;

    public int Rows => (Count + Columns - 1) / Columns;
}

/// <summary>
/// Makes sheets of samples small enough for the page: whole-pixel enlargement taken back (the page enlarges by itself), and,
/// where the run has too many cells for the room, only the first prompts.
/// </summary>
internal static class PackedSheets
{
    private const int LargestEnlargement = 16;
    private const float Grey = 0;

    /// <summary>The layout of a sheet for <paramref name="prompts"/> prompts, or null where it is not one of ours.</summary>
    /// <exception cref="InvalidDataException">It cannot be decoded.</exception>
    public static SheetLayout? LayoutOf(Picture sheet, int prompts)
    {
        if (prompts == 0)
        {
            return null;
        }

        (int columns, int rows) = Grid(prompts);
        int width = (sheet.Width / columns) - (2 * SampleSheet.Padding), height = (sheet.Height / rows) - (2 * SampleSheet.Padding);
        if (sheet.Width % columns != 0 || sheet.Height % rows != 0 || width < 1 || height < 1)
        {
            return null;
        }

        using torch.Tensor tiles = Tiles(sheet, prompts, columns, rows);
        int enlarged = Enumerable.Range(1, LargestEnlargement).Reverse().First(e => width % e == 0 && height % e == 0 && IsEnlarged(tiles, e));
        return new SheetLayout(prompts, columns, width / enlarged, height / enlarged);
    }

    /// <summary>Whether a sheet for <paramref name="prompts"/> prompts can be brought into <paramref name="layout"/>: its tiles are a whole multiple.</summary>
    public static bool Fits(Picture sheet, int prompts, SheetLayout layout)
    {
        (int columns, int rows) = Grid(prompts);
        int width = (sheet.Width / columns) - (2 * SampleSheet.Padding), height = (sheet.Height / rows) - (2 * SampleSheet.Padding), step = width / layout.TileWidth;
        return sheet.Width % columns == 0 && sheet.Height % rows == 0 && step >= 1 && width == step * layout.TileWidth && height == step * layout.TileHeight;
    }

    /// <summary>The sheet in <paramref name="layout"/>; null where it does not fit.</summary>
    /// <exception cref="InvalidDataException">It cannot be decoded.</exception>
    public static Picture? Pack(Picture sheet, int prompts, SheetLayout layout)
    {
        if (!Fits(sheet, prompts, layout))
        {
            return null;
        }

        (int columns, int rows) = Grid(prompts);
        int step = ((sheet.Width / columns) - (2 * SampleSheet.Padding)) / layout.TileWidth;
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor tiles = Tiles(sheet, prompts, columns, rows)[.., .., (step / 2).., (step / 2)..][.., .., torch.TensorIndex.Slice(step: step), torch.TensorIndex.Slice(step: step)];
        int packedWidth = (layout.Columns * (layout.TileWidth + SheetLayout.Gap)) - SheetLayout.Gap, packedHeight = (layout.Rows * (layout.TileHeight + SheetLayout.Gap)) - SheetLayout.Gap;
        torch.Tensor packed = torch.full([3, packedHeight, packedWidth], Scalars.Of(Grey), torch.float32);
        for (int i = 0; i < layout.Count; i++)
        {
            packed.narrow(1, i / layout.Columns * (layout.TileHeight + SheetLayout.Gap), layout.TileHeight)
                .narrow(2, i % layout.Columns * (layout.TileWidth + SheetLayout.Gap), layout.TileWidth).copy_(tiles[i]);
        }

        return new Picture(ImageFile.EncodePng(packed), packedWidth, packedHeight);
    }

    private static (int Columns, int Rows) Grid(int prompts) => (SampleSheet.Columns(prompts), (prompts + SampleSheet.Columns(prompts) - 1) / SampleSheet.Columns(prompts));

    /// <summary>[prompts, 3, height, width] without padding.</summary>
    private static torch.Tensor Tiles(Picture sheet, int prompts, int columns, int rows)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        int height = sheet.Height / rows, width = sheet.Width / columns;
        return ImageFile.Decode(sheet.Bytes, "samples").reshape(3, rows, height, columns, width).permute(1, 3, 0, 2, 4).reshape(rows * columns, 3, height, width)
            .narrow(0, 0, prompts).narrow(2, SampleSheet.Padding, height - (2 * SampleSheet.Padding)).narrow(3, SampleSheet.Padding, width - (2 * SampleSheet.Padding))
            .contiguous().MoveToOuterDisposeScope();
    }

    private static bool IsEnlarged(torch.Tensor tiles, int factor)
    {
        if (factor == 1)
        {
            return true;
        }

        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor blocks = tiles.reshape(tiles.size(0), 3, tiles.size(2) / factor, factor, tiles.size(3) / factor, factor);
        return blocks.eq(blocks.narrow(3, 0, 1).narrow(5, 0, 1)).all().item<bool>();
    }
}
