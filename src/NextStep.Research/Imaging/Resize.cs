using System.Runtime.InteropServices;
using TorchSharp;

namespace NextStep.Research;

/// <summary>
/// Antialiased Lanczos-3 resampling of pixels that are already numbers (<see cref="Resampling"/>), without rounding.
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
        torch.Tensor source = pixels.detach().to(torch.float32).cpu().contiguous();
        torch.Tensor target = torch.empty([.. pixels.shape[..^2], height, width], torch.float32);
        Resampling.Planes(MemoryMarshal.Cast<byte, float>(source.bytes), fromHeight, fromWidth, MemoryMarshal.Cast<byte, float>(target.bytes), height, width);
        return target.clamp_(Scalars.Of(-1), Scalars.Of(1)).to(pixels.dtype, pixels.device).MoveToOuterDisposeScope();
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
