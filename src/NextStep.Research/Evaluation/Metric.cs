using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// A metric of one's own: an entry of <c>measure</c> or <c>evaluation.metrics</c>. It is named in files by its type's name in kebab-case without
/// <c>Metric</c>, and so are its numbers. The kit's own metrics need no entry: they are always measured.
/// </summary>
public abstract record Metric : ComponentConfig
{
    /// <summary>Measures drawn pictures, without gradients and in a dispose scope.</summary>
    public abstract MetricResult Measure(MetricContext context);
}

/// <summary>What a metric sees. All of it belongs to the caller.</summary>
/// <param name="Pictures">Drawn pictures, [n, 3, S, S] in [−1, 1], finite.</param>
/// <param name="Prompts">One per picture.</param>
/// <param name="Reference">Pictures of the training distribution, [m, 3, S, S]; null when none were wanted.</param>
/// <param name="Model">What drew them, in evaluation mode.</param>
/// <param name="Seed">Of the cell; randomness comes from <see cref="Streams"/> of it.</param>
public sealed record MetricContext(Tensor Pictures, IReadOnlyList<string> Prompts, Tensor? Reference, LoadedModel Model, long Seed)
{
    /// <summary>How they were drawn.</summary>
    public SamplingConfig Sampling { get; init; } = new();

    /// <summary>Processor seconds, all threads, of the stages before, by kind: <c>autoencoder</c>, <c>model</c>, <c>samples</c>. Only in a sweep; of a stage that was interrupted, those of the process that ended it.</summary>
    public IReadOnlyDictionary<string, double> ProcessorSeconds { get; init; } = new Dictionary<string, double>();
}

/// <summary>What a metric found.</summary>
/// <param name="Value">Its number; NaN where there is none.</param>
public sealed record MetricResult(double Value)
{
    /// <summary>Further numbers; they are called <c>metric.name</c>.</summary>
    public IReadOnlyDictionary<string, double> Details { get; init; } = new Dictionary<string, double>();

    /// <summary>A heat map over every picture, [n, S, S], or null; in the report it lies over the pictures.</summary>
    public Tensor? Map { get; init; }

    /// <summary>Ends of the map's colour scale.</summary>
    public (double Low, double High) Scale { get; init; } = (0, 1);
}
