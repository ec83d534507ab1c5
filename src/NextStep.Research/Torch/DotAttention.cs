using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// softmax(q·kᵀ/√d + mask)·v. libtorch's fused form for the CPU multiplies the matrices of one head and block at a time, each so small that the call
/// costs more than the product: up to 512² scores all heads are multiplied at once, operation by operation. Longer sequences, and other devices, keep
/// the fused form, which holds no scores.
/// </summary>
internal static class DotAttention
{
    /// <summary>Scores of a head that are still held.</summary>
    public const long Most = 512 * 512;

    /// <summary>[batch, heads, queries, d]. Which form runs depends on device and shape alone.</summary>
    /// <param name="q">[batch, heads, queries, d].</param>
    /// <param name="k">[batch, heads, keys, d].</param>
    /// <param name="v">[batch, heads, keys, d].</param>
    /// <param name="mask">Bool, true = may attend, or what is added to the scores. Null = none.</param>
    /// <param name="causal">Without a mask: query i sees the keys up to i.</param>
    public static Tensor Of(Tensor q, Tensor k, Tensor v, Tensor? mask = null, bool causal = false)
    {
        long queries = q.size(-2), keys = k.size(-2);
        if (q.device.type != DeviceType.CPU || queries * keys > Most)
        {
            return nn.functional.scaled_dot_product_attention(q, k, v, mask!, is_casual: causal && mask is null);
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor scores = q.Times(1 / Math.Sqrt(q.size(-1))).matmul(k.transpose(-2, -1));
        if ((mask ?? (causal ? ones(queries, keys, dtype: ScalarType.Bool).tril() : null)) is { } seen)
        {
            scores = scores.Plus(Additive(seen, scores.dtype));
        }
        return scores.softmax(-1).matmul(v).MoveToOuterDisposeScope();
    }

    /// <summary>A mask as what is added to the scores: 0 where a key is seen, half the lowest number where it is not, so that a query without a key gets no NaN; of what is one already, itself.</summary>
    /// <param name="mask">Bool, true = may attend.</param>
    /// <param name="dtype">Of queries and keys.</param>
    public static Tensor Additive(Tensor mask, ScalarType dtype)
    {
        if (mask.dtype != ScalarType.Bool)
        {
            return mask;
        }
        using DisposeScope scope = NewDisposeScope();
        double lowest = dtype == ScalarType.Float16 ? (double)Half.MinValue : float.MinValue;
        return zeros(mask.shape, dtype, mask.device).masked_fill(mask.logical_not(), Scalars.Of(lowest / 2)).MoveToOuterDisposeScope();
    }
}
