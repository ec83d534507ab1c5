using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>What is measured of a trained model itself.</summary>
internal static class ModelMeasures
{
    /// <summary>
    /// Adds mean and variance of drawn tokens over their features, mean over the pictures, against the raster index (paper, Fig. 5): one pair of
    /// curves per guidance scale, each with tokens fed back as sampled and fed back renormalized. Both lines are of the token as the head drew
    /// it, before any normalisation.
    /// </summary>
    /// <param name="all">The list.</param>
    /// <param name="loaded">The model; alive until the list has run.</param>
    /// <param name="prompts">One picture each.</param>
    /// <param name="scales">Guidance scales.</param>
    /// <param name="sampling">Everything else of the sampling.</param>
    /// <param name="side">Pixels per side.</param>
    /// <param name="seed">Of the noise, which is the same for every line.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    public static void AddTokenTraces(
        Measurements all, LoadedModel loaded, IReadOnlyList<string> prompts, IReadOnlyList<double> scales, SamplingConfig sampling, int side, long seed,
        CancellationToken cancellation = default)
    {
        foreach (double scale in scales)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"guidance {scale}");
            all.Add("tokens at " + name, () =>
            {
                Trace free = Draw(false), normalized = Draw(true);
                double[] x = [.. Enumerable.Range(0, free.Mean.Count).Select(i => (double)i)];
                void Add(string what, string title, Func<Trace, SortedList<int, double>> of) =>
                    all.Curves[$"tokens.{what}.{name.Replace(" ", "", StringComparison.Ordinal)}"] = new Curve(
                        $"{title} of drawn tokens at {name}", "image token, raster order", title.ToLowerInvariant(), x,
                        new Dictionary<string, IReadOnlyList<double>> { ["as sampled"] = [.. of(free).Values], ["renormalized"] = [.. of(normalized).Values] });
                Add("mean", "Mean", t => t.Mean);
                Add("variance", "Variance", t => t.Variance);
            });

            Trace Draw(bool normalize)
            {
                Trace trace = new(new(), new());
                using Tensor tokens = loaded.Generator().DrawTokens(
                    new GenerationRequest
                    {
                        Prompts = prompts,
                        Height = side,
                        Width = side,
                        Sampling = sampling with { Guidance = scale, NormalizeTokens = normalize },
                        Seed = seed,
                        BatchSize = prompts.Count,
                        OnToken = trace.Add,
                    },
                    null, cancellation);
                return trace;
            }
        }
    }

    // By raster index, in whatever order they are drawn.
    private sealed record Trace(SortedList<int, double> Mean, SortedList<int, double> Variance)
    {
        public void Add(SampledToken drawn)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor raw = drawn.Raw.to_type(float64);
            Mean.Add(drawn.Index, raw.mean().item<double>());
            Variance.Add(drawn.Index, raw.var(1, unbiased: false).mean().item<double>());
        }
    }
}
