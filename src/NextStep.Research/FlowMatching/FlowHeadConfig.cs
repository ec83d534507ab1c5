namespace NextStep.Research;

/// <summary>Shape of the flow-matching head (spec §3.1).</summary>
public sealed record FlowHeadConfig
{
    /// <summary>Features d of one image token.</summary>
    public required int TokenWidth { get; init; }

    /// <summary>Features of the condition, the transformer's hidden size.</summary>
    public required int ConditionWidth { get; init; }

    /// <summary>Width D.</summary>
    public required int Width { get; init; }

    /// <summary>Residual blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>Inner width of a block's MLP over D (released: 1).</summary>
    public double MlpRatio { get; init; } = 1;
}
