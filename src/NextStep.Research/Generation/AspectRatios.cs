namespace NextStep.Research;

/// <summary>The shapes of picture that the released models were trained on (spec §5.5).</summary>
internal static class AspectRatios
{
    private const int BaseSide = 256;
    private const int BasePixelsPerToken = 16;

    // Height and width in tokens at 256²; about 256 tokens each.
    private static readonly (int Height, int Width)[] Buckets =
    [
        (8, 32), (9, 28), (10, 25), (11, 23), (12, 21), (13, 19), (14, 18), (15, 17), (16, 16),
        (17, 15), (18, 14), (19, 13), (21, 12), (23, 11), (25, 10), (28, 9), (32, 8),
    ];

    /// <summary>Height and width in pixels of the bucket that is nearest in height/width, scaled to the area of <paramref name="side"/>².</summary>
    /// <param name="heightOverWidth">Wanted ratio, positive.</param>
    /// <param name="side">Side of the square picture of the same area: 256, 512 for the released models.</param>
    /// <param name="pixelsPerToken">Both sides become multiples of it (released: 16).</param>
    public static (int Height, int Width) Nearest(double heightOverWidth, int side, int pixelsPerToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(heightOverWidth);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(side);
        (int height, int width) = Buckets.MinBy(b => Math.Abs(heightOverWidth - ((double)b.Height / b.Width)));
        return (Pixels(height), Pixels(width));

        int Pixels(int tokens)
        {
            double pixels = (double)tokens * BasePixelsPerToken * side / BaseSide;
            return Math.Max(1, (int)Math.Round(pixels / pixelsPerToken, MidpointRounding.AwayFromZero)) * pixelsPerToken;
        }
    }
}
