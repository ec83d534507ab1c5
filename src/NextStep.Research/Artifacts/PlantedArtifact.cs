using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Artifacts that can be put into clean pictures, after the failures that the paper shows (§6.3).</summary>
public enum PlantedArtifact
{
    /// <summary>An offset of its own for every token's cell and channel.</summary>
    BlockOffsets,

    /// <summary>A checkerboard of single pixels, the same everywhere: what strided decoders leave.</summary>
    Checkerboard,

    /// <summary>Dark lines along every token's border pixel, the same everywhere: a faint regular grid.</summary>
    GridLines,

    /// <summary>Gaussian noise in the last quarter of the token rows.</summary>
    LocalNoise,

    /// <summary>Gaussian noise everywhere.</summary>
    GlobalNoise,

    /// <summary>The last two fifths of the picture, to the next token row, in their mean colour.</summary>
    FlatRegion,
}

/// <summary>Plants artifacts.</summary>
public static class Planting
{
    /// <summary>
    /// A copy of the pictures with an artifact in it, clamped and rounded to 8 bits. All but the flat region change the picture by the same
    /// root mean square before clamping.
    /// </summary>
    /// <param name="pixels">[n, 3, H, W] in [−1, 1].</param>
    /// <param name="artifact">Which.</param>
    /// <param name="grid">The cells.</param>
    /// <param name="strength">Root mean square of the change over the whole picture, 1 = black to white.</param>
    /// <param name="seed">Of the draws.</param>
    public static Tensor Apply(Tensor pixels, PlantedArtifact artifact, TokenGrid grid, double strength, long seed)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        ArgumentNullException.ThrowIfNull(grid);
        using DisposeScope scope = NewDisposeScope();
        using NoiseSource noise = new DrawnNoise(seed, $"artifacts.plant/{artifact}");
        Tensor clean = ImageFile.ToBytes(pixels).to_type(float32).OverInPlace(255);
        Tensor planted = artifact == PlantedArtifact.FlatRegion ? Flattened(clean, grid.Token) : clean.Plus(Change(clean.shape, artifact, grid.Token, noise).Times((float)strength));
        return planted.clamp(Scalars.Of(0), Scalars.Of(1)).Times(255).round().Over(127.5f).Minus(1).MoveToOuterDisposeScope();
    }

    // Root mean square 1 over the picture.
    private static Tensor Change(long[] shape, PlantedArtifact artifact, int token, NoiseSource noise)
    {
        (long n, long h, long w) = (shape[0], shape[2], shape[3]);
        Tensor rows = Scalars.Range(h, int64).view(1, 1, h, 1), columns = Scalars.Range(w, int64).view(1, 1, 1, w);
        switch (artifact)
        {
            case PlantedArtifact.BlockOffsets:
                Tensor offsets = noise.Normal(n, 3, (h + token - 1) / token, (w + token - 1) / token);
                return offsets.repeat_interleave(token, 2).repeat_interleave(token, 3).narrow(2, 0, h).narrow(3, 0, w);
            case PlantedArtifact.Checkerboard:
                return rows.Plus(columns).remainder(Scalars.Of(2)).Times(2).Minus(1).to_type(float32).expand(shape);
            case PlantedArtifact.GridLines:
                Tensor lines = rows.remainder(Scalars.Of(token)).eq(Scalars.Of(0)).logical_or(columns.remainder(Scalars.Of(token)).eq(Scalars.Of(0))).to_type(float32);
                Tensor centred = lines.mean() - lines;
                return (centred / centred.Squared().mean().sqrt()).expand(shape);
            case PlantedArtifact.LocalNoise:
                Tensor below = rows.ge(Scalars.Of(Start(h, token, 0.75))).to_type(float32);
                return noise.Normal(shape) * below / below.mean().sqrt();
            case PlantedArtifact.GlobalNoise:
                return noise.Normal(shape);
            default:
                throw new ArgumentOutOfRangeException(nameof(artifact), artifact, "This artifact has no strength.");
        }
    }

    private static Tensor Flattened(Tensor clean, int token)
    {
        Tensor flat = clean.clone();
        long start = Start(clean.size(2), token, 0.6), count = clean.size(2) - start;
        Tensor region = flat.narrow(2, start, count);
        region.copy_(region.mean([2, 3], keepdim: true).expand(region.shape));
        return flat;
    }

    // The token row at a share of the height, but never below the last one.
    private static long Start(long height, int token, double share) => Math.Min((long)Math.Round(height * share / token) * token, Math.Max(0, height - token));
}
