namespace NextStep.Research;

/// <summary>Connected groups of foreground pixels (8 neighbours).</summary>
internal static class PixelComponents
{
    private const double LeastCorePart = 0.2;
    private const int LeastCorePixels = 6;

    /// <summary>Components of the foreground; one that contains several solid colours is cut along them.</summary>
    /// <param name="labels">Colour index per pixel, −1 for the background.</param>
    /// <param name="size">Pixels per side.</param>
    /// <param name="segments">Gives the share of a colour in a pixel.</param>
    /// <param name="coreShare">From which share on a pixel counts as solid.</param>
    public static List<int[]> Find(int[] labels, int size, ColorSegments segments, double coreShare)
    {
        List<int[]> result = [];
        foreach (int[] component in Connected([.. labels.Select(l => l >= 0)], size))
        {
            int[] core = [.. component.Where(p => segments.Share(labels[p], p) >= coreShare)];
            int[] solid = [.. core.GroupBy(p => labels[p])
                .Where(g => g.Count() >= Math.Max(LeastCorePixels, LeastCorePart * core.Length) && IsCompact([.. g], size))
                .Select(g => g.Key).Order()];
            if (solid.Length < 2)
            {
                result.Add(component);
                continue;
            }
            foreach (int color in solid)
            {
                bool[] mine = new bool[labels.Length];
                foreach (int p in component)
                {
                    mine[p] = labels[p] == color;
                }
                result.AddRange(Connected(mine, size));
            }
        }
        return result;
    }

    /// <summary>The colour that most of the component has, weighted by its share.</summary>
    public static int MainColor(int[] component, int[] labels, ColorSegments segments) =>
        component.GroupBy(p => labels[p])
            .MaxBy(g => g.Sum(p => { double s = Math.Clamp(segments.Share(g.Key, p), 0, 1); return s * s; }))!.Key;

    /// <summary>A core has inner pixels; a fringe of wrongly labelled edge pixels has none.</summary>
    private static bool IsCompact(int[] pixels, int size)
    {
        HashSet<int> set = [.. pixels];
        return pixels.Count(p => set.Contains(p - 1) && set.Contains(p + 1) && set.Contains(p - size) && set.Contains(p + size)) >= 3;
    }

    private static List<int[]> Connected(bool[] mask, int size)
    {
        List<int[]> components = [];
        bool[] seen = new bool[mask.Length];
        Stack<int> open = new();
        for (int start = 0; start < mask.Length; start++)
        {
            if (!mask[start] || seen[start])
            {
                continue;
            }
            List<int> pixels = [];
            seen[start] = true;
            open.Push(start);
            while (open.TryPop(out int p))
            {
                pixels.Add(p);
                for (int dy = -1; dy <= 1; dy++)
                {
                    for (int dx = -1; dx <= 1; dx++)
                    {
                        int x = (p % size) + dx;
                        int y = (p / size) + dy;
                        int q = (y * size) + x;
                        if (x >= 0 && y >= 0 && x < size && y < size && mask[q] && !seen[q])
                        {
                            seen[q] = true;
                            open.Push(q);
                        }
                    }
                }
            }
            components.Add([.. pixels]);
        }
        return components;
    }
}
