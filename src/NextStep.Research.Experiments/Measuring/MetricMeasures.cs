using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>Metrics of the user among the measurements.</summary>
internal static class MetricMeasures
{
    /// <summary>Adds each metric's numbers, under its name, and its map.</summary>
    /// <param name="all">The list.</param>
    /// <param name="metrics">Which.</param>
    /// <param name="pictures">[n, 3, S, S] in [−1, 1]; alive until the list has run.</param>
    /// <param name="finite">[n], which pictures hold numbers only; the others are not shown to a metric.</param>
    /// <param name="prompts">One per picture.</param>
    /// <param name="reference">Real pictures, or null.</param>
    /// <param name="loaded">What drew them.</param>
    /// <param name="seed">Of the cell.</param>
    public static void Add(
        Measurements all, IReadOnlyList<Metric> metrics, Tensor pictures, Tensor finite, IReadOnlyList<string> prompts, Tensor? reference, LoadedModel loaded, long seed)
    {
        bool whole = finite.all().item<bool>();
        bool[] kept = [.. finite.cpu().data<bool>()];
        Tensor shown = whole ? pictures : pictures.index_select(0, finite.nonzero().squeeze(1));
        MetricContext context = new(shown, [.. prompts.Where((_, i) => kept[i])], reference, loaded, seed);
        foreach (Metric metric in metrics)
        {
            string name = ComponentCatalog.NameOf(metric.GetType());
            string identity = $"{ConfigComponent.Format(metric)}{(ComponentCatalog.SourceOf(metric.GetType()) is { } source ? ", source " + source.Hash : "")}";
            all.Add(name, () =>
            {
                MetricResult result = metric.Measure(context);
                (all.Numbers[name], all.Identities[name]) = (result.Value, identity);
                foreach ((string detail, double value) in result.Details)
                {
                    (all.Numbers[$"{name}.{detail}"], all.Identities[$"{name}.{detail}"]) = (value, identity);
                }
                if (whole && result.Map is { } map)
                {
                    all.Maps[name] = ArtifactMaps.Colored(map.narrow(0, 0, Math.Min(SamplesStage.Shown, map.size(0))), result.Scale.Low, result.Scale.High).DetachFromDisposeScope();
                }
            });
        }
    }
}
