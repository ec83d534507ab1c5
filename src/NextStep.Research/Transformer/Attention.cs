using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Causal self-attention with grouped key-value heads and rotary positions (spec §2.2).</summary>
public sealed class Attention : nn.Module
{
    private readonly Linear q_proj;
    private readonly Linear k_proj;
    private readonly Linear v_proj;
    private readonly Linear o_proj;
    private readonly RmsNorm? q_norm;
    private readonly RmsNorm? k_norm;
    private readonly TransformerConfig _config;

    /// <summary>Builds the four projections, and with <paramref name="qkNorm"/> the norms of queries and keys.</summary>
    public Attention(TransformerConfig config, Device? device = null, ScalarType? dtype = null, bool qkNorm = false)
        : base(nameof(Attention))
    {
        _config = config;
        long queries = (long)config.Heads * config.HeadDim, shared = (long)config.KeyValueHeads * config.HeadDim;
        q_proj = nn.Linear(config.HiddenSize, queries, config.AttentionBias, device, dtype);
        k_proj = nn.Linear(config.HiddenSize, shared, config.AttentionBias, device, dtype);
        v_proj = nn.Linear(config.HiddenSize, shared, config.AttentionBias, device, dtype);
        o_proj = nn.Linear(queries, config.HiddenSize, config.OutputAttentionBias, device, dtype);
        if (qkNorm)
        {
            q_norm = new RmsNorm(config.HeadDim, config.RmsNormEpsilon, device, dtype);
            k_norm = new RmsNorm(config.HeadDim, config.RmsNormEpsilon, device, dtype);
        }
        RegisterComponents();
    }

    /// <summary>Attends over the cache (or the input itself) and returns [batch, positions, H].</summary>
    /// <param name="x">[batch, positions, H].</param>
    /// <param name="angles">Rotary angles of these positions.</param>
    /// <param name="mask">Bool [batch or 1, 1, positions, keys], true = may attend; null = plain causal without a past, or one position that sees all.</param>
    /// <param name="cache">Past keys and values, or null.</param>
    /// <param name="layer">This layer's place in the cache.</param>
    public Tensor Forward(Tensor x, RotaryAngles angles, Tensor? mask, KeyValueCache? cache, int layer)
    {
        using DisposeScope scope = NewDisposeScope();
        long batch = x.size(0), length = x.size(1);
        if (cache is null && q_norm is null && RowPasses.Suit(training, x, q_proj.weight, k_proj.weight, v_proj.weight) && AttentionPass.Suits(x, _config) && angles.Cosine.dtype == x.dtype)
        {
            Tensor[]? biases = q_proj.bias is { } bias ? [bias, k_proj.bias!, v_proj.bias!] : null;
            return RowLinear.Forward(o_proj, AttentionPass.Of(x, [q_proj.weight!, k_proj.weight!, v_proj.weight!], biases, angles, mask is null ? null : DotAttention.Additive(mask, x.dtype), _config)).MoveToOuterDisposeScope();
        }
        Tensor[] projected = RowLinear.Forward([q_proj, k_proj, v_proj], x);
        Tensor q = angles.Rotate(Normed(q_norm, Split(projected[0], batch, length, _config.Heads)));
        Tensor k = angles.Rotate(Normed(k_norm, Split(projected[1], batch, length, _config.KeyValueHeads)));
        Tensor v = Split(projected[2], batch, length, _config.KeyValueHeads);
        Tensor mixed;
        if (length == 1 && cache?.AppendBytes(layer, k, v) is { } bytes)
        {
            mixed = Grouped(q.to_type(ScalarType.Float32), rows => ByteAttention.Of(rows, bytes.Keys, bytes.Values, cache.Length + 1, mask));
        }
        else
        {
            if (cache is not null)
            {
                (k, v) = cache.Append(layer, k, v);
                q = q.to_type(k.dtype); // a CPU keeps its cache in float32
            }
            mixed = length == 1 ? Grouped(q, rows => DotAttention.Of(rows, k, v, mask)) : DotAttention.Of(q, Expand(k), Expand(v), mask, causal: mask is null);
        }
        return RowLinear.Forward(o_proj, mixed.to_type(x.dtype).transpose(1, 2).reshape(batch, length, -1)).MoveToOuterDisposeScope();
    }

    private static Tensor Normed(RmsNorm? norm, Tensor x) => norm is null ? x : norm.forward(x);

    private Tensor Split(Tensor x, long batch, long length, int heads) => x.view(batch, length, heads, _config.HeadDim).transpose(1, 2);

    // The query heads that share a key-value head are the rows of one product, so the cache is read where it lies, once.
    private Tensor Grouped(Tensor q, Func<Tensor, Tensor> attend)
    {
        long batch = q.size(0), group = _config.Heads / _config.KeyValueHeads;
        return attend(q.reshape(batch, _config.KeyValueHeads, group, _config.HeadDim)).reshape(batch, _config.Heads, 1, _config.HeadDim);
    }

    // Each key-value head serves a run of consecutive query heads (repeat-interleave).
    private Tensor Expand(Tensor x)
    {
        int group = _config.Heads / _config.KeyValueHeads;
        return group == 1 ? x : x.unsqueeze(2).expand(x.size(0), x.size(1), group, x.size(2), x.size(3)).reshape(x.size(0), _config.Heads, x.size(2), x.size(3));
    }
}
