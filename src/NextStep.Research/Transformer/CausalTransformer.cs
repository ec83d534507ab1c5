using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>The decoder-only language model: embedding, blocks, final norm, language head (spec §2).</summary>
public sealed class CausalTransformer : nn.Module
{
    internal readonly TokenEmbedding embed_tokens;
    internal readonly ModuleList<TransformerLayer> layers;
    internal readonly RmsNorm norm;
    internal readonly Linear lm_head;

    /// <summary>Builds the network; weights are random until initialised or loaded.</summary>
    public CausalTransformer(TransformerConfig config, Device? device = null, ScalarType? dtype = null)
        : base(nameof(CausalTransformer))
    {
        config.Validate();
        Config = config;
        embed_tokens = new TokenEmbedding(config.VocabularySize, config.HiddenSize, device, dtype);
        layers = nn.ModuleList(Enumerable.Range(0, config.Layers).Select(i => config.Layer.Build(new LayerContext(config, i, device, dtype))).ToArray());
        norm = new RmsNorm(config.HiddenSize, config.RmsNormEpsilon, device, dtype);
        lm_head = nn.Linear(config.HiddenSize, config.VocabularySize, false, device, dtype);
        RegisterComponents();
    }

    /// <summary>The shape.</summary>
    public TransformerConfig Config { get; }

    /// <summary>Device of each layer: all the same unless the weights were placed on several.</summary>
    public IReadOnlyList<Device> LayerDevices => [.. layers.Select(l => l.Device)];

    /// <summary>Dtype of the weights.</summary>
    public ScalarType Dtype => norm.weight.dtype;

    /// <summary>Training only: layers keep no intermediate results for the backward pass but compute them again (gradient checkpointing).</summary>
    public bool RecomputeLayers { get; set; }

    /// <summary>Rows of the embedding table: ids [batch, positions] to [batch, positions, H], where the first layer lies.</summary>
    public Tensor Embed(Tensor ids) => On(layers[0].Device, embed_tokens.forward(On(embed_tokens.weight.device, ids)));

    /// <summary>Language logits [.., vocabulary] of normed hidden states, where the language head lies.</summary>
    public Tensor Logits(Tensor hidden) => lm_head.forward(On(lm_head.weight!.device, hidden));

    /// <summary>Hidden states after the final norm, [batch, positions, H], where the norm lies.</summary>
    /// <param name="embeddings">[batch, positions, H].</param>
    /// <param name="keyMask">Bool [batch, keys] over cached and new positions, false = padding; null = none. Padding only on the left when a cache is used, and a single new position is none.</param>
    /// <param name="cache">Past positions; the new ones are appended.</param>
    /// <param name="positions">int64 [positions] or [batch, positions]; null = behind the cache, padding counted, as the reference does.</param>
    /// <param name="onLayer">Called with every hidden state before each block and the final normed one, for inspection; what it gets lives as long as the dispose scope around this call.</param>
    /// <param name="mask">Bool [batch, 1, positions, keys], true = may attend, or what <see cref="Additive"/> makes of it: instead of the causal rule and <paramref name="keyMask"/>.</param>
    public Tensor Forward(Tensor embeddings, Tensor? keyMask = null, KeyValueCache? cache = null, Tensor? positions = null, Action<Tensor>? onLayer = null, Tensor? mask = null)
    {
        using DisposeScope scope = NewDisposeScope();
        long past = cache?.Length ?? 0, length = embeddings.size(1);
        RotaryAngles angles = positions is null && cache is not null
            ? cache.Angles(past, length, embeddings.dtype, embeddings.device)
            : RotaryAngles.At(positions ?? Scalars.Range(past, past + length, dtype: ScalarType.Int64, device: embeddings.device), Config.HeadDim, Config.RopeTheta, embeddings.dtype);
        mask ??= AttentionMask(keyMask, past, length, embeddings.device);
        mask = mask is null ? null : Additive(mask, cache?.Dtype ?? embeddings.dtype); // libtorch would do it in every layer
        Device device = embeddings.device;
        Tensor x = embeddings;
        for (int i = 0; i < layers.Count; i++)
        {
            if (layers[i].Device is { } next && !Same(next, device))
            {
                (x, angles, mask, device) = (x.to(next), angles.To(next), mask?.to(next), next);
            }
            Show(x);
            Tensor following = RecomputeLayers && cache is null ? Recomputed(layers[i], x, angles, mask) : layers[i].Forward(x, angles, mask, cache, i);
            if (i > 0)
            {
                x.Dispose();
            }
            x = following;
        }
        cache?.Advance(length);
        Tensor hidden = norm.forward(On(norm.weight.device, x));
        Show(hidden);
        return hidden.MoveToOuterDisposeScope();

        void Show(Tensor state) => onLayer?.Invoke(state.alias().MoveToOuterDisposeScope());
    }

    /// <summary>A mask as what is added to attention's scores: 0 where a key is seen, half the lowest float32 where it is not, so that a query without a key gets no NaN; of what is one already, itself.</summary>
    /// <param name="mask">Bool, true = may attend.</param>
    /// <param name="dtype">Of queries and keys.</param>
    public static Tensor Additive(Tensor mask, ScalarType dtype) => DotAttention.Additive(mask, dtype);

    private static Tensor Recomputed(TransformerLayer layer, Tensor x, RotaryAngles angles, Tensor? mask) => Recompute.Run(
        (h, kept) => layer.Forward(h, new RotaryAngles(kept[0], kept[1]), kept.Length > 2 ? kept[2] : null, null, 0),
        x, mask is null ? [angles.Cosine, angles.Sine] : [angles.Cosine, angles.Sine, mask]);

    private static Tensor On(Device device, Tensor x) => Same(x.device, device) ? x : x.to(device);

    private static bool Same(Device a, Device b) => a.type == b.type && a.index == b.index;

    // A key is visible when it is not in the future and not padding; a query with no such key sees itself, so that no row is empty.
    private static Tensor? AttentionMask(Tensor? keyMask, long past, long length, Device device)
    {
        if (keyMask is null && (past == 0 || length == 1))
        {
            return null;
        }
        if (length == 1)
        {
            return keyMask!.to_type(ScalarType.Bool).view(keyMask.size(0), 1, 1, -1); // all keys are in the past, and the newest is no padding
        }
        Tensor keys = Scalars.Range(past + length, dtype: ScalarType.Int64, device: device).unsqueeze(0);
        Tensor queries = Scalars.Range(past, past + length, dtype: ScalarType.Int64, device: device).unsqueeze(1);
        Tensor causal = keys.le(queries);
        if (keyMask is null)
        {
            return causal.view(1, 1, length, past + length);
        }
        Tensor visible = causal.logical_and(keyMask.to_type(ScalarType.Bool).unsqueeze(1)); // [batch, positions, keys]
        Tensor alone = visible.any(-1, true).logical_not().logical_and(keys.eq(queries));
        return visible.logical_or(alone).unsqueeze(1);
    }
}
