using NextStep.Research.Reports;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Notebooks;

/// <summary>Tensors as pictures.</summary>
public static class Pictures
{
    private const int Comfortable = 192;

    /// <summary>One picture.</summary>
    /// <param name="pixels">[3, h, w], [1, h, w], [h, w] or a batch of one, in [−1, 1]; values outside are clamped.</param>
    /// <param name="enlarge">Each pixel becomes this many squared; 0: small pictures become about 192 pixels.</param>
    /// <exception cref="ArgumentException">Another shape.</exception>
    public static Picture AsPicture(this Tensor pixels, int enlarge = 0)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        using DisposeScope scope = NewDisposeScope();
        Tensor one = Colours(pixels);
        return one.size(0) == 1
            ? Encode(Enlarged(one, enlarge)[0])
            : throw new ArgumentException($"{one.size(0)} pictures are no single one; AsGrid() shows them side by side.", nameof(pixels));
    }

    /// <summary>Pictures side by side, row by row.</summary>
    /// <param name="pictures">[n, 3, h, w] or [n, 1, h, w] in [−1, 1].</param>
    /// <param name="columns">Per row; 0: up to eight.</param>
    /// <param name="captions">One for each, or null.</param>
    /// <param name="enlarge">As for <see cref="AsPicture"/>; 0: small pictures become about 96 pixels.</param>
    /// <exception cref="ArgumentException">Another shape, or captions that do not go with the pictures.</exception>
    public static Picture AsGrid(this Tensor pictures, int columns = 0, IReadOnlyList<string>? captions = null, int enlarge = 0)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        using DisposeScope scope = NewDisposeScope();
        Tensor all = Colours(pictures);
        int factor = enlarge > 0 ? enlarge : Math.Max(1, Comfortable / 2 / (int)Math.Max(all.size(2), all.size(3)));
        return Encode(ImageGrid.Make(all, columns > 0 ? columns : (int)Math.Min(8, all.size(0)), enlarge: factor, captions: captions));
    }

    /// <summary>A matrix in colours from dark (lowest) to bright (highest); what is not finite stays grey.</summary>
    /// <param name="values">[rows, columns].</param>
    /// <param name="lowest">Value of the dark end; null: the lowest that occurs.</param>
    /// <param name="highest">Value of the bright end; null: the highest that occurs.</param>
    /// <param name="enlarge">As for <see cref="AsPicture"/>.</param>
    public static Picture AsHeatMap(this Tensor values, double? lowest = null, double? highest = null, int enlarge = 0)
    {
        ArgumentNullException.ThrowIfNull(values);
        using DisposeScope scope = NewDisposeScope();
        return Encode(Enlarged(Heat(values, lowest, highest), enlarge)[0]);
    }

    /// <summary>One number for each token laid over the picture that the tokens became: dark is lowest, bright is highest.</summary>
    /// <param name="picture">[3, h, w] or [1, 3, h, w] in [−1, 1].</param>
    /// <param name="values">[rows, columns] of tokens in raster order, or [rows · columns] of a square; h and w are multiples of it.</param>
    /// <param name="strength">How much of the colour covers the picture, 0 to 1.</param>
    /// <param name="enlarge">As for <see cref="AsPicture"/>.</param>
    /// <exception cref="ArgumentException">The tokens do not divide the picture.</exception>
    public static Picture WithTokenMap(this Tensor picture, Tensor values, double strength = 0.6, int enlarge = 0)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentNullException.ThrowIfNull(values);
        ArgumentOutOfRangeException.ThrowIfLessThan(strength, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(strength, 1);
        using DisposeScope scope = NewDisposeScope();
        Tensor below = Colours(picture);
        Tensor heat = Heat(values, null, null);
        (long rows, long columns, long height, long width) = (heat.size(2), heat.size(3), below.size(2), below.size(3));
        if (below.size(0) != 1 || height % rows != 0 || width % columns != 0)
        {
            throw new ArgumentException($"{rows} by {columns} tokens do not divide {below.size(0)} picture(s) of {height} by {width} pixels.", nameof(values));
        }
        Tensor above = heat.repeat_interleave(height / rows, 2).repeat_interleave(width / columns, 3);
        return Encode(Enlarged(below.Times(1 - strength).Plus(above.Times(strength)), enlarge)[0]);
    }

    // [n, 3, h, w], float32 on the CPU.
    private static Tensor Colours(Tensor pixels)
    {
        Tensor batch = pixels.detach().to(ScalarType.Float32).cpu();
        batch = batch.dim() switch { 2 => batch.unsqueeze(0).unsqueeze(0), 3 => batch.unsqueeze(0), _ => batch };
        return batch.dim() == 4 && batch.size(1) is 1 or 3 && batch.numel() > 0
            ? batch.expand(-1, 3, -1, -1)
            : throw new ArgumentException($"[{string.Join(", ", pixels.shape)}] are no pictures: [n, 3, h, w], [3, h, w] or [h, w] are. AsHeatMap() shows a matrix.", nameof(pixels));
    }

    // [1, 3, rows, columns]
    private static Tensor Heat(Tensor values, double? lowest, double? highest)
    {
        Tensor matrix = values.detach().to(ScalarType.Float64).cpu();
        long side = (long)Math.Round(Math.Sqrt(matrix.numel()));
        matrix = matrix.dim() == 1 && side * side == matrix.numel() ? matrix.reshape(side, side) : matrix;
        if (matrix.dim() != 2 || matrix.numel() == 0)
        {
            throw new ArgumentException($"[{string.Join(", ", values.shape)}] is no matrix of numbers to colour.", nameof(values));
        }
        double[] all = matrix.contiguous().data<double>().ToArray();
        double[] finite = [.. all.Where(double.IsFinite)];
        double low = lowest ?? finite.DefaultIfEmpty(0).Min(), high = highest ?? finite.DefaultIfEmpty(1).Max();
        float[] colours = new float[3 * all.Length];
        for (int i = 0; i < all.Length; i++)
        {
            (byte r, byte g, byte b) = !double.IsFinite(all[i]) ? ((byte)128, (byte)128, (byte)128) : FigureStyle.Heat(high > low ? (all[i] - low) / (high - low) : 0.5);
            (colours[i], colours[all.Length + i], colours[(2 * all.Length) + i]) = ((r / 127.5f) - 1, (g / 127.5f) - 1, (b / 127.5f) - 1);
        }
        return tensor(colours, [1, 3, matrix.size(0), matrix.size(1)]);
    }

    private static Tensor Enlarged(Tensor pictures, int enlarge)
    {
        int factor = enlarge > 0 ? enlarge : Math.Max(1, Comfortable / (int)Math.Max(pictures.size(2), pictures.size(3)));
        return pictures.repeat_interleave(factor, 2).repeat_interleave(factor, 3);
    }

    private static Picture Encode(Tensor pixels) => new(ImageFile.EncodePng(pixels), (int)pixels.size(2), (int)pixels.size(1));
}
