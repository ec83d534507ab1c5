namespace NextStep.Research.Cli;

/// <summary>Numbers as a row of blocks, ▁ the smallest and █ the largest.</summary>
internal static class Sparkline
{
    private const string Blocks = "▁▂▃▄▅▆▇█";

    /// <summary>Over the values' own range; a space where a value is not finite.</summary>
    /// <param name="values">In order.</param>
    /// <param name="width">At most this many blocks; longer rows are averaged in equal parts.</param>
    public static string Of(IReadOnlyList<double> values, int width)
    {
        double[] finite = [.. values.Where(double.IsFinite)];
        return finite.Length == 0 ? "" : Of(values, width, finite.Min(), finite.Max());
    }

    /// <summary>Over a given range, so that rows can be compared.</summary>
    public static string Of(IReadOnlyList<double> values, int width, double low, double high)
    {
        int count = Math.Min(width, values.Count);
        return string.Concat(Enumerable.Range(0, count).Select(i =>
        {
            int from = (int)((long)i * values.Count / count), to = (int)((i + 1L) * values.Count / count);
            double value = values.Skip(from).Take(to - from).Average();
            return !double.IsFinite(value) ? ' ' : high <= low ? Blocks[0] : Blocks[(int)Math.Clamp((value - low) / (high - low) * Blocks.Length, 0, Blocks.Length - 1)];
        }));
    }
}
