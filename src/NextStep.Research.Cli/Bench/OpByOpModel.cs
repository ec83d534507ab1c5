using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>
/// The decode loop as the reference runs it, the yardstick of <c>bench</c>: keys and values are concatenated, repeated per query head
/// and masked anew at every token; the language head runs every time; a last transformer step follows the last token.
/// </summary>
internal sealed class OpByOpModel(NextStepModel model)
{
    private readonly Dictionary<string, Tensor> _weights = model.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter);
    private readonly TransformerConfig _config = model.Config.Transformer;
    private readonly OpByOpHead _head = new(model.Head.Network);
    private readonly List<(Tensor Keys, Tensor Values)> _cache = [];

    /// <summary>Forgets all positions.</summary>
    public void Reset()
    {
        _cache.ForEach(c =>
        {
            c.Keys.Dispose();
            c.Values.Dispose();
        });
        _cache.Clear();
    }

    /// <summary>Image tokens [m, count, d]; as <see cref="TokenSampler.Draw"/> without padding.</summary>
    public Tensor Draw(Tensor ids, GuidanceBranches branches, int count, SamplingConfig sampling, NoiseSource noise)
    {
        using DisposeScope scope = NewDisposeScope();
        Reset();
        FlowSamplerOptions options = new() { Solver = sampling.Solver, Steps = sampling.Steps, TimestepShift = sampling.TimestepShift, NoiseLevel = sampling.NoiseLevel };
        Tensor hidden = Forward(_weights["embed_tokens.weight"].index_select(0, ids.flatten()).view(ids.size(0), ids.size(1), -1));
        List<Tensor> tokens = [];
        for (int i = 0; i < count; i++)
        {
            using DisposeScope step = NewDisposeScope();
            Tensor last = hidden.select(1, hidden.size(1) - 1);
            Tensor token = _head.Sample(Linear("image_out_projector", last), new Guidance(branches, sampling.Guidance), noise, options);
            tokens.Add(token.MoveToOuterDisposeScope());
            Tensor next = Linear("image_in_projector", token.to_type(last.dtype)).repeat((int)branches, 1).unsqueeze(1);
            hidden = Forward(next).MoveToOuterDisposeScope();
        }
        Reset();
        return stack(tokens, 1).MoveToOuterDisposeScope();
    }

    /// <summary>Normed hidden states of new positions; language logits are computed and dropped.</summary>
    public Tensor Forward(Tensor embeddings)
    {
        using DisposeScope scope = NewDisposeScope();
        long past = _cache.Count == 0 ? 0 : _cache[0].Keys.size(2), length = embeddings.size(1);
        Tensor positions = Scalars.Range(past, past + length, dtype: ScalarType.Int64);
        RotaryAngles angles = RotaryAngles.At(positions, _config.HeadDim, _config.RopeTheta, embeddings.dtype);
        Tensor mask = Scalars.Range(past + length, dtype: ScalarType.Int64).unsqueeze(0).le(positions.unsqueeze(1)).view(1, 1, length, past + length);
        Tensor x = embeddings;
        for (int i = 0; i < _config.Layers; i++)
        {
            x = x.Plus(Attend($"layers.{i}.self_attn.", i, Norm($"layers.{i}.input_layernorm", x), angles, mask));
            Tensor n = Norm($"layers.{i}.post_attention_layernorm", x);
            string mlp = $"layers.{i}.mlp.";
            x = x.Plus(Linear(mlp + "down_proj", nn.functional.silu(Linear(mlp + "gate_proj", n)) * Linear(mlp + "up_proj", n)));
        }
        Tensor hidden = Norm("norm", x);
        _ = Linear("lm_head", hidden);
        return hidden.MoveToOuterDisposeScope();
    }

    private Tensor Attend(string name, int layer, Tensor x, RotaryAngles angles, Tensor mask)
    {
        (long batch, long length) = (x.size(0), x.size(1));
        Tensor Split(Tensor y, int heads) => y.view(batch, length, heads, _config.HeadDim).transpose(1, 2);
        Tensor q = angles.Rotate(Split(Linear(name + "q_proj", x), _config.Heads));
        Tensor k = angles.Rotate(Split(Linear(name + "k_proj", x), _config.KeyValueHeads));
        Tensor v = Split(Linear(name + "v_proj", x), _config.KeyValueHeads);
        if (layer < _cache.Count)
        {
            (Tensor keys, Tensor values) = _cache[layer];
            (k, v) = (cat([keys, k], 2), cat([values, v], 2));
            keys.Dispose();
            values.Dispose();
            _cache[layer] = (k.DetachFromDisposeScope(), v.DetachFromDisposeScope());
        }
        else
        {
            _cache.Add((k.contiguous().DetachFromDisposeScope(), v.contiguous().DetachFromDisposeScope()));
        }
        int group = _config.Heads / _config.KeyValueHeads;
        Tensor mixed = nn.functional.scaled_dot_product_attention(q, k.repeat_interleave(group, 1), v.repeat_interleave(group, 1), mask);
        return Linear(name + "o_proj", mixed.transpose(1, 2).reshape(batch, length, -1));
    }

    private Tensor Norm(string name, Tensor x)
    {
        Tensor wide = x.to_type(ScalarType.Float32);
        return (wide * wide.Squared().mean([-1], keepdim: true).Plus(_config.RmsNormEpsilon).rsqrt()).to_type(x.dtype) * _weights[name + ".weight"];
    }

    private Tensor Linear(string name, Tensor x) => nn.functional.linear(x, _weights[name + ".weight"], _weights.GetValueOrDefault(name + ".bias"));
}
