using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>A residual block whose layer norm is shifted, scaled and gated by the condition (spec §3.1, step 5).</summary>
internal sealed class FlowHeadBlock : nn.Module
{
    /// <summary>ε of every norm in the head.</summary>
    public const double Epsilon = 1e-6;

    internal readonly LayerNorm in_ln;
    private readonly Sequential mlp;
    private readonly Sequential adaLN_modulation;

    /// <summary>Builds one block of width D.</summary>
    public FlowHeadBlock(int width, int inner, Device? device = null, ScalarType? dtype = null)
        : base(nameof(FlowHeadBlock))
    {
        in_ln = nn.LayerNorm(width, Epsilon, device: device, dtype: dtype);
        mlp = nn.Sequential(nn.Linear(width, inner, device: device, dtype: dtype), nn.SiLU(), nn.Linear(inner, width, device: device, dtype: dtype));
        adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 3L * width, device: device, dtype: dtype));
        RegisterComponents();
    }

    /// <summary>(shift, scale, gate) side by side, [.., 3D], from y (before its SiLU).</summary>
    public Tensor Modulation(Tensor y)
    {
        using Tensor activated = nn.functional.silu(y);
        return RowLinear.Plain(Modulator, activated);
    }

    internal Linear First => (Linear)mlp[0];

    internal Linear Second => (Linear)mlp[2];

    internal Linear Modulator => (Linear)adaLN_modulation[1];

    /// <summary>x + gate ⊙ MLP(LN(x)·(1 + scale) + shift).</summary>
    public Tensor Forward(Tensor x, Tensor modulation)
    {
        if (RowPasses.Suit(training, x, modulation, First.weight, Second.weight, First.bias) && x.size(0) == modulation.size(0))
        {
            return FlowHeadBlockPass.Of(x, modulation, this);
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor[] parts = modulation.chunk(3, -1);
        Tensor h = in_ln.forward(x).mul(parts[1].Plus(1)).Plus(parts[0]);
        return x.Plus(parts[2].mul(RowLinear.Plain(Second, nn.functional.silu(RowLinear.Plain(First, h))))).MoveToOuterDisposeScope();
    }
}

/// <summary>The last, non-affine modulated norm and the projection to a velocity (spec §3.1, step 6).</summary>
internal sealed class FlowHeadFinalLayer : nn.Module
{
    internal readonly Linear linear;
    private readonly Sequential adaLN_modulation;
    private readonly int _width;

    /// <summary>Builds the layer.</summary>
    public FlowHeadFinalLayer(int width, int tokenWidth, Device? device = null, ScalarType? dtype = null)
        : base(nameof(FlowHeadFinalLayer))
    {
        _width = width;
        linear = nn.Linear(width, tokenWidth, device: device, dtype: dtype);
        adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2L * width, device: device, dtype: dtype));
        RegisterComponents();
    }

    /// <summary>(shift, scale) side by side, [.., 2D].</summary>
    public Tensor Modulation(Tensor y)
    {
        using Tensor activated = nn.functional.silu(y);
        return RowLinear.Plain(Modulator, activated);
    }

    internal Linear Modulator => (Linear)adaLN_modulation[1];

    /// <summary>Linear(LN(x)·(1 + scale) + shift).</summary>
    public Tensor Forward(Tensor x, Tensor modulation)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] parts = modulation.chunk(2, -1);
        Tensor h = nn.functional.layer_norm(x, [_width], eps: FlowHeadBlock.Epsilon).mul(parts[1].Plus(1)).Plus(parts[0]);
        return linear.forward(h).MoveToOuterDisposeScope();
    }
}

/// <summary>All modulations of one condition at one time (or of many): independent of x, so computed once per schedule.</summary>
internal sealed record FlowModulations(IReadOnlyList<Tensor> Blocks, Tensor Final)
{
    /// <summary>Out of every dispose scope, until <see cref="Dispose"/>.</summary>
    internal FlowModulations Detached() => new([.. Blocks.Select(b => b.DetachFromDisposeScope())], Final.DetachFromDisposeScope());

    internal void Dispose()
    {
        foreach (Tensor block in Blocks)
        {
            block.Dispose();
        }
        Final.Dispose();
    }
}

