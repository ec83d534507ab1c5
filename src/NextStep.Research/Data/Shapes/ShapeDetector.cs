using TorchSharp;

namespace NextStep.Research;

/// <summary>Finds the objects of the shapes world in a picture, also in a noisy, blurred or pale one.</summary>
internal static class ShapeDetector
{
    private const double LeastForegroundDistance = 0.17;
    private const double LeastShare = 0.42;
    private const double CoreShare = 0.75;
    private const double LeastArea = 0.008;
    private const double LeastOpacity = 0.55;
    private const double MostResidual = 0.10;
    private const int Padding = 4;

    /// <summary>Analyses one picture.</summary>
    /// <param name="pixels">[3, S, S] in [−1, 1], S ≥ 8.</param>
    public static SceneDetection Detect(torch.Tensor pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.dim() != 3 || pixels.size(0) != 3 || pixels.size(1) != pixels.size(2) || pixels.size(1) < 8)
        {
            throw new ArgumentException($"The verifier wants [3, S, S] with S at least 8, not [{string.Join(", ", pixels.shape)}].", nameof(pixels));
        }
        int size = (int)pixels.size(1);
        float[][] planes = Planes(pixels, size);
        double noise = NoiseLevel.Estimate(planes, size);
        // The binomial lowers white noise to 0.375 of its deviation, two passes to 0.273.
        (int passes, double smoothed) = noise > 0.09 ? (2, 0.273 * noise) : noise > 0.03 ? (1, 0.375 * noise) : (0, noise);
        for (int i = 0; i < passes; i++)
        {
            planes = [.. planes.Select(p => NoiseLevel.Smooth(p, size))];
        }
        (SceneBackground background, double distance) = Ground(planes, size);
        ColorSegments segments = new(planes, background);
        int[] labels = Foreground(segments, size, smoothed);
        List<ShapeDetection> objects = [];
        List<int[]> components = PixelComponents.Find(labels, size, segments, CoreShare);
        int[] owners = new int[size * size];
        for (int i = 0; i < components.Count; i++)
        {
            foreach (int pixel in components[i])
            {
                owners[pixel] = i + 1;
            }
        }
        for (int i = 0; i < components.Count; i++)
        {
            if (Classify(components[i], i + 1, owners, segments, labels, size, smoothed) is { } found)
            {
                objects.Add(found);
            }
        }
        return new SceneDetection(background, distance, noise, [.. objects.OrderBy(o => o.Y).ThenBy(o => o.X)]);
    }

    private static float[][] Planes(torch.Tensor pixels, int size)
    {
        using var scope = torch.NewDisposeScope(); // called from threads that have none
        torch.Tensor unit = pixels.detach().to(torch.float32).cpu().Plus(1).TimesInPlace(0.5f).clamp_(Scalars.Of(0), Scalars.Of(1)).contiguous();
        float[] all = unit.data<float>().ToArray();
        return [.. Enumerable.Range(0, 3).Select(c => all[(c * size * size)..((c + 1) * size * size)])];
    }

    /// <summary>Per-channel median of the two outermost pixel rings, snapped to the nearest known ground.</summary>
    private static (SceneBackground Background, double Distance) Ground(float[][] planes, int size)
    {
        double[] median = new double[3];
        for (int c = 0; c < 3; c++)
        {
            float[] ring = [.. planes[c].Where((_, i) => i % size < 2 || i % size >= size - 2 || i / size < 2 || i / size >= size - 2)];
            Array.Sort(ring);
            median[c] = ring[ring.Length / 2];
        }
        return Enum.GetValues<SceneBackground>()
            .Select(b => (b, Math.Sqrt(ColorSegments.Unit(ShapePalette.Of(b)).Zip(median, (x, y) => (x - y) * (x - y)).Sum())))
            .MinBy(p => p.Item2);
    }

    /// <summary>Colour index of every foreground pixel, −1 elsewhere.</summary>
    private static int[] Foreground(ColorSegments segments, int size, double smoothed)
    {
        double least = Math.Max(LeastForegroundDistance, 4.5 * smoothed);
        int[] labels = new int[size * size];
        for (int i = 0; i < labels.Length; i++)
        {
            (int color, double share, double fromGround) = segments.Nearest(i);
            labels[i] = fromGround > least && share >= LeastShare ? color : -1;
        }
        return labels;
    }

    private static ShapeDetection? Classify(int[] component, int owner, int[] owners, ColorSegments segments, int[] labels, int size, double smoothed)
    {
        int color = PixelComponents.MainColor(component, labels, segments);
        double opacity = component.Average(p => Math.Clamp(segments.Share(color, p), 0, 1));
        if (component.Length < LeastArea * size * size || opacity < LeastOpacity)
        {
            return null;
        }
        SharePatch patch = Cut(component, owner, owners, segments, color, size);
        double mass = 0;
        double sumX = 0;
        double sumY = 0;
        for (int i = 0; i < patch.Values.Length; i++)
        {
            if (!double.IsNaN(patch.Values[i]))
            {
                mass += patch.Values[i];
                sumX += patch.Values[i] * (patch.Left + (i % patch.Side) + 0.5);
                sumY += patch.Values[i] * (patch.Top + (i / patch.Side) + 0.5);
            }
        }
        if (mass < 1)
        {
            return null;
        }
        TemplateFit fit = ShapeTemplates.Best(patch, mass, sumX / mass, sumY / mass);
        int seen = patch.Values.Count(v => !double.IsNaN(v));
        double contrast = segments.Contrast(color);
        double floor = smoothed * smoothed * seen / (contrast * contrast * fit.Energy);
        double residual = Math.Max(0, fit.Residual - floor);
        return new ShapeDetection(residual <= MostResidual ? fit.Kind : null, (ShapeColor)color, fit.X / size, fit.Y / size, fit.Radius / size, residual);
    }

    /// <summary>A square around the component; pixels near another component and outside the picture are unknown.</summary>
    private static SharePatch Cut(int[] component, int owner, int[] owners, ColorSegments segments, int color, int size)
    {
        int left = component.Min(p => p % size);
        int right = component.Max(p => p % size);
        int top = component.Min(p => p / size);
        int bottom = component.Max(p => p / size);
        int side = Math.Max(right - left, bottom - top) + 1 + (2 * Padding);
        left = ((left + right + 1) / 2) - (side / 2);
        top = ((top + bottom + 1) / 2) - (side / 2);
        double[] values = new double[side * side];
        for (int i = 0; i < values.Length; i++)
        {
            int x = left + (i % side);
            int y = top + (i / side);
            values[i] = x < 0 || y < 0 || x >= size || y >= size || NearAnother(x, y, owner, owners, size)
                ? double.NaN
                : segments.Share(color, (y * size) + x);
        }
        return new SharePatch(left, top, side, values);
    }

    /// <summary>Whether the pixel belongs to another component, or touches one without touching ours.</summary>
    private static bool NearAnother(int x, int y, int owner, int[] owners, int size)
    {
        int at = owners[(y * size) + x];
        if (at != 0)
        {
            return at != owner;
        }
        bool own = false;
        bool other = false;
        for (int dy = -1; dy <= 1; dy++)
        {
            for (int dx = -1; dx <= 1; dx++)
            {
                int u = x + dx;
                int v = y + dy;
                if (u >= 0 && v >= 0 && u < size && v < size && owners[(v * size) + u] is > 0 and int who)
                {
                    own |= who == owner;
                    other |= who != owner;
                }
            }
        }
        return other && !own;
    }
}
