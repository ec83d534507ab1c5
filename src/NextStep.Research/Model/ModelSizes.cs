namespace NextStep.Research;

/// <summary>One row of the size dial.</summary>
/// <param name="Layers">Decoder layers.</param>
/// <param name="Width">Hidden size.</param>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">Key-value heads.</param>
/// <param name="Intermediate">Width of the gated MLP.</param>
/// <param name="HeadLayers">Blocks of the base head.</param>
/// <param name="HeadWidth">Width of the base head.</param>
/// <param name="LearningRate">Peak rate that suits the size.</param>
public sealed record ModelShape(int Layers, int Width, int Heads, int KeyValueHeads, int Intermediate, int HeadLayers, int HeadWidth, double LearningRate);

/// <summary>The size dial and the named head sizes, as tables.</summary>
public static class ModelSizes
{
    /// <summary>Rows of the released embedding table.</summary>
    public const int ReleasedVocabulary = 152_064;

    /// <summary>The released autoencoder: FLUX's shape, f8, 16 channels (spec §4.3).</summary>
    public static AutoencoderConfig ReleasedAutoencoder { get; } = new()
    {
        Width = 128,
        Multipliers = [1, 2, 4, 4],
        BlocksPerLevel = 2,
        LatentChannels = 16,
        NormGroups = 32,
    };

    /// <summary>The released 14B model. Special tokens come from a folder's tokenizer files; these are those of the first release.</summary>
    public static NextStepConfig Released { get; } = Resolve(
        new ModelConfig { Size = ModelSize.B14 }, ReleasedAutoencoder, ReleasedVocabulary,
        new SpecialTokens { Pad = 151665, ImageArea = 151666, BeginOfImage = 151667, EndOfImage = 151668, ImagePlaceholder = 151669, EndOfText = 151643 });

    /// <summary>The row of a size. 14B and its head are the released shape (spec §2.1); 3B is Qwen2.5-3B's (36 layers of 2048).</summary>
    public static ModelShape Of(ModelSize size) => size switch
    {
        //                            layers width heads kv  mlp    head      learning rate
        ModelSize.Nano => new ModelShape(2, 32, 2, 1, 96, 2, 32, 2e-3),
        ModelSize.Micro => new ModelShape(3, 128, 4, 2, 352, 4, 128, 2e-3),
        ModelSize.Tiny => new ModelShape(8, 384, 6, 2, 1024, 6, 384, 8e-4),
        ModelSize.Small => new ModelShape(12, 768, 12, 4, 2048, 8, 768, 4e-4),
        ModelSize.B3 => new ModelShape(36, 2048, 16, 2, 11008, 12, 1536, 1e-4),
        _ => new ModelShape(48, 5120, 40, 8, 13824, 12, 1536, 1e-4),
    };

    /// <summary>Layers and width of a named head: the paper's 6×1024, 12×1536 and 24×2048, scaled with the size's base head.</summary>
    public static (int Layers, int Width) Head(ModelSize size, HeadSize head)
    {
        ModelShape shape = Of(size);
        return head switch
        {
            HeadSize.Small => (Math.Max(1, shape.HeadLayers / 2), Even(shape.HeadWidth * 2 / 3)),
            HeadSize.Large => (shape.HeadLayers * 2, Even(shape.HeadWidth * 4 / 3)),
            _ => (shape.HeadLayers, shape.HeadWidth),
        };
    }

    /// <summary>The model that a configuration describes, overrides applied.</summary>
    /// <param name="model">The <c>model</c> node.</param>
    /// <param name="autoencoder">Gives the token's features.</param>
    /// <param name="tokenizer">Gives vocabulary and special tokens.</param>
    public static NextStepConfig Resolve(ModelConfig model, AutoencoderConfig autoencoder, TextTokenizer tokenizer) =>
        Resolve(model, autoencoder, tokenizer.VocabularySize, tokenizer.Special);

    /// <summary>As above, with the vocabulary given.</summary>
    public static NextStepConfig Resolve(ModelConfig model, AutoencoderConfig autoencoder, int vocabularySize, SpecialTokens special)
    {
        ModelShape shape = Of(model.Size);
        int width = model.Transformer.Width ?? shape.Width;
        int heads = model.Transformer.Heads ?? (model.Transformer.Width is null ? shape.Heads : Math.Max(1, width * shape.Heads / shape.Width));
        if (width % heads != 0)
        {
            throw new ArgumentException($"model.transformer: {heads} heads do not divide the width {width}.");
        }
        (int headLayers, int headWidth) = Head(model.Size, model.Head.Size);
        TransformerConfig transformer = new()
        {
            VocabularySize = vocabularySize,
            HiddenSize = width,
            IntermediateSize = model.Transformer.Intermediate ?? (model.Transformer.Width is null ? shape.Intermediate : Even(width * 8 / 3)),
            Layers = model.Transformer.Layers ?? shape.Layers,
            Heads = heads,
            KeyValueHeads = model.Transformer.KeyValueHeads ?? (heads % shape.KeyValueHeads == 0 ? shape.KeyValueHeads : heads),
            HeadDim = width / heads,
            Layer = model.Transformer.Layer,
            RopeTheta = model.Transformer.RopeTheta ?? (model.Size >= ModelSize.B3 ? 1_000_000 : 10_000),
        };
        transformer.Validate();
        TokenSteps steps = TokenSteps.Of(model);
        return new NextStepConfig
        {
            Transformer = transformer,
            Head = new FlowHeadConfig
            {
                TokenWidth = steps.DrawnAsOne * autoencoder.TokenWidth,
                ConditionWidth = width,
                Width = model.Head.Width ?? headWidth,
                Layers = model.Head.Layers ?? headLayers,
            },
            HeadComponent = model.Head,
            Tokenizer = model.Tokenizer,
            LatentChannels = autoencoder.LatentChannels,
            LatentPatchSize = autoencoder.PatchSize,
            Special = special,
            HeadBatchMultiplier = model.Head.BatchMultiplier,
            TextLossWeight = model.TextLossWeight,
            ImageLossWeight = model.ImageLossWeight,
            InputNoise = model.InputNoise,
            InputNoiseShape = model.InputNoiseShape,
            EditLayout = model.EditLayout,
            Steps = steps,
        };
    }

    private static int Even(int value) => Math.Max(2, value / 2 * 2);
}
