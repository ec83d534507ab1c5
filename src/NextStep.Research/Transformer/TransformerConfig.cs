namespace NextStep.Research;

/// <summary>Shape of the causal transformer (spec §2.1); names follow the released <c>config.json</c>.</summary>
public sealed record TransformerConfig
{
    /// <summary>Rows of the embedding table.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Hidden size H.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width of the gated MLP.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Decoder layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key-value heads; each serves Heads/KeyValueHeads consecutive query heads.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Width of one head; usually HiddenSize/Heads.</summary>
    public required int HeadDim { get; init; }

    /// <summary>ε of every RMSNorm.</summary>
    public double RmsNormEpsilon { get; init; } = 1e-5;

    /// <summary>Base of the rotary embedding.</summary>
    public double RopeTheta { get; init; } = 1_000_000;

    /// <summary>Bias on q, k and v.</summary>
    public bool AttentionBias { get; init; } = true;

    /// <summary>Bias on the attention's output projection.</summary>
    public bool OutputAttentionBias { get; init; }

    /// <summary>Bias in the MLP.</summary>
    public bool MlpBias { get; init; }

    /// <summary>What a decoder layer does.</summary>
    public LayerConfig Layer { get; init; } = new PaperLayer();

    /// <summary>Throws <see cref="ArgumentException"/> with one sentence when the shape is impossible.</summary>
    public void Validate()
    {
        if (HeadDim % 2 != 0)
        {
            throw new ArgumentException($"The head width is {HeadDim}; the rotary embedding needs an even one. Change the transformer's width or heads.");
        }
        if (Heads % KeyValueHeads != 0)
        {
            throw new ArgumentException($"{KeyValueHeads} key-value heads do not divide {Heads} heads.");
        }
    }
}
