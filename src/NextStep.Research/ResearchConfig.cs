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

    /// <summary><c>cpu</c> or <c>cuda:0</c>: the one device of a cell.</summary>
    [OneDevice]
    public string Device { get; init; } = "cpu";

    /// <summary>
    /// CPU threads that a cell computes with. Another number gives other last bits (<see cref="CpuThreads"/>), so it is part of the plan and does not depend on how many
    /// processes share the work. Null: settled when a run folder is begun, by the machine's cores over the plan's cells.
    /// </summary>
    [Range(1, 1024)]
    public int? Threads { get; init; }

    /// <summary>Number format of weights and activations at inference.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>How GPUs compute.</summary>
    public CudaConfig Cuda { get; init; } = new();

    /// <summary>The device and, on a GPU, how it computes, for records: <c>cuda:0, TF32 off, deterministic</c>.</summary>
    public string DescribeDevice() => Device == "cpu" ? Device : $"{Device}, {Cuda}";

    /// <summary>The device, ready to compute as configured.</summary>
    /// <exception cref="ArgumentException">The name is not one device.</exception>
    /// <exception cref="InvalidOperationException">This process does not see it.</exception>
    public TorchSharp.torch.Device OpenDevice()
    {
        TorchSharp.torch.Device device = Devices.One(Device);
        if (device.type == TorchSharp.DeviceType.CUDA)
        {
            Cuda.Apply();
        }
        return device;
    }
}
