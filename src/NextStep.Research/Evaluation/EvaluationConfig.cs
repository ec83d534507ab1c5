using System.ComponentModel.DataAnnotations;

namespace NextStep.Research;

/// <summary>The <c>evaluation</c> node.</summary>
public sealed record EvaluationConfig
{
    /// <summary>Pictures drawn per cell for the measurements.</summary>
    [Range(1, 1_000_000)]
    public int Samples { get; init; } = 100;

    /// <summary>Held-out pictures for reconstruction quality and losses.</summary>
    [Range(1, 1_000_000)]
    public int HeldOut { get; init; } = 256;

    /// <summary>Training pictures that drawn ones are compared with: distances, and artifacts generated ÷ real.</summary>
    [Range(0, 1_000_000)]
    public int Reference { get; init; } = 500;

    /// <summary>Skills whose prompts are verified (shapes); empty = those of <c>data.skills</c>.</summary>
    public IReadOnlyList<string> Skills { get; init; } = [];

    /// <summary>Whether the prompts name colour–shape pairs that training showed, or only such as it never did (shapes); skills that name no colours have none of those.</summary>
    public PairSplit Pairs { get; init; } = PairSplit.Seen;

    /// <summary>
    /// The share of right pictures whose time is sought (shapes): <c>alignment.seconds</c> and <c>alignment.images</c>, from the drawings at
    /// <c>training.model.snapshots</c>; null = it is not.
    /// </summary>
    [Range(0.0, 1.0)]
    public double? AlignmentTarget { get; init; }

    /// <summary>Metrics of one's own, beside those that are always measured; a name in <c>measure</c> adds one with its defaults.</summary>
    public IReadOnlyList<Metric> Metrics { get; init; } = [];

    /// <summary>Which artifacts are measured, one's own among them; null = the kit's six. A name <c>artifacts.NAME</c> in <c>measure</c> adds one with its defaults.</summary>
    public IReadOnlyList<DetectorConfig>? Detectors { get; init; }

    /// <summary>
    /// An ONNX file whose features the distances use, or <c>resnet18</c>, an ImageNet network that a build with <c>-p:FeatureNetworks=resnet18</c> has;
    /// null = the built-in <c>random-conv-v1</c>.
    /// </summary>
    public string? Network { get; init; }

    /// <summary>Side of the ONNX network's input in pixels; null = as the file fixes it.</summary>
    [Range(8, 2048)]
    public int? NetworkSize { get; init; }

    /// <summary>Black and white in the values that the ONNX network is given: [0, 1], [−1, 1] or [0, 255].</summary>
    [RangeOfEach(-1e3, 1e3, Least = 2, Most = 2)]
    public IReadOnlyList<double> NetworkRange { get; init; } = [0, 1];

    /// <summary>The output of the ONNX network that holds the features; null = its only one.</summary>
    public string? NetworkOutput { get; init; }

    /// <summary>The axis of that output that counts features; null = as its shape says, the last of [n, tokens, d].</summary>
    [Range(1, 8)]
    public int? NetworkAxis { get; init; }

    /// <summary>Subtracted from values in that range before the ONNX network: one number, or one a channel.</summary>
    [RangeOfEach(-1e3, 1e3, Least = 1)]
    public IReadOnlyList<double> NetworkMean { get; init; } = [0];

    /// <summary>Divided by after that: one number, or one a channel.</summary>
    [RangeOfEach(1e-6, 1e3, Least = 1)]
    public IReadOnlyList<double> NetworkDeviation { get; init; } = [1];

    /// <summary>Standard deviations of noise added to latents, for the decoder's robustness (paper, Fig. 6).</summary>
    [RangeOfEach(0, 1e3)]
    public IReadOnlyList<double> LatentNoise { get; init; } = [0, 0.1, 0.2, 0.3, 0.5, 0.75, 1];

    /// <summary>Guidance scales at which mean and variance of drawn tokens are followed over the raster order (paper, Fig. 5); empty = not at all.</summary>
    [RangeOfEach(0, 1e3)]
    public IReadOnlyList<double> GuidanceTrace { get; init; } = [1.5, 3, 7.5];

    /// <summary>Pictures drawn per guidance scale for that.</summary>
    [Range(2, 10_000)]
    public int GuidanceSamples { get; init; } = 16;

    /// <summary>Scenes per skill on which the verifier's own errors are measured (shapes); 0 = not at all.</summary>
    [Range(0, 10_000)]
    public int VerifierScenes { get; init; } = 20;

    /// <summary>The configured network. The caller disposes.</summary>
    public IFeatureNetwork OpenNetwork() => Network is null ? new RandomConvolutionNetwork()
        : Network == ResNet18Network.Name ? new ResNet18Network()
        : new OnnxFeatureNetwork(Network, new OnnxInput { Size = NetworkSize, Range = NetworkRange, Output = NetworkOutput, FeatureAxis = NetworkAxis, Mean = NetworkMean, Deviation = NetworkDeviation });
}
