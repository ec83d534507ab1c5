using System.ComponentModel.DataAnnotations;

namespace NextStep.Research;

/// <summary>The <c>sampling</c> node.</summary>
public sealed record SamplingConfig
{
    /// <summary>Classifier-free guidance scale; 1 = none (published: 7.5).</summary>
    [Range(0.0, 100.0)]
    public double Guidance { get; init; } = 2;

    /// <summary>Guidance towards the input image when editing; 1 = none (published: 2).</summary>
    [Range(0.0, 100.0)]
    public double ImageGuidance { get; init; } = 1;

    /// <summary>Over the tokens.</summary>
    public GuidanceSchedule GuidanceSchedule { get; init; } = GuidanceSchedule.Constant;

    /// <summary>The sampler.</summary>
    public SamplingSolver Solver { get; init; } = SamplingSolver.Ode;

    /// <summary>Network evaluations per token (published: 28 to 50).</summary>
    [Range(1, 1000)]
    public int Steps { get; init; } = 20;

    /// <summary>How many steps a token gets; null = as <see cref="FinalSteps"/> says.</summary>
    public StepSchedule? StepSchedule { get; init; }

    /// <summary>Evaluations of a picture's last token; the number goes there in a straight line from <see cref="Steps"/> over the raster order. Null: the same for every token.</summary>
    [Range(1, 1000)]
    public int? FinalSteps { get; init; }

    /// <summary>s &gt; 1 concentrates steps near the noise end (published: 1, editing 3.2).</summary>
    [Range(0.01, 100.0)]
    public double TimestepShift { get; init; } = 1;

    /// <summary>Project every sampled token back to zero mean and unit variance (<c>use_norm</c>). Null: exactly when the autoencoder normalises tokens.</summary>
    public bool? NormalizeTokens { get; init; }

    /// <summary>η of the stochastic solvers.</summary>
    [Range(0.0, 1.0)]
    public double NoiseLevel { get; init; } = 0.8;

    /// <summary>Number format of a copy of the flow head that samples; null = the model's own. bfloat16 halves the bytes that every step reads.</summary>
    public Precision? HeadPrecision { get; init; }

    /// <summary>8: the transformer keeps the keys and values of earlier tokens in 8 bits each, an error of at most a 254th of the largest number of a position and head. Null: as they are computed, in float32 on a CPU.</summary>
    [Range(KeyValueCache.ByteBits, KeyValueCache.ByteBits)]
    public int? CacheBits { get; init; }

    /// <summary>Prompts of the sample grid; empty = chosen from the data source.</summary>
    public IReadOnlyList<string> Prompts { get; init; } = [];
}
