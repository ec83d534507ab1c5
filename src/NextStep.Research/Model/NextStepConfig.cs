using TorchSharp;

namespace NextStep.Research;

/// <summary>Everything that fixes the tensors and the behaviour of a <see cref="NextStepModel"/> (spec §2.1).</summary>
public sealed record NextStepConfig
{
    /// <summary>The transformer's shape.</summary>
    public required TransformerConfig Transformer { get; init; }

    /// <summary>The head's shape; its tokens are those of a whole step where these are drawn jointly.</summary>
    public required FlowHeadConfig Head { get; init; }

    /// <summary>Which head.</summary>
    public TokenHeadConfig HeadComponent { get; init; } = new FlowHead();

    /// <summary>Which tokenizer; null = found by its files.</summary>
    public TokenizerConfig? Tokenizer { get; init; }

    /// <summary>Latent channels C.</summary>
    public required int LatentChannels { get; init; }

    /// <summary>Latent patch p; an image token has C·p² features.</summary>
    public required int LatentPatchSize { get; init; }

    /// <summary>The structural tokens.</summary>
    public required SpecialTokens Special { get; init; }

    /// <summary>Independent (noise, t) draws per token in training.</summary>
    public int HeadBatchMultiplier { get; init; } = 4;

    /// <summary>Weight of the text loss.</summary>
    public double TextLossWeight { get; init; } = 0.01;

    /// <summary>Weight of the image loss.</summary>
    public double ImageLossWeight { get; init; } = 1;

    /// <summary>Std of the input noise in training (spec §1.5).</summary>
    public double InputNoise { get; init; }

    /// <summary>How it is spread over the tokens of an image.</summary>
    public InputNoiseShape InputNoiseShape { get; init; } = InputNoiseShape.Growing;

    /// <summary>How edits were laid out in training.</summary>
    public EditLayout EditLayout { get; init; } = EditLayout.SourceFirst;

    /// <summary>Which image tokens one step of the transformer draws.</summary>
    public TokenSteps Steps { get; init; } = new();

    /// <summary>Adds the fixed 2-D position table to the states that predict image tokens (spec §1.4).</summary>
    public bool UseGenPosEmbed { get; init; }

    /// <summary>Side of the table's grid.</summary>
    public int GenPosGrid { get; init; } = 32;

    /// <summary>Features of one image token.</summary>
    public int TokenWidth => LatentChannels * LatentPatchSize * LatentPatchSize;

    /// <summary>Features of the image tokens of one step.</summary>
    public int StepWidth => Steps.Tokens * TokenWidth;

    /// <summary>The head of a step's tokens, on the meta device too; weights are random until initialised or loaded.</summary>
    internal TokenHead BuildHead(torch.Device? device, torch.ScalarType? dtype)
    {
        TokenHead head = HeadComponent.Build(new TokenHeadContext(Head, device, dtype));
        return Steps.Apart ? new SeparateHead(head, Steps.Tokens) : head;
    }
}
