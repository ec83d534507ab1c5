using TorchSharp;

namespace NextStep.Research;

/// <summary>
/// Antialiased resampling as two matrix products, one per axis: Lanczos-3, widened by the reduction factor, so that
/// shrinking does not alias. Follows the definition used by Pillow; borders renormalise.
/// </summary>
public static class Resize
{
    private const double Lobes = 3;

    /// <summary>Resamples [..., H, W] to [..., <paramref name="height"/>, <paramref name="width"/>]; values may overshoot slightly and are clamped to [−1, 1].</summary>
    public static torch.Tensor To(torch.Tensor pixels, int height, int width)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        int fromHeight = (int)pixels.size(-2);
        int fromWidth = (int)pixels.size(-1);
        if (fromHeight == height && fromWidth == width)
        {
            return pixels.clone();
        }
        using var scope = torch.NewDisposeScope();
        torch.Tensor vertical = torch.tensor(Weights(fromHeight, height), [height, fromHeight]).to(pixels);
        torch.Tensor horizontal = torch.tensor(Weights(fromWidth, width), [width, fromWidth]).to(pixels);
        return torch.matmul(torch.matmul(vertical, pixels), horizontal.transpose(0, 1)).clamp_(Scalars.Of(-1), Scalars.Of(1)).MoveToOuterDisposeScope();
    }

    /// <summary>The largest centred square of [3, H, W], resampled to [3, <paramref name="size"/>, <paramref name="size"/>].</summary>
    public static torch.Tensor SquareResize(torch.Tensor pixels, int size)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        long height = pixels.size(-2);
        long width = pixels.size(-1);
        long side = Math.Min(height, width);
        using torch.Tensor rows = pixels.narrow(-2, (height - side) / 2, side);
        using torch.Tensor square = rows.narrow(-1, (width - side) / 2, side);
        return To(square, size, size);
    }

    private static float[] Weights(int from, int to)
    {
        double scale = (double)from / to;
        double stretch = Math.Max(scale, 1);
        float[] weights = new float[from * to];
        double[] row = new double[from];
        for (int o = 0; o < to; o++)
        {
            double centre = (o + 0.5) * scale;
            int first = Math.Max(0, (int)Math.Floor(centre - (Lobes * stretch)));
            int last = Math.Min(from - 1, (int)Math.Ceiling(centre + (Lobes * stretch)));
            double sum = 0;
            for (int i = first; i <= last; i++)
            {
                row[i] = Lanczos((i + 0.5 - centre) / stretch);
                sum += row[i];
            }
            for (int i = first; i <= last; i++)
            {
                weights[(o * from) + i] = (float)(row[i] / sum);
            }
        }
        return weights;
    }

    private static double Lanczos(double x)
    {
        if (Math.Abs(x) < 1e-9)
        {
            return 1;
        }
        double p = Math.PI * x;
        return Math.Abs(x) >= Lobes ? 0 : Lobes * Math.Sin(p) * Math.Sin(p / Lobes) / (p * p);
    }
}
