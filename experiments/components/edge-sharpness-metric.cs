/// <summary>How steep the edges of drawn pictures are: mean size of the brightness gradient where there is an edge, with a map of it.</summary>
public sealed record EdgeSharpnessMetric : Metric
{
    /// <summary>Smallest gradient, in brightness a pixel (black to white is 1), that counts as an edge.</summary>
    [Range(0.0, 1.0)]
    public double Threshold { get; init; } = 0.1;

    public override MetricResult Measure(MetricContext context)
    {
        Tensor map = Gradient(context.Pictures);
        Dictionary<string, double> details = [];
        if (context.Reference is { } real)
        {
            details["real"] = Mean(Gradient(real));
        }
        return new MetricResult(Mean(map)) { Details = details, Map = map, Scale = (0, 0.5) };
    }

    // [n, S, S]: the larger of the steps to the right and down; 0 at the last column and row.
    private static Tensor Gradient(Tensor pictures)
    {
        Tensor grey = pictures.mean([1]).Over(2);
        Tensor right = nn.functional.pad(grey.diff(1, 2).abs(), [0, 1]), down = nn.functional.pad(grey.diff(1, 1).abs(), [0, 0, 0, 1]);
        return right.maximum(down);
    }

    private double Mean(Tensor map)
    {
        Tensor edges = map.gt(Scalars.Of(Threshold)).to_type(ScalarType.Float32);
        double count = edges.sum().item<float>();
        return count == 0 ? double.NaN : map.mul(edges).sum().item<float>() / count;
    }
}
