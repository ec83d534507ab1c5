using System.ComponentModel.DataAnnotations;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Head sizes of the paper's Table 6: small 6×1024, base 12×1536, large 24×2048; scaled in proportion for small models.</summary>
public enum HeadSize
{
    /// <summary>40 M at full scale.</summary>
    Small,

    /// <summary>157 M at full scale, the released one.</summary>
    Base,

    /// <summary>528 M at full scale.</summary>
    Large,
}

/// <summary>
/// The <c>model.head</c> node: which token head, and its options. A head of one's own is a record that derives from this, with its options as
/// <c>init</c> properties (a number with <c>[Range]</c>), and a <see cref="TokenHead"/> that it builds. It is named in files by its type's name
/// in kebab-case without <c>Head</c>: <c>EnergyHead</c> is <c>energy</c>.
/// </summary>
public abstract record TokenHeadConfig : ComponentConfig
{
    /// <summary>The named size; layers and width below override it.</summary>
    public HeadSize Size { get; init; } = HeadSize.Base;

    /// <summary>Residual blocks.</summary>
    [Range(1, 256)]
    public int? Layers { get; init; }

    /// <summary>Width D.</summary>
    [Range(8, 16384)]
    public int? Width { get; init; }

    /// <summary>Independent (noise, t) draws per image token and step (paper: 4).</summary>
    [Range(1, 64)]
    public int BatchMultiplier { get; init; } = 4;

    /// <summary>Builds the head, on the meta device too; weights are random until initialised or loaded.</summary>
    public abstract TokenHead Build(TokenHeadContext context);

    /// <summary>Why this head cannot draw with these settings, in half a sentence with what to do; null = it can. Asked before anything is trained.</summary>
    public virtual string? Problem(FlowSamplerOptions sampling) => null;
}

/// <summary>What a head is built for.</summary>
/// <param name="Shape">Widths, and the depth that the configured size stands for.</param>
/// <param name="Device">Where its parameters lie; null = the CPU.</param>
/// <param name="Dtype">Of its parameters; null = float32.</param>
public sealed record TokenHeadContext(FlowHeadConfig Shape, Device? Device = null, ScalarType? Dtype = null)
{
    /// <summary>Features d of one image token.</summary>
    public int TokenWidth => Shape.TokenWidth;

    /// <summary>Features H of the condition.</summary>
    public int ConditionWidth => Shape.ConditionWidth;

    /// <summary>Width D that the size stands for.</summary>
    public int Width => Shape.Width;

    /// <summary>Residual blocks that the size stands for.</summary>
    public int Layers => Shape.Layers;
}

/// <summary>The paper's head, flow matching (spec §3): the default.</summary>
public sealed record FlowHead : TokenHeadConfig
{
    /// <inheritdoc/>
    public override TokenHead Build(TokenHeadContext context) => new FlowMatchingHead(context);
}
