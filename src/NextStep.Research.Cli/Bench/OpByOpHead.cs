using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>
/// The flow head as the reference runs it, the yardstick of <c>bench</c>: at every solver step the time and the condition are embedded
/// anew, every block does its own modulation product, every operation makes a new tensor.
/// </summary>
internal sealed class OpByOpHead(FlowHeadNetwork network)
{
    private readonly Dictionary<string, Tensor> _weights = network.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter);
    private readonly int _layers = network.Config.Layers;

    /// <summary>One token per row of the conditional block, [m, d] float32; as <see cref="FlowSampler.Sample"/>.</summary>
    public Tensor Sample(Tensor conditions, Guidance guidance, NoiseSource noise, FlowSamplerOptions options)
    {
        using DisposeScope scope = NewDisposeScope();
        FlowSolver solver = new(options);
        int branches = (int)guidance.Branches;
        long pictures = conditions.size(0) / branches, width = network.Config.TokenWidth;
        Tensor x = noise.Normal(pictures, width);
        for (int i = 0; i < options.Steps; i++)
        {
            using DisposeScope step = NewDisposeScope();
            Tensor t = full(conditions.size(0), Scalars.Of(solver.Times[i]), dtype: conditions.dtype);
            Tensor velocity = Velocity(x.repeat(branches, 1).to_type(conditions.dtype), t, conditions).to_type(ScalarType.Float32);
            x = solver.Step(x, guidance.Combine(velocity), i, () => noise.Normal(pictures, width)).MoveToOuterDisposeScope();
        }
        return x.MoveToOuterDisposeScope();
    }

    private Tensor Velocity(Tensor x, Tensor t, Tensor c)
    {
        Tensor times = TimestepEmbedder.Sinusoids(t, TimestepEmbedder.FrequencyWidth).to_type(c.dtype);
        Tensor y = Linear("time_embed.mlp.2", nn.functional.silu(Linear("time_embed.mlp.0", times))).Plus(Linear("cond_embed", c));
        Tensor h = Linear("input_proj", x);
        long width = h.size(-1);
        for (int i = 0; i < _layers; i++)
        {
            string block = $"res_blocks.{i}.";
            Tensor[] m = Linear(block + "adaLN_modulation.1", nn.functional.silu(y)).chunk(3, -1);
            Tensor n = nn.functional.layer_norm(h, [width], _weights[block + "in_ln.weight"], _weights[block + "in_ln.bias"], FlowHeadBlock.Epsilon);
            n = (n * m[1].Plus(1)).Plus(m[0]);
            h = h.Plus(m[2] * Linear(block + "mlp.2", nn.functional.silu(Linear(block + "mlp.0", n))));
        }
        Tensor[] last = Linear("final_layer.adaLN_modulation.1", nn.functional.silu(y)).chunk(2, -1);
        Tensor end = nn.functional.layer_norm(h, [width], eps: FlowHeadBlock.Epsilon);
        return Linear("final_layer.linear", (end * last[1].Plus(1)).Plus(last[0]));
    }

    private Tensor Linear(string name, Tensor x) => nn.functional.linear(x, _weights[name + ".weight"], _weights[name + ".bias"]);
}
