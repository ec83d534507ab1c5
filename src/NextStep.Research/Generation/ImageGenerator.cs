using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>What to draw.</summary>
public sealed record GenerationRequest
{
    /// <summary>One or more prompts; with input images, each holds the marker <c>&lt;image&gt;</c> once per image.</summary>
    public required IReadOnlyList<string> Prompts { get; init; }

    /// <summary>Pictures per prompt.</summary>
    public int ImagesPerPrompt { get; init; } = 1;

    /// <summary>Height in pixels, a multiple of the pixels per token.</summary>
    public required int Height { get; init; }

    /// <summary>Width in pixels, a multiple of the pixels per token.</summary>
    public required int Width { get; init; }

    /// <summary>Appended to every prompt, behind a space; empty = nothing.</summary>
    public string PositivePrompt { get; init; } = "";

    /// <summary>Text of the unconditional branch.</summary>
    public string NegativePrompt { get; init; } = "";

    /// <summary>Input pictures [3, H, W] in [−1, 1] in the order of their markers over all prompts.</summary>
    public IReadOnlyList<Tensor> Images { get; init; } = [];

    /// <summary>Solver, guidance, steps.</summary>
    public SamplingConfig Sampling { get; init; } = new();

    /// <summary>Seed of the noise; picture i of the request has a stream of its own.</summary>
    public long Seed { get; init; }

    /// <summary>Recorded draws instead of seeded ones.</summary>
    public NoiseSource? Noise { get; init; }

    /// <summary>Number of the first picture, so that a request may be one part of a larger one.</summary>
    public long FirstImage { get; init; }

    /// <summary>
    /// True image tokens as the model sees them, [n, L, d], one row a picture of the request: each token is drawn after these instead of after the drawn ones
    /// (teacher forcing), so that no error is carried on. Lent. Null = after its own.
    /// </summary>
    public Tensor? Teacher { get; init; }

    /// <summary>A smaller model that proposes tokens, which this one verifies: pictures of the same distribution, one at a time. Lent. Null = none.</summary>
    public SpeculativeDraft? Draft { get; init; }

    /// <summary>Called after each token of each part of the request, for inspection; what it gets is disposed afterwards.</summary>
    public Action<SampledToken>? OnToken { get; init; }

    /// <summary>Called with every state of every token's integration, by heads that integrate.</summary>
    internal Action<SampledState>? OnState { get; init; }

    /// <summary>Pictures decoded at once.</summary>
    public int BatchSize { get; init; } = 64;
}

/// <summary>How far a generation is: image tokens drawn, over all pictures.</summary>
public sealed record GenerationProgress(long Tokens, long Total);

/// <summary>Text to pictures, and text with pictures to pictures (spec §5).</summary>
public sealed class ImageGenerator(NextStepModel model, ImageAutoencoder autoencoder, TextTokenizer tokenizer)
{
    /// <summary>The marker of an input picture in a prompt.</summary>
    public const string ImageMarker = SequenceLayout.ImageMarker;

    // Pixels decoded at once: one picture of 512 × 512, all of a small sheet.
    private const int DecodedPixels = 1 << 18;

    private readonly SequenceLayout _layout = new(tokenizer, steps: model.Config.Steps);

