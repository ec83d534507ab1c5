using TorchSharp;

namespace NextStep.Research;

/// <summary>
/// Draws scenes from signed distances: coverage = clamp(½ − distance·radius, 0, 1), distances in pixels.
/// Plain C#, the same bytes on every platform, safe to call from several threads.
/// </summary>
public static class SignedDistanceRenderer
{
    /// <summary>8-bit pixels, row by row, channels interleaved: length 3·size².</summary>
    public static byte[] Bytes(ShapeScene scene, int size)
    {
        ArgumentNullException.ThrowIfNull(scene);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        double[] canvas = new double[3 * size * size];
        (byte r, byte g, byte b) = ShapePalette.Of(scene.Background);
        for (int i = 0; i < canvas.Length; i += 3)
        {
            (canvas[i], canvas[i + 1], canvas[i + 2]) = (r, g, b);
        }
        foreach (SceneObject item in scene.Objects)
        {
            Paint(canvas, size, item);
        }
        byte[] bytes = new byte[canvas.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)(canvas[i] + 0.5);
        }
        return bytes;
    }

    /// <summary>float32 [3, size, size] in [−1, 1]; the caller disposes.</summary>
    public static torch.Tensor Render(ShapeScene scene, int size)
    {
        byte[] bytes = Bytes(scene, size);
        float[] planes = new float[bytes.Length];
        int plane = size * size;
        for (int i = 0; i < plane; i++)
        {
            for (int c = 0; c < 3; c++)
            {
                planes[(c * plane) + i] = (bytes[(3 * i) + c] / 127.5f) - 1f;
            }
        }
        return torch.tensor(planes, [3, size, size]);
    }

    /// <summary>How much of a pixel at (<paramref name="x"/>, <paramref name="y"/>) the object covers; all in pixels.</summary>
    internal static double Coverage(ShapeKind kind, double x, double y, double radius) =>
        Math.Clamp(0.5 - (ShapeGeometry.Distance(kind, x / radius, y / radius) * radius), 0, 1);

    private static void Paint(double[] canvas, int size, SceneObject item)
    {
        double radius = item.Radius * size;
        double centreX = item.X * size;
        double centreY = item.Y * size;
        int left = Math.Max(0, (int)Math.Floor(centreX - radius - 1));
        int right = Math.Min(size - 1, (int)Math.Ceiling(centreX + radius + 1));
        int top = Math.Max(0, (int)Math.Floor(centreY - radius - 1));
        int bottom = Math.Min(size - 1, (int)Math.Ceiling(centreY + radius + 1));
        (byte r, byte g, byte b) = ShapePalette.Of(item.Color);
        for (int y = top; y <= bottom; y++)
        {
            for (int x = left; x <= right; x++)
            {
                double cover = Coverage(item.Kind, x + 0.5 - centreX, y + 0.5 - centreY, radius);
                int i = 3 * ((y * size) + x);
                canvas[i] += cover * (r - canvas[i]);
                canvas[i + 1] += cover * (g - canvas[i + 1]);
                canvas[i + 2] += cover * (b - canvas[i + 2]);
            }
        }
    }
}
