using System.Globalization;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>A training step of a small model, in turn with the same step by the matrix products that libtorch chooses itself.</summary>
internal static class StepCase
{
    /// <summary>The model of <c>experiments/base/shapes-32.yaml</c>.</summary>
    public static ModelConfig MicroShape { get; } = new() { Transformer = new TransformerOptions { Width = 96, Heads = 4 }, Head = new FlowHead { BatchMultiplier = 2 } };

    /// <summary>Its step with AdamW.</summary>
    public static BenchRow Micro(string name, BenchOptions options) => Run(name, "`micro`", MicroShape, 32, options);

    /// <summary>The step of <c>experiments/small-model.yaml</c>.</summary>
    public static BenchRow Shipped(string name, BenchOptions options) => Run(name, "the shipped model", new ModelConfig { Transformer = new TransformerOptions { Layers = 4, Width = 128, Heads = 4 }, Head = new FlowHead { BatchMultiplier = 2 } }, 16, options);

    private static BenchRow Run(string name, string what, ModelConfig shape, int pictures, BenchOptions options)
    {
        const int side = 4, steps = 8;
        using TrainedModel trained = new(shape, 4, pictures, side);
        List<double> ours = [], own = [], ratios = [];
        int taken = -1;
        double start = 0;
        bool both = options.Naive && MatrixProducts.Fast;
        // Some steps the one way, some the other; the first of all warms up.
        trained.Train(1 + (2 * steps * (options.Rounds + 1)), Precision.Float32, () =>
        {
            if (++taken % steps == 0)
            {
                if (taken > 2 * steps)
                {
                    (taken / steps % 2 == 1 ? ours : own).Add((Timings.Now - start) / steps);
                }
                MatrixProducts.Use(!both || taken / steps % 2 == 0);
                start = Timings.Now;
            }
        });
        MatrixProducts.Use(true);
        double median = Timings.Median(ours);
        return new BenchRow(
            name, string.Create(CultureInfo.InvariantCulture, $"training step of {what} ({trained.Count / 1e6:F1} M), {pictures} pictures of {side * side} tokens, fp32"), median, "the same by libtorch's own products",
            new BenchValue(BenchKind.Speedup, both ? Timings.Median(own.Zip(ours, (o, m) => o / m)) : double.NaN), null)
        {
            Details = new Dictionary<string, double> { ["imagesPerSecond"] = 1000 * pictures / median },
        };
    }
}