/// <summary>
/// The small MLP that predicts the velocity of one image token (spec §3.1, <c>SimpleMLPAdaLN</c>). Other heads use it with other inputs and outputs: what goes
/// through the blocks is x, what modulates them is T(t) + E(c).
/// </summary>
public sealed class FlowHeadNetwork : nn.Module<Tensor, Tensor, Tensor, Tensor>
{
    private readonly TimestepEmbedder? time_embed;
    private readonly Linear cond_embed;
    internal readonly Linear input_proj;
    internal readonly ModuleList<FlowHeadBlock> res_blocks;
    internal readonly FlowHeadFinalLayer final_layer;

    /// <summary>Builds the network.</summary>
    public FlowHeadNetwork(FlowHeadConfig config, Device? device = null, ScalarType? dtype = null)
        : base(nameof(FlowHeadNetwork))
    {
        Config = config;
        int inner = (int)(config.Width * config.MlpRatio);
        time_embed = config.Times > 0 ? new TimestepEmbedder(config.Width, device, dtype) : null;
        cond_embed = nn.Linear(config.ConditionWidth, config.Width, device: device, dtype: dtype);
        input_proj = nn.Linear(config.InputWidth ?? config.TokenWidth, config.Width, device: device, dtype: dtype);
        res_blocks = nn.ModuleList(Enumerable.Range(0, config.Layers).Select(_ => new FlowHeadBlock(config.Width, inner, device, dtype)).ToArray());
        final_layer = new FlowHeadFinalLayer(config.Width, config.OutputWidth ?? config.TokenWidth, device, dtype);
        RegisterComponents();
    }

    /// <summary>The shape.</summary>
    public FlowHeadConfig Config { get; }

    /// <summary>Velocity [n, d] at x [n, d], t [n] (or [n, times]), condition c [n, H].</summary>
    public override Tensor forward(Tensor x, Tensor t, Tensor c)
    {
        using DisposeScope scope = NewDisposeScope();
        FlowModulations modulations = Modulations(EmbedTimes(t).Plus(EmbedConditions(c)));
        return Velocity(x, modulations).MoveToOuterDisposeScope();
    }

    /// <summary>Without a time: [n, output] of x [n, input], modulated by E(c) alone.</summary>
    internal Tensor Untimed(Tensor x, Tensor c)
    {
        using DisposeScope scope = NewDisposeScope();
        return Velocity(x, Modulations(EmbedConditions(c))).MoveToOuterDisposeScope();
    }

    /// <summary>T(t): [n], or [n, times], to [n, D].</summary>
    /// <exception cref="InvalidOperationException">The shape has no time.</exception>
    public Tensor EmbedTimes(Tensor t) => (time_embed ?? throw new InvalidOperationException("This network was built without a time.")).forward(t);

    /// <summary>E(c): [n, H] to [n, D].</summary>
    public Tensor EmbedConditions(Tensor c) => RowLinear.Forward(cond_embed, c);

    /// <summary>Every block's modulation of y = T(t) + E(c), y: [.., D].</summary>
    internal FlowModulations Modulations(Tensor y) =>
        new([.. res_blocks.Select(b => b.Modulation(y))], final_layer.Modulation(y));

    /// <summary>As <see cref="Modulations"/>, with one SiLU for all layers; the same numbers, but gradients would be summed in another order.</summary>
    internal FlowModulations InferredModulations(Tensor y)
    {
        using Tensor activated = nn.functional.silu(y);
        return new FlowModulations([.. res_blocks.Select(b => RowLinear.Plain(b.Modulator, activated))], RowLinear.Plain(final_layer.Modulator, activated));
    }

    /// <summary>The part that depends on x: two square products per block.</summary>
    internal Tensor Velocity(Tensor x, FlowModulations modulations)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = input_proj.forward(x);
        for (int i = 0; i < res_blocks.Count; i++)
        {
            Tensor next = res_blocks[i].Forward(h, modulations.Blocks[i]);
            h.Dispose();
            h = next;
        }
        return final_layer.Forward(h, modulations.Final).MoveToOuterDisposeScope();
    }
}
