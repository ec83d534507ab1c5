using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Latents to tokens and back (spec §1.1): tokens in raster order over patches, features channel slowest, then row, then column:
/// <c>n c (h p) (w q) -> n (h w) (c p q)</c>.
/// </summary>
public static class PatchOrder
{
    /// <summary>[n, C, h·p, w·p] to [n, h·w, C·p²].</summary>
    public static Tensor Patchify(Tensor latents, int patch)
    {
        using DisposeScope scope = NewDisposeScope();
        (long n, long c, long height, long width) = (latents.size(0), latents.size(1), latents.size(2), latents.size(3));
        if (height % patch != 0 || width % patch != 0)
        {
            throw new ArgumentException($"A {height}×{width} latent cannot be cut into {patch}×{patch} patches.", nameof(latents));
        }
        return latents.reshape([n, c, height / patch, patch, width / patch, patch]).permute(0, 2, 4, 1, 3, 5)
            .reshape(n, height / patch * (width / patch), c * patch * patch).MoveToOuterDisposeScope();
    }

    /// <summary>[n, h·w, C·p²] to [n, C, h·p, w·p]; the grid is always given, never guessed to be square.</summary>
    public static Tensor Unpatchify(Tensor tokens, int patch, long rows, long columns)
    {
        using DisposeScope scope = NewDisposeScope();
        (long n, long count, long width) = (tokens.size(0), tokens.size(1), tokens.size(2));
        if (count != rows * columns)
        {
            throw new ArgumentException($"{count} tokens do not fill a grid of {rows} rows and {columns} columns.", nameof(tokens));
        }
        long c = width / (patch * patch);
        return tokens.reshape([n, rows, columns, c, patch, patch]).permute(0, 3, 1, 4, 2, 5)
            .reshape(n, c, rows * patch, columns * patch).MoveToOuterDisposeScope();
    }
}
