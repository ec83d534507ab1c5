using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>What the decode loop starts from: rows of ids, branch-major. Whoever made it disposes it.</summary>
/// <param name="Ids">int64 [branches·m, T], padded on the left.</param>
/// <param name="KeyMask">Bool [branches·m, T], false = padding; null = no padding anywhere.</param>
/// <param name="InputTokens">Tokens of input images in the order of their placeholders in the flattened ids, [n, d]; null = none.</param>
/// <param name="Branches">Row blocks.</param>
internal sealed record PromptRows(Tensor Ids, Tensor? KeyMask, Tensor? InputTokens, GuidanceBranches Branches) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Ids.Dispose();
        KeyMask?.Dispose();
        InputTokens?.Dispose();
    }
}

/// <summary>A token was drawn for every picture, lent for the time of the call: its raster index, the conditions of its step [branches·m, H], the tokens [m, d], and the tokens as the head drew them, before normalisation.</summary>
public sealed record SampledToken(int Index, Tensor Conditions, Tensor Token, Tensor Raw);

/// <summary>A state of a token's integration, lent for the time of the call: the token's raster index, or the number of the step that draws several, the solver's steps taken, 0 = none yet, and the state [m, d].</summary>
internal sealed record SampledState(int Token, int Steps, Tensor X);

/// <summary>
/// The decode loop (spec §5.4): prefill, then per image token one head sampling and one cached transformer step; none after the last
/// token, and never the language head.
/// </summary>
internal static class TokenSampler
{
    private const long PrefillChunk = 512;

