using TorchSharp;

namespace NextStep.Research;

/// <summary>
/// Antialiased resampling as two matrix products, one per axis, with the weights of <see cref="LanczosTaps"/>.
/// </summary>
public static class Resize
{
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
        torch.Tensor vertical = torch.tensor(LanczosTaps.Of(fromHeight, height).Matrix(fromHeight), [height, fromHeight]).to(pixels);
        torch.Tensor horizontal = torch.tensor(LanczosTaps.Of(fromWidth, width).Matrix(fromWidth), [width, fromWidth]).to(pixels);
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
}
