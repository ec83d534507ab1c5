using System.ComponentModel.DataAnnotations;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// How unlike each other the pictures of one prompt are: it draws several for each, and gives the mean distance of two of them in the features of
/// <see cref="RandomConvolutionNetwork"/>. A model that learned to please a reward by always drawing the same has little; noise has much, so read it beside the Fréchet distance.
/// </summary>
public sealed record DiversityMetric : Metric
{
    /// <summary>Distinct prompts, the first of the cell's.</summary>
    [Range(1, 10_000)]
    public int Prompts { get; init; } = 35;

    /// <summary>Pictures for each.</summary>
    [Range(2, 1024)]
    public int Draws { get; init; } = 8;

    /// <inheritdoc/>
    public override MetricResult Measure(MetricContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        int side = (int)context.Pictures.size(2);
        Tensor pictures = context.Model.Generator().Draw(new GenerationRequest
        {
            Prompts = [.. context.Prompts.Distinct().Take(Prompts)],
            ImagesPerPrompt = Draws,
            Height = side,
            Width = side,
            Sampling = context.Sampling,
            Seed = (long)(Streams.Hash(context.Seed, "diversity", 0) >> 1),
        });
        return new MetricResult(WithinGroups(pictures, Draws));
    }

    /// <summary>Mean over groups of the mean Euclidean distance of two different pictures of the group, in features.</summary>
    /// <param name="pictures">[groups·each, 3, S, S] in [−1, 1], the pictures of a group together.</param>
    /// <param name="each">At least 2.</param>
    /// <exception cref="ArgumentException">They do not make whole groups of two or more.</exception>
    public static double WithinGroups(Tensor pictures, int each)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        if (each < 2 || pictures.size(0) == 0 || pictures.size(0) % each != 0)
        {
            throw new ArgumentException($"{pictures.size(0)} pictures do not make groups of {each}; give whole groups of at least 2.", nameof(each));
        }
        using DisposeScope scope = NewDisposeScope();
        using RandomConvolutionNetwork network = new();
        Tensor features = network.Features(pictures).to_type(ScalarType.Float64).view(pictures.size(0) / each, each, -1);
        Tensor distances = features.unsqueeze(1).sub(features.unsqueeze(2)).Squared().sum(-1).sqrt();
        return distances.sum([1, 2]).mean().Over((double)each * (each - 1)).item<double>();
    }
}
