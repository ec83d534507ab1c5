using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>Metrics of the user among the measurements.</summary>
internal static class MetricMeasures
{
    /// <summary>Adds each metric's numbers, under its name, and its map.</summary>
    /// <param name="all">The list.</param>
    /// <param name="metrics">Which.</param>
    /// <param name="drawn">What they see; alive until the list has run.</param>
    /// <param name="finite">[n], which pictures hold numbers only; the others are not shown to a metric.</param>
    public static void Add(Measurements all, IReadOnlyList<Metric> metrics, MetricContext drawn, Tensor finite)
    {
        bool whole = finite.all().item<bool>();
        bool[] kept = [.. finite.cpu().data<bool>()];
        MetricContext context = whole ? drawn
            : drawn with { Pictures = drawn.Pictures.index_select(0, finite.nonzero().squeeze(1)), Prompts = [.. drawn.Prompts.Where((_, i) => kept[i])] };
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
