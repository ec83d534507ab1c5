using System.ComponentModel.DataAnnotations;

namespace NextStep.Research;

/// <summary>Learning-rate schedules after the linear warm-up.</summary>
public enum LearningRateSchedule
{
    /// <summary>Stays at the peak.</summary>
    Constant,

    /// <summary>Half a cosine to zero.</summary>
    Cosine,
}

/// <summary>The <c>training</c> node.</summary>
public sealed record TrainingConfig
{
    /// <summary>The autoencoder's trainer.</summary>
    public AutoencoderTrainerConfig Autoencoder { get; init; } = new() { Images = 20_000, BatchSize = 32, LearningRate = 2e-3 };

    /// <summary>The model's trainer.</summary>
    public ModelTrainerConfig Model { get; init; } = new() { Images = 60_000, BatchSize = 64 };

    /// <summary>What follows the training: learning from pictures that the trained model draws itself.</summary>
    public PostTrainerConfig Post { get; init; } = new() { Images = 20_000, BatchSize = 64, Ema = 0, Warmup = 0, Schedule = LearningRateSchedule.Constant };

    /// <summary>
    /// Probability that the image comes before its caption, which trains the unconditional branch of guidance (spec §7.4: 0.3). An edit loses its
    /// instruction with this probability, and with the same once more instruction and source.
    /// </summary>
    [Range(0.0, 1.0)]
    public double DropText { get; init; } = 0.1;

    /// <summary>Training on the model's own tokens.</summary>
    public ScheduledSamplingConfig ScheduledSampling { get; init; } = new();

    /// <summary>Lay sequences of mixed lengths end to end instead of padding them to the longest: less to compute, the same losses to rounding.</summary>
    public bool PackSequences { get; init; }

    /// <summary>Compute the transformer layers' intermediate results again in the backward pass instead of keeping them: less memory, a third more time, the same bits.</summary>
    [KeepsBits]
    public bool RecomputeLayers { get; init; }
}

/// <summary>One trainer: optimizer, warm-up and schedule, clipping, EMA. Progress is images seen.</summary>
public record TrainerConfig
{
    /// <summary>How a step moves the weights.</summary>
    public OptimizerConfig Optimizer { get; init; } = new AdamwOptimizer();

    /// <summary>Images to see in all; counted with repetition. 0 = no training, where there is a start.</summary>
    [Range(0, long.MaxValue)]
    public long Images { get; init; } = 50_000;

    /// <summary>Images per step.</summary>
    [Range(1, 65536)]
    public int BatchSize { get; init; } = 32;

    /// <summary>Peak learning rate; null derives it from the model size.</summary>
    [Range(0.0, 1.0)]
    public double? LearningRate { get; init; }

    /// <summary>Images over which the rate rises linearly from zero.</summary>
    [Range(0, long.MaxValue)]
    public long Warmup { get; init; } = 1_000;

    /// <summary>What follows the warm-up.</summary>
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.Cosine;

    /// <summary>Decoupled weight decay; not on biases and norms (spec §7.4: 0.1).</summary>
    [Range(0.0, 10.0)]
    public double WeightDecay { get; init; } = 0.02;

    /// <summary>Largest gradient norm (spec §7.4: 1).</summary>
    [Range(0.0, 1e6)]
    public double Clip { get; init; } = 1;

    /// <summary>Decay of the weight average per step; 0 = none. Ramped up over the first steps.</summary>
    [Range(0.0, 0.999999)]
    public double Ema { get; init; } = 0.995;

    /// <summary>Number format of the forward and backward products, float32 or bfloat16; weights and optimizer stay in float32.</summary>
    [DeniedValues(Precision.Float16, ErrorMessage = "{0}: training in float16 would need its loss scaled, which is not done here: small gradients become 0; use bfloat16 or float32")]
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>Images between two lines of metrics.</summary>
    [KeepsBits]
    [Range(1, long.MaxValue)]
    public long LogEvery { get; init; } = 1_000;

    /// <summary>Images between two checkpoints.</summary>
    [KeepsBits]
    [Range(1, long.MaxValue)]
    public long CheckpointEvery { get; init; } = 10_000;
}

/// <summary>The <c>training.autoencoder</c> node.</summary>
public sealed record AutoencoderTrainerConfig : TrainerConfig
{
    /// <summary>
    /// A model's folder, or a <c>vae</c> folder, whose autoencoder training starts from, in either naming; <c>shipped</c> = that of the model that comes with the kit; null = first weights. With <c>images: 0</c> that autoencoder is used as it is.
    /// </summary>
    public string? Start { get; init; }

    /// <summary>The terms of the reconstruction loss; null = squared, absolute and gradient with the weights of <c>autoencoder.lossWeights</c>.</summary>
    public IReadOnlyList<LossConfig>? Losses { get; init; }
}

/// <summary>The <c>training.model</c> node.</summary>
public sealed record ModelTrainerConfig : TrainerConfig
{
    /// <summary>
    /// A model's folder, a cell's or a released one, or <c>shipped</c>, whose weights training starts from, by name; null = first weights. What it lacks, and a head of other
    /// shapes, keeps its first weights.
    /// </summary>
    public string? Start { get; init; }

    /// <summary>Weights that are not taken from the start and keep their first values: names, names of modules (<c>image_head</c>), or patterns with * and ?.</summary>
    public IReadOnlyList<string> Fresh { get; init; } = [];

    /// <summary>Images after which the averaged weights are kept beside the model, for measurements over the training.</summary>
    [RangeOfEach(1, 1e12)]
    public IReadOnlyList<long> Snapshots { get; init; } = [];

    /// <summary>Weights that training does not move by a bit: names, names of modules (<c>layers.0</c>), or patterns with * and ?.</summary>
    public IReadOnlyList<string> Frozen { get; init; } = [];
}
