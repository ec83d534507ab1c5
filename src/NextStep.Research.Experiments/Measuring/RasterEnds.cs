namespace NextStep.Research.Experiments;

/// <summary>A number of each image token at both ends of the raster order: its mean over the first and over the last quarter of the tokens, of one at least.</summary>
internal readonly record struct RasterEnds(double Early, double Late)
{
    /// <summary>Of a number by raster position; positions without one (NaN) make the end NaN.</summary>
    /// <exception cref="ArgumentException">There is no token.</exception>
    public static RasterEnds Of(IReadOnlyList<double> byToken)
    {
        if (byToken.Count == 0)
        {
            throw new ArgumentException("A picture without tokens has no ends.", nameof(byToken));
        }
        int quarter = Math.Max(1, byToken.Count / 4);
        return new RasterEnds(byToken.Take(quarter).Average(), byToken.TakeLast(quarter).Average());
    }

    /// <summary>Of every loss by raster position among a model's curves, <c>flow.loss.byPosition</c>: <c>flow.loss.early</c> and <c>flow.loss.late</c>.</summary>
    public static IEnumerable<KeyValuePair<string, double>> OfLosses(IReadOnlyDictionary<string, Curve> curves)
    {
        const string curve = ".byPosition";
        foreach ((string name, Curve loss) in curves.Where(c => c.Key.EndsWith(curve, StringComparison.Ordinal)))
        {
            RasterEnds ends = Of(loss.Lines.Values.Single());
            yield return new(name[..^curve.Length] + ".early", ends.Early);
            yield return new(name[..^curve.Length] + ".late", ends.Late);
        }
    }

    /// <summary>What the last tokens have more than the first.</summary>
    public double Rise => Late - Early;
}