    /// <summary>Pixels [n, 3, H, W] in [−1, 1], prompts in order, the pictures of one prompt together.</summary>
    /// <exception cref="ArgumentException">A size, a marker count or an option does not fit; the message says which.</exception>
    public Tensor Draw(GenerationRequest request, Action<GenerationProgress>? progress = null, CancellationToken cancellation = default)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor tokens = DrawTokens(request, progress, cancellation);
        int pixels = autoencoder.Config.PixelsPerToken;
        Tensor[] pictures = [.. tokens.split(DecodedAtOnce(request)).Select(part => Decode(part, request.Height / pixels, request.Width / pixels).cpu())];
        return cat(pictures).MoveToOuterDisposeScope();
    }

    /// <summary>Pictures that the decoder gets together.</summary>
    internal static int DecodedAtOnce(GenerationRequest request) => Math.Clamp(DecodedPixels / (request.Height * request.Width), 1, request.BatchSize);

    /// <summary>Image tokens [n, L, d] to pixels [n, 3, H, W], clamped.</summary>
    /// <exception cref="InvalidDataException">They are no numbers.</exception>
    public Tensor Decode(Tensor tokens, int rows, int columns)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = autoencoder.parameters().First();
        Tensor latents = PatchOrder.Unpatchify(tokens, model.Config.LatentPatchSize, rows, columns).to(weight.dtype, weight.device);
        Tensor pixels = autoencoder.Decode(autoencoder.FromModel(latents)).to_type(ScalarType.Float32);
        if (!pixels.isfinite().all().item<bool>())
        {
            throw new InvalidDataException($"{(tokens.isfinite().all().item<bool>() ? "The autoencoder decoded" : "The model drew")} values that are no numbers (NaN or infinite): weights that diverged, or settings that they do not bear (guidance, precision).");
        }
        return pixels.clamp_(Scalars.Of(-1), Scalars.Of(1)).MoveToOuterDisposeScope();
    }

    /// <summary>As <see cref="Draw"/>, before decoding: image tokens [n, L, d].</summary>
    public Tensor DrawTokens(GenerationRequest request, Action<GenerationProgress>? progress = null, CancellationToken cancellation = default)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int pixels = autoencoder.Config.PixelsPerToken;
        if (request.Height % pixels != 0 || request.Width % pixels != 0 || request.Height <= 0 || request.Width <= 0)
        {
            throw new ArgumentException($"A picture of {request.Width}×{request.Height} pixels cannot be cut into tokens; both sides must be multiples of {pixels}.", nameof(request));
        }
        (int rows, int columns) = (request.Height / pixels, request.Width / pixels);
        TokenSteps steps = model.Config.Steps;
        IReadOnlyList<int> places = steps.Places(rows, columns);
        Example[] examples = Expand(request);
        GuidanceBranches branches = Branches(request);
        Func<Tensor, Tensor>? project = steps.EachToken(request.Sampling.NormalizeTokens switch
        {
            true => autoencoder.Normalization.Project ?? TokenNormalization.Apply,
            false => null,
            null => autoencoder.Normalization.Project,
        });
        long total = (long)examples.Length * rows * columns;
        long[] drawnShape = [examples.Length, rows * columns, model.Config.TokenWidth];
        if (request.Teacher is { } given && !given.shape.SequenceEqual(drawnShape))
        {
            throw new ArgumentException($"The true tokens [{string.Join(", ", given.shape)}] do not go with pictures of tokens [{string.Join(", ", drawnShape)}].", nameof(request));
        }
        int batchSize = request.Noise is not null ? examples.Length : request.Draft is null ? request.BatchSize : 1; // a recording covers the whole request
        if (request.Draft is { } checkedDraft)
        {
            CheckDraft(checkedDraft, request, examples);
        }
        Tensor? teacher = request.Teacher is null ? null : steps.Group(request.Teacher, rows, columns);
        List<Tensor> drawn = [];
        for (int start = 0; start < examples.Length; start += batchSize)
        {
            using DisposeScope inner = NewDisposeScope();
            Example[] part = examples[start..Math.Min(examples.Length, start + batchSize)];
            using NoiseSource? own = request.Noise is null ? NoiseOf(request, start) : null;
            NoiseSource noise = request.Noise ?? own!;
            using PromptRows prompt = Rows(part, branches, request, rows, columns);
            long before = (long)start * rows * columns;
            int? noiseRepeat = request.Sampling.Solver == SamplingSolver.Reference && request.Noise is not null ? request.ImagesPerPrompt : null;
            drawn.Add((request.Draft is { } draft
                ? SpeculativeSampler.Draw(model, draft, prompt, places.Count, request.Sampling, project, noise, OnToken, cancellation)
                : TokenSampler.Draw(model, prompt, places.Count / steps.Tokens, request.Sampling, project, noise, noiseRepeat, OnToken, teacher?.narrow(0, start, part.Length), request.OnState, cancellation)).MoveToOuterDisposeScope());

            void OnToken(SampledToken t)
            {
                int first = t.Index * steps.Tokens, width = model.Config.TokenWidth;
                progress?.Invoke(new GenerationProgress(before + ((long)part.Length * (first + steps.Tokens)), total));
                for (int i = 0; request.OnToken is { } told && i < steps.Tokens; i++)
                {
                    using DisposeScope one = NewDisposeScope();
                    told(new SampledToken(places[first + i], t.Conditions, t.Token.narrow(1, i * width, width), t.Raw.narrow(1, i * width, width)));
                }
            }
        }
        return steps.Ungroup(cat(drawn), rows, columns).MoveToOuterDisposeScope();
    }

    /// <summary>The noise that a request without recorded draws is drawn from, beginning with its picture <paramref name="start"/>.</summary>
    public static NoiseSource NoiseOf(GenerationRequest request, int start = 0) => new PerImageNoise(request.Seed, "sampling.noise", request.FirstImage + start);

    /// <summary>Branches are decided by what was asked for: image guidance other than 1 with input images needs three, guidance other than 1 two.</summary>
    public static GuidanceBranches Branches(GenerationRequest request) =>
        request.Images.Count > 0 && request.Sampling.ImageGuidance != 1 ? GuidanceBranches.TextAndImage
        : request.Sampling.Guidance != 1 ? GuidanceBranches.Text
        : GuidanceBranches.None;

    private void CheckDraft(SpeculativeDraft draft, GenerationRequest request, Example[] examples)
    {
        if (request.Teacher is not null)
        {
            throw new ArgumentException("With true tokens given, nothing is proposed; leave out the draft.", nameof(request));
        }
        if (request.OnState is not null)
        {
            throw new ArgumentException("With a draft, a token's states come from two models; leave out the draft to look at them.", nameof(request));
        }
        if (request.Noise is not null && examples.Length > 1)
        {
            throw new ArgumentException($"With a draft, pictures are drawn one at a time, so recorded draws serve one picture, not {examples.Length}.", nameof(request));
        }
        draft.Check(model, autoencoder, tokenizer, examples.Select(e => e.Prompt).Append(request.NegativePrompt));
    }

    private sealed record Example(string Prompt, Tensor[] Images);

    private static Example[] Expand(GenerationRequest request)
    {
        List<Example> examples = [];
        int used = 0;
        foreach (string prompt in request.Prompts)
        {
            int markers = prompt.Split(ImageMarker).Length - 1;
            if (used + markers > request.Images.Count)
            {
                throw new ArgumentException($"The prompts hold more {ImageMarker} markers than the {request.Images.Count} input pictures: \"{prompt}\".", nameof(request));
            }
            Tensor[] images = [.. request.Images.Skip(used).Take(markers)];
            used += markers;
            string text = request.PositivePrompt.Length == 0 ? prompt : prompt + " " + request.PositivePrompt;
            examples.AddRange(Enumerable.Repeat(new Example(text, images), request.ImagesPerPrompt));
        }
        if (used != request.Images.Count)
        {
            throw new ArgumentException($"{request.Images.Count} input pictures were given but the prompts hold {used} {ImageMarker} markers.", nameof(request));
        }
        return [.. examples];
    }

    // Branch-major rows, padded on the left: conditional; image of the first size with the negative text; negative text alone.
    private PromptRows Rows(Example[] examples, GuidanceBranches branches, GenerationRequest request, int rows, int columns)
    {
        string negative = request.NegativePrompt;
        int[] prefix = _layout.ImagePrefix(rows, columns);
        List<int[]> sequences = [.. examples.Select(e => (int[])[.. Text(e.Prompt, e.Images), .. prefix])];
        List<Tensor> images = [.. examples.SelectMany(e => e.Images)];
        if (branches == GuidanceBranches.TextAndImage)
        {
            sequences.AddRange(examples.Select(e => (int[])[.. Text(SequenceLayout.EditPrompt(negative, model.Config.EditLayout, e.Images.Length), e.Images), .. prefix]));
            images.AddRange([.. images]);
        }
        if (branches != GuidanceBranches.None)
        {
            int[] unconditional = [.. _layout.Text(negative), .. prefix];
            sequences.AddRange(Enumerable.Repeat(unconditional, examples.Length));
        }
        int length = sequences.Max(s => s.Length);
        long[] ids = new long[sequences.Count * length];
        bool[] mask = new bool[ids.Length];
        Array.Fill(ids, tokenizer.Special.Pad);
        for (int row = 0; row < sequences.Count; row++)
        {
            int offset = (row * length) + length - sequences[row].Length;
            for (int i = 0; i < sequences[row].Length; i++)
            {
                ids[offset + i] = sequences[row][i];
                mask[offset + i] = true;
            }
        }
        Tensor? tokens = images.Count == 0 ? null : cat(EncodeImages(images, request));
        return new PromptRows(
            tensor(ids, [sequences.Count, length]),
            mask.All(m => m) ? null : tensor(mask, [sequences.Count, length]),
            tokens, branches);
    }

    private int[] Text(string prompt, Tensor[] images)
    {
        int pixels = autoencoder.Config.PixelsPerToken;
        if (images.FirstOrDefault(i => i.size(1) % pixels != 0 || i.size(2) % pixels != 0) is { } odd)
        {
            throw new ArgumentException($"An input picture of {odd.size(2)}×{odd.size(1)} pixels cannot be cut into tokens; resize it to multiples of {pixels}.", nameof(images));
        }
        return _layout.Text(prompt, [.. images.Select(i => ((int)i.size(1) / pixels, (int)i.size(2) / pixels))]);
    }

    // Tokens [L, d] of each picture; one that stands there several times is encoded once.
    private Tensor[] EncodeImages(List<Tensor> images, GenerationRequest request)
    {
        Tensor weight = autoencoder.parameters().First();
        Dictionary<Tensor, LatentPosterior> posteriors = new(ReferenceEqualityComparer.Instance);
        foreach (Tensor image in images.Where(i => !posteriors.ContainsKey(i)))
        {
            posteriors.Add(image, autoencoder.Encode(image.unsqueeze(0).to(weight.dtype, weight.device)));
        }
        bool alike = images.All(i => i.shape.SequenceEqual(images[0].shape));
        if (request.Noise is { } recorded && alike)
        {
            // The reference draws once for the whole stack, copies for the guidance branch included, even where the posterior has no width.
            LatentPosterior all = new(cat([.. images.Select(i => posteriors[i].Mean)]), cat([.. images.Select(i => posteriors[i].LogVariance)]));
            if (autoencoder.Deterministic && recorded is RecordedNoise replay && replay.NextIs(all.Mean.shape))
            {
                replay.Normal(all.Mean.shape).Dispose();
            }
            return [Tokens(autoencoder.Sample(all, recorded), model.Config.LatentPatchSize).flatten(0, 1)];
        }
        Dictionary<Tensor, Tensor> tokens = new(ReferenceEqualityComparer.Instance);
        foreach ((Tensor image, LatentPosterior posterior) in posteriors)
        {
            // By the picture's place in the request, so that every guidance branch and every batch sees the same.
            int place = request.Images.TakeWhile(i => !ReferenceEquals(i, image)).Count();
            using NoiseSource noise = new DrawnNoise(request.Seed, "sampling.posterior", place);
            tokens.Add(image, Tokens(autoencoder.Sample(posterior, request.Noise ?? noise), model.Config.LatentPatchSize).squeeze(0));
        }
        return [.. images.Select(i => tokens[i])];
    }

    private Tensor Tokens(Tensor latents, int patch) =>
        model.Config.Steps.Group(PatchOrder.Patchify(autoencoder.ToModel(latents), patch), (int)latents.size(2) / patch, (int)latents.size(3) / patch);
}
