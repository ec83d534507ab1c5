using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>One training batch. Whoever made it disposes it.</summary>
/// <param name="Ids">int64 [batch, positions], padded on the right.</param>
/// <param name="Labels">int64 [batch, positions], −100 = not predicted.</param>
/// <param name="Tokens">Clean image tokens [n, d] in the order of the placeholders in the flattened ids; with k tokens a step (<see cref="TokenSteps"/>) those of n steps, d of each step's k together.</param>
/// <param name="KeyMask">Bool [batch, positions], false = padding; null is right for padding on the right, which no real position can see.</param>
/// <param name="TokenMask">[k] weights of the image loss over the learned tokens; null = all 1.</param>
/// <param name="Learned">int64 [k], places in <paramref name="Tokens"/> of those that the head learns, ascending; the others are context, as the source of an edit. Null = all n.</param>
/// <param name="Places">Where images and labels stand; null = found anew, with a look at the ids from the host.</param>
public sealed record ModelBatch(Tensor Ids, Tensor Labels, Tensor Tokens, Tensor? KeyMask = null, Tensor? TokenMask = null, Tensor? Learned = null, BatchPlaces? Places = null) : IDisposable
{
    /// <summary>[n, d], what the transformer is given in place of <see cref="Tokens"/>, which stay what is learned; null = those.</summary>
    public Tensor? Fed { get; init; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Ids.Dispose();
        Labels.Dispose();
        Tokens.Dispose();
        KeyMask?.Dispose();
        TokenMask?.Dispose();
        Learned?.Dispose();
        Places?.Dispose();
        Fed?.Dispose();
    }
}

/// <summary>Losses of one batch. Who receives them disposes them.</summary>
/// <param name="Total">Weighted sum, scalar, to differentiate.</param>
/// <param name="Text">Cross-entropy, mean over predicted labels.</param>
/// <param name="Image">The head's loss and its parts.</param>
public sealed record ModelLosses(Tensor Total, Tensor Text, TokenLoss Image) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Total.Dispose();
        Text.Dispose();
        Image.Dispose();
    }
}

/// <summary>
/// The causal transformer over text and continuous image tokens with its flow-matching head (spec §1–3).
/// State-dict keys are those of the released checkpoints.
/// </summary>
public sealed class NextStepModel : nn.Module
{
    private readonly CausalTransformer _transformer;
    private readonly Linear image_in_projector;
    private readonly Linear image_out_projector;
    private readonly TokenHead image_head;
    private Tensor? _positionTable;

    /// <summary>Builds the network, on the meta device too; weights are random until initialised or loaded.</summary>
    public NextStepModel(NextStepConfig config, Device? device = null, ScalarType? dtype = null)
        : base(nameof(NextStepModel))
    {
        if (config.UseGenPosEmbed && !config.Steps.Plain)
        {
            throw new ArgumentException("The table of positions (use_gen_pos_embed) belongs to one token a step in raster order.", nameof(config));
        }
        Config = config;
        using GlobalGenerator untouched = GlobalGenerator.Keep();
        _transformer = new CausalTransformer(config.Transformer, device, dtype);
        int hidden = config.Transformer.HiddenSize;
        image_in_projector = nn.Linear(config.StepWidth, hidden, device: device, dtype: dtype);
        image_out_projector = nn.Linear(hidden, config.Steps.Apart ? config.Steps.Tokens * hidden : hidden, device: device, dtype: dtype);
        image_head = config.BuildHead(device, dtype);
        // Registered one by one: the released keys have the language model flattened into this module.
        register_module("embed_tokens", _transformer.embed_tokens);
        register_module("layers", _transformer.layers);
        register_module("norm", _transformer.norm);
        register_module("lm_head", _transformer.lm_head);
        register_module(nameof(image_in_projector), image_in_projector);
        register_module(nameof(image_out_projector), image_out_projector);
        register_module(nameof(image_head), image_head);
    }

    /// <summary>The configuration.</summary>
    public NextStepConfig Config { get; }

    /// <summary>The language model.</summary>
    public CausalTransformer Transformer => _transformer;

