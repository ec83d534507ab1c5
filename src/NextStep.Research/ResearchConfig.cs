using System.ComponentModel.DataAnnotations;

namespace NextStep.Research;

/// <summary>Everything that a run depends on, one immutable tree; a config path is a module path (<c>autoencoder.noiseStrength</c>).</summary>
public sealed record ResearchConfig
{
    /// <summary>Which pictures and captions.</summary>
    public DataConfig Data { get; init; } = new();

    /// <summary>The image autoencoder (spec §4).</summary>
    public AutoencoderConfig Autoencoder { get; init; } = new();

    /// <summary>The causal transformer and its flow-matching head (spec §2, §3).</summary>
    public ModelConfig Model { get; init; } = new();

    /// <summary>Both trainers.</summary>
    public TrainingConfig Training { get; init; } = new();

    /// <summary>How pictures are drawn (spec §3.4–3.6, §5).</summary>
    public SamplingConfig Sampling { get; init; } = new();

    /// <summary>What is measured on a trained model.</summary>
    public EvaluationConfig Evaluation { get; init; } = new();

    /// <summary>The seed of every random stream.</summary>
    [Range(0, long.MaxValue)]
    public long Seed { get; init; }

    /// <summary><c>cpu</c>, <c>cuda:0</c>, or a comma-separated list of CUDA devices for inference.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Number format of weights and activations at inference.</summary>
    public Precision Precision { get; init; } = Precision.Float32;
}
