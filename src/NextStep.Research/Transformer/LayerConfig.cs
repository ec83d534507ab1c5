using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// The <c>model.transformer.layer</c> node: what one decoder layer does. A layer of one's own is a record that derives from this, with its options as
/// <c>init</c> properties, and a <see cref="TransformerLayer"/> that it builds; its name in files is that of its type in kebab-case without <c>Layer</c>.
/// </summary>
public abstract record LayerConfig : ComponentConfig
{
    /// <summary>Builds one layer, on the meta device too; weights are random until initialised or loaded.</summary>
    public abstract TransformerLayer Build(LayerContext context);
}

/// <summary>What a layer is built for.</summary>
/// <param name="Shape">Of the transformer.</param>
/// <param name="Index">Its place, 0 = the first.</param>
/// <param name="Device">Where its parameters lie; null = the CPU.</param>
/// <param name="Dtype">Of its parameters; null = float32.</param>
public sealed record LayerContext(TransformerConfig Shape, int Index, Device? Device = null, ScalarType? Dtype = null);

/// <summary>
/// Hidden states to hidden states. Its parameters are saved with the model under <c>layers.N.</c>; write them as fields and call
/// <c>RegisterComponents()</c> at the end of the constructor. First weights come from <see cref="Initialization"/>: names that end in
/// <c>.bias</c> 0, other vectors 1, matrices normal. <see cref="Attention"/>, <see cref="GatedMlp"/> and <see cref="RmsNorm"/> are there to be used.
/// </summary>
public abstract class TransformerLayer : nn.Module
{
    /// <summary>A module of this type's name.</summary>
    protected TransformerLayer()
        : base("layer") => MatrixProducts.Settle();

    /// <summary>Where its weights lie.</summary>
    public virtual Device Device => parameters().First().device;

    /// <summary>
    /// The same function of a position whether the sequence comes at once or by the cache, one position or some at a time; a position sees none after it.
    /// Draws no random numbers. With a cache each layer appends its keys and values once a call.
    /// </summary>
    /// <param name="x">[batch, positions, H].</param>
    /// <param name="angles">Rotary angles of these positions.</param>
    /// <param name="mask">What is added to attention's scores, [batch or 1, 1, positions, keys]; null = plain causal without a past, or one position that sees all.</param>
    /// <param name="cache">Past keys and values, or null.</param>
    /// <param name="layer">This layer's place in the cache.</param>
    /// <returns>[batch, positions, H], of the caller's dispose scope; nothing else stays alive.</returns>
    public abstract Tensor Forward(Tensor x, RotaryAngles angles, Tensor? mask, KeyValueCache? cache, int layer);
}

/// <summary>The paper's pre-norm layer (spec §2.2): the default.</summary>
public sealed record PaperLayer : LayerConfig
{
    /// <summary>RMSNorm of every head's queries and keys before they are rotated, with a weight a feature, as in Qwen3: bounds attention's scores.</summary>
    public bool QkNorm { get; init; }

    /// <inheritdoc/>
    public override TransformerLayer Build(LayerContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new DecoderLayer(context.Shape, context.Device, context.Dtype, QkNorm);
    }
}
