using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>A model in the middle of one picture: its cache, and what is asked of it, the conditions of tokens after given ones.</summary>
internal sealed class CachedModel : IDisposable
{
    private readonly NextStepModel _model;
    private readonly KeyValueCache _cache;
    private readonly Tensor? _keyMask;

    /// <summary>Reads the prompt.</summary>
    /// <param name="model">In evaluation mode.</param>
    /// <param name="prompt">Of one picture.</param>
    /// <param name="branches">How many of the prompt's row blocks this model reads.</param>
    /// <param name="count">L, image tokens.</param>
    /// <param name="cacheBits">Of its cache, as in <see cref="SamplingConfig.CacheBits"/>.</param>
    public CachedModel(NextStepModel model, PromptRows prompt, GuidanceBranches branches, int count, int? cacheBits)
    {
        using DisposeScope scope = NewDisposeScope();
        int rows = (int)branches;
        long length = prompt.Ids.size(1);
        (_model, Branches, PromptLength) = (model, branches, length);
        IReadOnlyList<Device> layers = model.Transformer.LayerDevices;
        PromptRows read = branches == prompt.Branches ? prompt : new PromptRows(prompt.Ids.narrow(0, 0, rows), prompt.KeyMask?.narrow(0, 0, rows), Own(model, prompt, rows), branches);
        _cache = new KeyValueCache(model.Config.Transformer, rows, length + count - 1, KeyValueCache.DtypeOf(model.Transformer), layers, cacheBits);
        _keyMask = read.KeyMask is { } mask
            ? cat([mask.to(layers[0]), ones(rows, count, dtype: ScalarType.Bool, device: layers[0])], 1).DetachFromDisposeScope()
            : null;
        First = TokenSampler.Prefill(model, read, _keyMask, _cache, model.Transformer.Dtype, layers[0]).unsqueeze(1).DetachFromDisposeScope();
    }

    /// <summary>Row blocks.</summary>
    public GuidanceBranches Branches { get; }

    /// <summary>Positions of the prompt.</summary>
    public long PromptLength { get; }

    /// <summary>Hidden state after the prompt, [branches, 1, H].</summary>
    public Tensor First { get; }

    /// <summary>Hidden states after each of n tokens behind those before, [branches, n, H], in one pass.</summary>
    /// <param name="tokens">[n, d].</param>
    public Tensor Feed(Tensor tokens)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor next = _model.ProjectIn(tokens.to(_model.Transformer.Dtype)).unsqueeze(0).repeat((int)Branches, 1, 1);
        return _model.Transformer.Forward(next, _keyMask?.narrow(1, 0, _cache.Length + tokens.size(0)), _cache).MoveToOuterDisposeScope();
    }

    /// <summary>Conditions of tokens index, index + 1, …, [branches, n, H], from hidden states of that shape.</summary>
    public Tensor Conditions(Tensor hidden, int index)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] positions = [.. Enumerable.Range(index, (int)hidden.size(1)).Select(i => _model.GenerationPosition(i, hidden.device, hidden.dtype)).OfType<Tensor>()];
        return _model.ProjectOut(positions.Length == 0 ? hidden : hidden.Plus(stack(positions))).MoveToOuterDisposeScope();
    }

    /// <summary>Forgets all but the prompt and the first <paramref name="tokens"/> image tokens.</summary>
    public void Keep(int tokens) => _cache.Cut(PromptLength + tokens);

    // Input pictures of the first rows alone: as many tokens as those rows have placeholders.
    private static Tensor? Own(NextStepModel model, PromptRows prompt, int rows) => prompt.InputTokens?.narrow(
        0, 0, prompt.Ids.narrow(0, 0, rows).eq(Scalars.Of(model.Config.Special.ImagePlaceholder)).sum().item<long>());

    /// <inheritdoc/>
    public void Dispose()
    {
        First.Dispose();
        _keyMask?.Dispose();
        _cache.Dispose();
    }
}
