using System.ComponentModel.DataAnnotations;

namespace NextStep.Research;

/// <summary>The one dial: width and depth of transformer and head, and the learning rate, follow from it.</summary>
public enum ModelSize
{
    /// <summary>For tests.</summary>
    Nano,

    /// <summary>Trains in a minute or two on two cores.</summary>
    Micro,

    /// <summary>Some minutes to an hour on a laptop.</summary>
    Tiny,

    /// <summary>One GPU.</summary>
    Small,

    /// <summary>Qwen2.5-3B's shape.</summary>
    B3,

    /// <summary>NextStep-1's shape, Qwen2.5-14B.</summary>
    B14,
}

/// <summary>What an edit's prompt begins with.</summary>
public enum EditLayout
{
    /// <summary>The source picture, then the instruction: the released edit model.</summary>
    SourceFirst,

    /// <summary>The instruction, then the source picture, so that every token of the result lies at the same distance from its place in the source, however long the instruction.</summary>
    InstructionFirst,
}

/// <summary>How strong the noise on input latents is along the raster order of an image.</summary>
public enum InputNoiseShape
{
    /// <summary>From 0 at the start to its full strength at the last token: the released training code.</summary>
    Growing,

    /// <summary>The same for every token.</summary>
    Even,

    /// <summary>The same for every token of an image, between 0 and its full strength, uniformly drawn for each image.</summary>
    Drawn,
}

/// <summary>The <c>model</c> node. Null means: derived from <see cref="Size"/>.</summary>
public sealed record ModelConfig
{
    /// <summary>The dial.</summary>
    public ModelSize Size { get; init; } = ModelSize.Micro;

    /// <summary>Overrides for the transformer.</summary>
    public TransformerOptions Transformer { get; init; } = new();

    /// <summary>The token head.</summary>
    public TokenHeadConfig Head { get; init; } = new FlowHead();

    /// <summary>The tokenizer of models trained here.</summary>
    public TokenizerConfig Tokenizer { get; init; } = new WordVocabulary();

    /// <summary>Weight of the text loss (paper: 0.01).</summary>
    [Range(0.0, 1e3)]
    public double TextLossWeight { get; init; } = 0.01;

    /// <summary>Weight of the flow loss (paper: 1).</summary>
    [Range(0.0, 1e3)]
    public double ImageLossWeight { get; init; } = 1;

    /// <summary>Std of Gaussian noise on the latents fed to the transformer in training, not on those it learns nor on the source of an edit (spec §1.5; released: 0).</summary>
    [Range(0.0, 10.0)]
    public double InputNoise { get; init; }

    /// <summary>How that noise is spread over the tokens of an image.</summary>
    public InputNoiseShape InputNoiseShape { get; init; } = InputNoiseShape.Growing;

    /// <summary>What an edit's prompt begins with, in training and where no marker says it.</summary>
    public EditLayout EditLayout { get; init; } = EditLayout.SourceFirst;

    /// <summary>Image tokens k that one step of the transformer reads and draws: a divisor of those of a row or, in the order <c>subsampled</c>, of 4.</summary>
    [Range(1, 64)]
    public int TokensAStep { get; init; } = 1;

    /// <summary>How the k tokens depend on each other.</summary>
    public WithinAStep WithinAStep { get; init; } = WithinAStep.Joint;

    /// <summary>The order in which image tokens are drawn.</summary>
    public TokenOrder Order { get; init; } = TokenOrder.Raster;
}

/// <summary>The <c>model.transformer</c> node.</summary>
public sealed record TransformerOptions
{
    /// <summary>Decoder layers (14B: 48).</summary>
    [Range(1, 256)]
    public int? Layers { get; init; }

    /// <summary>Hidden size H (14B: 5120).</summary>
    [Range(8, 32768)]
    public int? Width { get; init; }

    /// <summary>Query heads (14B: 40).</summary>
    [Range(1, 512)]
    public int? Heads { get; init; }

    /// <summary>Key-value heads (14B: 8); must divide the query heads.</summary>
    [Range(1, 512)]
    public int? KeyValueHeads { get; init; }

    /// <summary>Width of the gated MLP (14B: 13824).</summary>
    [Range(8, 262144)]
    public int? Intermediate { get; init; }

    /// <summary>Base θ of the rotary embedding (14B: 1e6); null = 1e6 for 3b and 14b, 1e4 for the small sizes, whose sequences are short.</summary>
    [Range(1.0, 1e9)]
    public double? RopeTheta { get; init; }

    /// <summary>What a decoder layer does.</summary>
    public LayerConfig Layer { get; init; } = new PaperLayer();
}
