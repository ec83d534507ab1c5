using TorchSharp;

namespace NextStep.Research;

/// <summary>
/// Pictures with the statistics of photographs and nothing to download: the dead leaves model (Lee, Mumford and Huang 2001), discs that
/// hide each other with radii of density r⁻³, here with a slope of brightness and smooth texture on every disc, so that nothing is flat.
/// What <c>nextstep artifacts --selectivity</c> plants artifacts in. Plain C#: the same on every platform.
/// </summary>
public static class DeadLeaves
{
    private static readonly (int Period, double Amplitude)[] Octaves = [(16, 0.05), (8, 0.035), (4, 0.02)];

    /// <summary>float32 [count, 3, size, size] in [−1, 1]; the caller disposes.</summary>
    public static torch.Tensor Draw(int count, int size, long seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        float[] values = new float[count * 3 * size * size];
        Parallel.For(0, count, i => Paint(values.AsSpan(i * 3 * size * size, 3 * size * size), size, Streams.Managed(seed, "artifacts.deadLeaves", i)));
        return torch.tensor(values, [count, 3, size, size]);
    }

    private static void Paint(Span<float> planes, int size, SplitMix64 random)
    {
        int plane = size * size;
        double smallest = 4, largest = 2 * size;
        double[] texture = Texture(size, random);
        int discs = Math.Max(200, plane / 4);
        for (int d = 0; d < discs; d++)
        {
            // Inverse of the cumulative density of r⁻³ between both ends.
            double u = random.NextDouble(), low = 1 / (smallest * smallest), high = 1 / (largest * largest);
            double radius = 1 / Math.Sqrt(low - (u * (low - high)));
            double centreX = random.NextDouble(-radius, size + radius), centreY = random.NextDouble(-radius, size + radius);
            double[] color = [random.NextDouble(0.15, 0.85), random.NextDouble(0.15, 0.85), random.NextDouble(0.15, 0.85)];
            double angle = random.NextDouble(0, 2 * Math.PI), slope = random.NextDouble(0.05, 0.15) / radius;
            (double slopeX, double slopeY) = (slope * Math.Cos(angle), slope * Math.Sin(angle));
            for (int y = Math.Max(0, (int)(centreY - radius - 1)); y <= Math.Min(size - 1, (int)(centreY + radius + 1)); y++)
            {
                for (int x = Math.Max(0, (int)(centreX - radius - 1)); x <= Math.Min(size - 1, (int)(centreX + radius + 1)); x++)
                {
                    (double dx, double dy) = (x + 0.5 - centreX, y + 0.5 - centreY);
                    double cover = Math.Clamp(radius - Math.Sqrt((dx * dx) + (dy * dy)) + 0.5, 0, 1);
                    for (int c = 0; c < 3 && cover > 0; c++)
                    {
                        int i = (c * plane) + (y * size) + x;
                        double value = color[c] + (slopeX * dx) + (slopeY * dy) + texture[(y * size) + x];
                        planes[i] += (float)(cover * (value - planes[i]));
                    }
                }
            }
        }
        for (int i = 0; i < planes.Length; i++)
        {
            planes[i] = Math.Clamp((2 * planes[i]) - 1, -1, 1);
        }
    }

    // Value noise: random numbers on coarse lattices, each with a random origin, interpolated bilinearly.
    private static double[] Texture(int size, SplitMix64 random)
    {
        double[] texture = new double[size * size];
        foreach ((int period, double amplitude) in Octaves)
        {
            int side = (size / period) + 3;
            double[] knots = [.. Enumerable.Range(0, side * side).Select(_ => random.NextDouble(-1, 1))];
            (double shiftX, double shiftY) = (random.NextDouble(), random.NextDouble());
            for (int i = 0; i < texture.Length; i++)
            {
                double x = (i % size / (double)period) + shiftX, y = (i / size / (double)period) + shiftY;
                (int left, int top) = ((int)x, (int)y);
                (double right, double down) = (x - left, y - top);
                double upper = knots[(top * side) + left] + (right * (knots[(top * side) + left + 1] - knots[(top * side) + left]));
                double lower = knots[((top + 1) * side) + left] + (right * (knots[((top + 1) * side) + left + 1] - knots[((top + 1) * side) + left]));
                texture[i] += amplitude * (upper + (down * (lower - upper)));
            }
        }
        return texture;
    }
}
