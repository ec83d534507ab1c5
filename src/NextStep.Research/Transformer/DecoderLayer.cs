using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>down(silu(gate(x)) ⊙ up(x)) (spec §2.2).</summary>
public sealed class GatedMlp : nn.Module<Tensor, Tensor>
{
    private readonly Linear gate_proj;
    private readonly Linear up_proj;
    private readonly Linear down_proj;

    /// <summary>Builds the three products.</summary>
    public GatedMlp(TransformerConfig config, Device? device = null, ScalarType? dtype = null)
        : base(nameof(GatedMlp))
    {
        gate_proj = nn.Linear(config.HiddenSize, config.IntermediateSize, config.MlpBias, device, dtype);
        up_proj = nn.Linear(config.HiddenSize, config.IntermediateSize, config.MlpBias, device, dtype);
        down_proj = nn.Linear(config.IntermediateSize, config.HiddenSize, config.MlpBias, device, dtype);
        RegisterComponents();
    }

    /// <summary>[…, H] to [ …, H].</summary>
    public override Tensor forward(Tensor input)
    {
        if (gate_proj.bias is null && RowPasses.Suit(training, input, gate_proj.weight, up_proj.weight, down_proj.weight))
        {
            return GatedMlpPass.Of(input, gate_proj.weight!, up_proj.weight!, down_proj.weight!);
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor[] both = RowLinear.Forward([gate_proj, up_proj], input);
        return RowLinear.Forward(down_proj, nn.functional.silu(both[0]).mul(both[1])).MoveToOuterDisposeScope();
    }
}

/// <summary>One pre-norm decoder block: a = x + Attention(RMSNorm(x)); y = a + MLP(RMSNorm(a)) (spec §2.2).</summary>
public sealed class DecoderLayer : TransformerLayer
{
    private readonly RmsNorm input_layernorm;
    private readonly Attention self_attn;
    private readonly RmsNorm post_attention_layernorm;
    private readonly GatedMlp mlp;

    /// <summary>Builds the block.</summary>
    public DecoderLayer(TransformerConfig config, Device? device = null, ScalarType? dtype = null, bool qkNorm = false)
    {
        input_layernorm = new RmsNorm(config.HiddenSize, config.RmsNormEpsilon, device, dtype);
        self_attn = new Attention(config, device, dtype, qkNorm);
        post_attention_layernorm = new RmsNorm(config.HiddenSize, config.RmsNormEpsilon, device, dtype);
        mlp = new GatedMlp(config, device, dtype);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Device Device => input_layernorm.weight.device;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, RotaryAngles angles, Tensor? mask, KeyValueCache? cache, int layer)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor attended = x.Plus(self_attn.Forward(input_layernorm.forward(x), angles, mask, cache, layer));
        return attended.Plus(mlp.forward(post_attention_layernorm.forward(attended))).MoveToOuterDisposeScope();
    }
}