    /// <summary>The token head.</summary>
    public TokenHead Head => image_head;

    /// <summary>Image tokens [.., d] to the transformer's input [.., H], where the first layer lies.</summary>
    public Tensor ProjectIn(Tensor tokens)
    {
        using DisposeScope scope = NewDisposeScope();
        return RowLinear.Forward(image_in_projector, tokens.to(image_in_projector.weight!.device)).MoveToOuterDisposeScope();
    }

    /// <summary>Final hidden states [.., H] to conditions of the head [.., H]; [.., k·H] where the k tokens of a step are drawn each by itself.</summary>
    public Tensor ProjectOut(Tensor hidden) => RowLinear.Forward(image_out_projector, hidden);

    /// <summary>
    /// Input embeddings [batch, positions, H]: rows of the table, and projected image tokens at the placeholders in row-major order (spec §1.3).
    /// </summary>
    /// <exception cref="ArgumentException">The number of placeholders is not the number of tokens.</exception>
    /// <param name="ids">int64 [batch, positions].</param>
    /// <param name="tokens">[n, d]; null = none, whatever the ids hold.</param>
    /// <param name="places">int64 [n], of the placeholders in the flattened ids; null = looked for, which waits for a GPU.</param>
    public Tensor Embed(Tensor ids, Tensor? tokens, Tensor? places = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor embedded = _transformer.Embed(ids);
        if (tokens is null)
        {
            return embedded.MoveToOuterDisposeScope();
        }
        Tensor slots = places ?? ids.to(embedded.device).flatten().eq(Scalars.Of(Config.Special.ImagePlaceholder)).nonzero().squeeze(1);
        long given = tokens.size(0);
        if (slots.size(0) != given)
        {
            throw new ArgumentException($"The ids hold {slots.size(0)} image placeholders but {given} image tokens were given.");
        }
        Tensor flat = embedded.reshape(-1, embedded.size(-1));
        return flat.index_copy(0, slots, ProjectIn(tokens).to_type(flat.dtype)).view(embedded.shape).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Both losses (spec §1.5). A state whose next position is a learned image token conditions the head, any other but image states predicts the next label.
    /// </summary>
    /// <param name="batch">The batch.</param>
    /// <param name="noise">Draws of the flow loss; with input noise, its normals come first.</param>
    /// <param name="skipOutProjector">The first release's training bug (fixtures README, bug 1): the head sees raw hidden states. For parity only.</param>
    /// <param name="packing">How the rows are packed for the transformer; null = as they are.</param>
    public ModelLosses Losses(ModelBatch batch, NoiseSource noise, bool skipOutProjector = false, SequencePacking? packing = null)
    {
        using DisposeScope scope = NewDisposeScope();
        BatchPlaces places = batch.Places ?? BatchPlaces.Of(batch.Ids, batch.Labels, Config.Special);
        Tensor fed = batch.Fed ?? batch.Tokens;
        Tensor states = States(batch, places, Config.InputNoise > 0 ? Noised(batch, fed, places, noise) : fed, packing);
        Tensor labels = batch.Labels.narrow(1, 1, batch.Labels.size(1) - 1).reshape(-1);

        Tensor image = Learned(batch, states.index_select(0, places.Image)), target = Learned(batch, batch.Tokens);
        Tensor condition = skipOutProjector ? image : ProjectOut(image);
        int repeat = Config.HeadBatchMultiplier;
        // Of text alone the head is not asked: it has no loss, and nothing is drawn.
        TokenLoss flow = target.size(0) == 0 ? TokenLoss.None(states.device) : image_head.Loss(
            target.repeat(repeat, 1), condition.repeat(repeat, 1), noise, batch.TokenMask?.repeat(repeat));

        Tensor predicted = places.Predicted;
        Tensor text = predicted.size(0) == 0
            ? zeros(1, device: states.device).squeeze()
            : nn.functional.cross_entropy(_transformer.Logits(states.index_select(0, predicted)).to_type(ScalarType.Float32), labels.index_select(0, predicted));
        Tensor total = flow.Mean.Times((float)Config.ImageLossWeight).Plus(text.Times((float)Config.TextLossWeight));
        return new ModelLosses(
            total.MoveToOuterDisposeScope(),
            text.MoveToOuterDisposeScope(),
            flow.MoveToOuterDisposeScope());
    }

    /// <summary>Conditions of the head at the learned tokens of a batch, [k, H], as training sees them but without noise.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="packing">As for <see cref="Losses"/>.</param>
    public Tensor Conditions(ModelBatch batch, SequencePacking? packing = null)
    {
        using DisposeScope scope = NewDisposeScope();
        BatchPlaces places = batch.Places ?? BatchPlaces.Of(batch.Ids, batch.Labels, Config.Special);
        return ProjectOut(Learned(batch, States(batch, places, batch.Fed ?? batch.Tokens, packing).index_select(0, places.Image))).MoveToOuterDisposeScope();
    }

    /// <summary>Row of the fixed 2-D table that is added to the state predicting image token <paramref name="index"/>, [H]; null unless configured (spec §1.4).</summary>
    public Tensor? GenerationPosition(int index, Device device, ScalarType dtype)
    {
        if (!Config.UseGenPosEmbed)
        {
            return null;
        }
        if (index >= Config.GenPosGrid * Config.GenPosGrid)
        {
            throw new ArgumentOutOfRangeException(nameof(index), index, $"The position table holds {Config.GenPosGrid * Config.GenPosGrid} tokens.");
        }
        if (_positionTable is null || _positionTable.dtype != dtype || _positionTable.device_type != device.type || _positionTable.device_index != device.index)
        {
            _positionTable?.Dispose();
            using Tensor table = PositionTable.SineCosine(Config.Transformer.HiddenSize, Config.GenPosGrid);
            _positionTable = table.to(dtype, device).alias().DetachFromDisposeScope(); // once, not a row a token
        }
        return _positionTable.select(0, index);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _positionTable?.Dispose();
        base.Dispose(disposing);
    }

    private static Tensor Learned(ModelBatch batch, Tensor ofTokens) => batch.Learned is { } learned ? ofTokens.index_select(0, learned) : ofTokens;

    // Hidden states before each position but the first, [batch·(positions − 1), H].
    private Tensor States(ModelBatch batch, BatchPlaces places, Tensor fed, SequencePacking? packing)
    {
        Tensor embedded = Embed(batch.Ids, fed, places.Slots);
        Tensor hidden = packing is null
            ? _transformer.Forward(embedded, batch.KeyMask)
            : packing.Unpack(_transformer.Forward(packing.Pack(embedded), null, null, packing.Positions, null, packing.Mask));
        return hidden.narrow(1, 0, hidden.size(1) - 1).reshape(-1, hidden.size(-1));
    }

    // Gaussian noise whose std is spread over each image's tokens as configured (spec §1.5); context stays as clean as it is in generation.
    private Tensor Noised(ModelBatch batch, Tensor fed, BatchPlaces places, NoiseSource noise)
    {
        Tensor slots = places.Slots;
        Tensor noisy = batch.Learned is { } learned ? slots.index_select(0, learned) : slots;
        Tensor flags = zeros(batch.Ids.numel(), device: batch.Ids.device).index_fill(0, noisy, Scalars.Of(1)).view(batch.Ids.shape);
        Tensor epsilon = noise.Normal(batch.Tokens.shape).to(batch.Tokens.dtype, batch.Tokens.device);
        Tensor share = Config.InputNoiseShape switch
        {
            InputNoiseShape.Growing => Growing(flags),
            InputNoiseShape.Even => flags,
            _ => flags * noise.Uniform(flags.size(0), 1).to(flags.device),
        };
        return fed.Plus((epsilon * share.flatten().index_select(0, slots).unsqueeze(1)).Times((float)Config.InputNoise));
    }

    private static Tensor Growing(Tensor flags)
    {
        Tensor order = flags.cumsum(1).mul(flags); // 1-based place in the row
        return order / order.max().clamp_min(Scalars.Of(1));
    }
}
