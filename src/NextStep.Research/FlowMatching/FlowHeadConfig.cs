namespace NextStep.Research;

/// <summary>Shape of the flow-matching head (spec §3.1), and of its rivals, which use the same network.</summary>
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

    /// <summary>Numbers that say when, embedded side by side: 1, the time t; 2, also how far ahead; 0, none.</summary>
    public int Times { get; init; } = 1;

    /// <summary>Features of what goes through the blocks; null = d.</summary>
    public int? InputWidth { get; init; }

    /// <summary>Features that come out; null = d.</summary>
    public int? OutputWidth { get; init; }
}