    /// <summary>Draws <paramref name="count"/> tokens for each of the m pictures, [m, count, d] float32.</summary>
    /// <param name="model">In evaluation mode.</param>
    /// <param name="prompt">Where to start.</param>
    /// <param name="count">L, image tokens per picture; of k tokens a step (<see cref="TokenSteps"/>) the L/k steps, whose k tokens are one of k·d features here.</param>
    /// <param name="sampling">Solver, guidance and schedule.</param>
    /// <param name="project">Puts each token back where normalised tokens lie, before it is fed back and decoded; null = tokens stay as they are.</param>
    /// <param name="noise">All draws.</param>
    /// <param name="noiseRepeat">Reference solver: noise rows shared by tiling; null = one a picture.</param>
    /// <param name="onToken">Called after each token, for progress and inspection.</param>
    /// <param name="teacher">[m, count, d]: fed back instead of what was drawn; null = what was drawn.</param>
    /// <param name="onState">Called with the noise that a token's integration begins with, its first draw, and with the state after every step of it.</param>
    /// <param name="cancellation">Stops between tokens.</param>
    public static Tensor Draw(
        NextStepModel model, PromptRows prompt, int count, SamplingConfig sampling, Func<Tensor, Tensor>? project, NoiseSource noise,
        int? noiseRepeat = null, Action<SampledToken>? onToken = null, Tensor? teacher = null, Action<SampledState>? onState = null, CancellationToken cancellation = default)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        long rows = prompt.Ids.size(0), length = prompt.Ids.size(1);
        IReadOnlyList<Device> layers = model.Transformer.LayerDevices;
        (ScalarType dtype, Device device) = (model.Transformer.Dtype, layers[0]);
        using TokenHeadSamplers samplers = new(model, sampling, count, noiseRepeat);
        using KeyValueCache cache = new(model.Config.Transformer, rows, length + count - 1, KeyValueCache.DtypeOf(model.Transformer), layers, sampling.CacheBits);
        Tensor? keyMask = prompt.KeyMask is null ? null : cat([prompt.KeyMask.to(device), ones(rows, count, dtype: ScalarType.Bool, device: device)], 1);
        Tensor hidden = Prefill(model, prompt, keyMask, cache, dtype, device); // [rows, H]
        Tensor? visible = keyMask is null ? null : CausalTransformer.Additive(keyMask.view(rows, 1, 1, -1), cache.Dtype); // for all tokens and layers
        List<Tensor> tokens = [];
        for (int index = 0; index < count; index++)
        {
            cancellation.ThrowIfCancellationRequested();
            using DisposeScope step = NewDisposeScope();
            SampledToken sampled = Sample(model, samplers.At(index), hidden, index, GuidanceOf(sampling, prompt.Branches, index, count), project, noise, onState);
            tokens.Add(sampled.Token.to_type(ScalarType.Float32).MoveToOuterDisposeScope());
            onToken?.Invoke(sampled);
            if (index < count - 1)
            {
                Tensor fed = teacher?.select(1, index).to(sampled.Token.dtype, sampled.Token.device) ?? sampled.Token;
                Tensor following = Feed(model, fed, prompt.Branches, visible, cache).MoveToOuterDisposeScope();
                hidden.Dispose();
                hidden = following;
            }
        }
        return stack(tokens, 1).MoveToOuterDisposeScope();
    }

    /// <summary>Scales of token <paramref name="index"/> of <paramref name="count"/>.</summary>
    public static Guidance GuidanceOf(SamplingConfig sampling, GuidanceBranches branches, int index, int count) => new(
        branches,
        Guidance.At(sampling.GuidanceSchedule, sampling.Guidance, index, count),
        Guidance.At(sampling.GuidanceSchedule, sampling.ImageGuidance, index, count));

    // This and the next are all that runs for a token. They read nothing back from a device: a GPU would fall idle each time.
    private static SampledToken Sample(NextStepModel model, TokenHeadSampler sampler, Tensor hidden, int index, Guidance guidance, Func<Tensor, Tensor>? project, NoiseSource noise, Action<SampledState>? onState)
    {
        Tensor conditions = model.ProjectOut(model.GenerationPosition(index, hidden.device, hidden.dtype) is { } position ? hidden.Plus(position) : hidden);
        // Rounded to the weights' dtype once, so that what is fed back is what is decoded.
        Tensor raw = (onState is null ? sampler.Sample(conditions, guidance, noise) : Observed(sampler, conditions, index, guidance, noise, onState)).to_type(hidden.dtype);
        return new SampledToken(index, conditions, project is null ? raw : project(raw), raw);
    }

    private static Tensor Observed(TokenHeadSampler sampler, Tensor conditions, int index, Guidance guidance, NoiseSource noise, Action<SampledState> onState)
    {
        int steps = 0;
        return sampler.Sample(conditions, guidance, new FirstDraw(noise, Tell), Tell);

        void Tell(Tensor x) => onState(new SampledState(index, steps++, x));
    }

    private static Tensor Feed(NextStepModel model, Tensor token, GuidanceBranches branches, Tensor? visible, KeyValueCache cache)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor next = model.ProjectIn(token).repeat((int)branches, 1).unsqueeze(1);
        return Last(model.Transformer.Forward(next, null, cache, mask: visible?.narrow(3, 0, cache.Length + 1))).MoveToOuterDisposeScope();
    }

    /// <summary>Reads the prompt into the cache and returns the last hidden states [rows, H]. Rows with the same prompt are computed once, long prompts in pieces.</summary>
    public static Tensor Prefill(NextStepModel model, PromptRows prompt, Tensor? keyMask, KeyValueCache cache, ScalarType dtype, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        long rows = prompt.Ids.size(0), length = prompt.Ids.size(1);
        (long[] distinct, long[] which) = prompt.InputTokens is null ? Distinct(prompt.Ids) : ([], []);
        bool shared = distinct.Length > 0 && distinct.Length < rows;
        using KeyValueCache? once = shared ? cache.Sibling(distinct.Length, length) : null;
        Tensor? selected = shared ? tensor(distinct).to(device) : null;
        Tensor ids = prompt.Ids.to(device);
        Tensor embedded = model.Embed(selected is null ? ids : ids.index_select(0, selected), prompt.InputTokens?.to(dtype, device));
        Tensor? mask = selected is null ? keyMask : keyMask?.index_select(0, selected);
        Tensor hidden = embedded;
        for (long start = 0; start < length; start += PrefillChunk)
        {
            long count = Math.Min(PrefillChunk, length - start);
            hidden = Last(model.Transformer.Forward(embedded.narrow(1, start, count), mask?.narrow(1, 0, start + count), once ?? cache));
        }
        if (once is not null)
        {
            Tensor at = tensor(which);
            cache.Take(once, at);
            hidden = hidden.index_select(0, at.to(hidden.device));
        }
        return hidden.MoveToOuterDisposeScope();
    }

    // The first row of every distinct sequence, and for each row which of them it is. Padding is part of a sequence.
    private static (long[] Distinct, long[] Which) Distinct(Tensor ids)
    {
        using Tensor local = ids.cpu();
        long[] flat = [.. local.data<long>()];
        int length = (int)ids.size(1);
        Dictionary<string, long> known = [];
        List<long> distinct = [];
        long[] which = new long[ids.size(0)];
        for (int row = 0; row < which.Length; row++)
        {
            string key = string.Join(' ', flat[(row * length)..((row + 1) * length)]);
            if (!known.TryGetValue(key, out which[row]))
            {
                known[key] = which[row] = distinct.Count;
                distinct.Add(row);
            }
        }
        return ([.. distinct], which);
    }

    private static Tensor Last(Tensor hidden) => hidden.select(1, hidden.size(1) - 1);
}
