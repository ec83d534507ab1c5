using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;

namespace NextStep.Research;

/// <summary>
/// The largest centred square of a decoded picture, resampled row by row: like <see cref="Resize.SquareResize"/> of the upright picture, but
/// without ever holding the picture as floats. Sums go in a fixed order.
/// </summary>
internal static class SquareSampling
{
    private static readonly float[] Levels = [.. Enumerable.Range(0, 256).Select(v => (v / 127.5f) - 1f)];

    /// <summary>Writes values [3, size, size] in [−1, 1], not yet upright, to <paramref name="pixels"/>; alpha is laid on white.</summary>
    public static void Fill(Span<float> pixels, RawPicture picture, int size)
    {
        int side = Math.Min(picture.Width, picture.Height);
        (int left, int top) = Corner(picture, side);
        if (side == size)
        {
            Span<float> line = new float[3 * side];
            for (int y = 0; y < side; y++)
            {
                Planes(picture.Rgba[(((top + y) * picture.Stride) + (left * 4))..], line, side);
                for (int c = 0; c < 3; c++)
                {
                    line.Slice(c * side, side).CopyTo(pixels[((c * size * size) + (y * size))..]);
                }
            }
            return;
        }
        LanczosTaps taps = LanczosTaps.Of(side, size);
        float[] row = ArrayPool<float>.Shared.Rent(3 * side), tall = ArrayPool<float>.Shared.Rent(size * 3 * side);
        try
        {
            Span<float> rows = tall.AsSpan(0, size * 3 * side);
            rows.Clear();
            Vertically(picture, left, top, side, taps, row.AsSpan(0, 3 * side), rows);
            Horizontally(rows, side, size, taps, pixels);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(row);
            ArrayPool<float>.Shared.Return(tall);
        }
    }

    /// <summary>One row of straight RGBA as three planes of <paramref name="width"/> values, laid on white and rounded to 8 bits.</summary>
    public static void Planes(ReadOnlySpan<byte> rgba, Span<float> planes, int width)
    {
        for (int x = 0; x < width; x++)
        {
            int alpha = rgba[(4 * x) + 3];
            for (int c = 0; c < 3; c++)
            {
                int value = rgba[(4 * x) + c];
                planes[(c * width) + x] = Levels[alpha == 255 ? value : ((value * alpha) + (255 * (255 - alpha)) + 127) / 255];
            }
        }
    }

    // Where the square that is centred in the upright picture lies in the stored one.
    private static (int Left, int Top) Corner(RawPicture picture, int side)
    {
        (int w, int h) = (picture.Width, picture.Height);
        bool exchanged = picture.Orientation >= 5;
        int x = ((exchanged ? h : w) - side) / 2, y = ((exchanged ? w : h) - side) / 2;
        return picture.Orientation switch
        {
            2 => (w - side - x, y),
            3 => (w - side - x, h - side - y),
            4 => (x, h - side - y),
            5 => (y, x),
            6 => (y, h - side - x),
            7 => (w - side - y, h - side - x),
            8 => (w - side - y, x),
            _ => (x, y),
        };
    }

    // Every stored row is added to the few output rows that it belongs to.
    private static void Vertically(RawPicture picture, int left, int top, int side, LanczosTaps taps, Span<float> row, Span<float> tall)
    {
        int next = 0, outputs = taps.First.Length;
        for (int y = 0; y < side; y++)
        {
            Planes(picture.Rgba[(((top + y) * picture.Stride) + (left * 4))..], row, side);
            while (next < outputs && taps.First[next] + taps.Weights[next].Length <= y)
            {
                next++;
            }
            for (int o = next; o < outputs && taps.First[o] <= y; o++)
            {
                int at = y - taps.First[o];
                if (at < taps.Weights[o].Length)
                {
                    Add(tall.Slice(o * row.Length, row.Length), row, taps.Weights[o][at]);
                }
            }
        }
    }

    private static void Add(Span<float> sums, ReadOnlySpan<float> values, float weight)
    {
        Span<Vector<float>> wide = MemoryMarshal.Cast<float, Vector<float>>(sums);
        ReadOnlySpan<Vector<float>> added = MemoryMarshal.Cast<float, Vector<float>>(values);
        for (int i = 0; i < wide.Length; i++)
        {
            wide[i] += added[i] * weight;
        }
        for (int i = wide.Length * Vector<float>.Count; i < sums.Length; i++)
        {
            sums[i] += values[i] * weight;
        }
    }

    private static void Horizontally(ReadOnlySpan<float> tall, int side, int size, LanczosTaps taps, Span<float> pixels)
    {
        for (int y = 0; y < size; y++)
        {
            for (int c = 0; c < 3; c++)
            {
                ReadOnlySpan<float> line = tall.Slice(((y * 3) + c) * side, side);
                for (int x = 0; x < size; x++)
                {
                    float[] weights = taps.Weights[x];
                    ReadOnlySpan<float> inputs = line.Slice(taps.First[x], weights.Length);
                    float sum = 0;
                    for (int i = 0; i < weights.Length; i++)
                    {
                        sum += inputs[i] * weights[i];
                    }
                    pixels[(c * size * size) + (y * size) + x] = Math.Clamp(sum, -1f, 1f);
                }
            }
        }
    }
}
