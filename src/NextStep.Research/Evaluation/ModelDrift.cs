using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>What two models are compared on.</summary>
public sealed record ModelDriftOptions
{
    /// <summary>One picture each, at least one.</summary>
    public required IReadOnlyList<string> Prompts { get; init; }

    /// <summary>Pixels, a multiple of those of a token.</summary>
    public required int Height { get; init; }

    /// <summary>Pixels, a multiple of those of a token.</summary>
    public required int Width { get; init; }

    /// <summary>Solver, guidance, steps of the drawings.</summary>
    public SamplingConfig Sampling { get; init; } = new();

    /// <summary>Seed of the drawings and of the flow times.</summary>
    public long Seed { get; init; }
}

/// <summary>An error relative to the original: ‖changed − original‖ / ‖original‖.</summary>
/// <param name="Name">Where.</param>
/// <param name="Relative">Over all positions and prompts.</param>
/// <param name="Worst">Of the worst single position.</param>
public sealed record DriftPart(string Name, double Relative, double Worst);

/// <summary>
/// How far a changed copy of a model (quantized, in another precision) is from the original. States and velocities are compared after the same tokens, those that the original draws,
/// so that nothing is carried on; the tokens themselves where each model draws after its own, from the same noise.
/// </summary>
/// <param name="States">What enters the first layer, what each layer but the last gives, the normed last state, and the head's condition at the image tokens.</param>
/// <param name="Velocities">Of the flow head at times as in training: <c>head</c> alone (the original's conditions), <c>transformer</c> alone (the original's head), <c>both</c>; empty for heads without a velocity, or whose tokens of a step are drawn each by itself.</param>
/// <param name="Tokens">Of the drawn tokens by place in the raster order, one number a place.</param>
public sealed record ModelDrift(IReadOnlyList<DriftPart> States, IReadOnlyList<DriftPart> Velocities, IReadOnlyList<double> Tokens)
{
    // So few that the kernels for few rows draw them, as they draw for a user.
    private const int DrawnAtOnce = 8;

    /// <summary>Compares two models of one shape.</summary>
    /// <param name="original">The reference.</param>
    /// <param name="changed">The copy.</param>
    /// <param name="options">On what.</param>
    /// <param name="progress">Called with what is being done.</param>
    /// <param name="cancellation">Stops between tokens and prompts.</param>
    /// <exception cref="ArgumentException">The models' shapes differ, or a size does not fit.</exception>
    public static ModelDrift Measure(LoadedModel original, LoadedModel changed, ModelDriftOptions options, Action<string>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(original);
        ArgumentNullException.ThrowIfNull(changed);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfZero(options.Prompts.Count);
        Agree(original.Model.Config, changed.Model.Config);
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor tokens = Draw(original, "original"), others = Draw(changed, "changed");
        int pixels = original.Autoencoder.Config.PixelsPerToken, rows = options.Height / pixels, columns = options.Width / pixels;
        Dictionary<string, Sums> states = [], velocities = [];
        for (int i = 0; i < options.Prompts.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            progress?.Invoke($"states of prompt {i + 1} of {options.Prompts.Count}");
            using DisposeScope one = NewDisposeScope();
            Tensor drawn = original.Model.Config.Steps.Group(tokens.narrow(0, i, 1), rows, columns)[0];
            (Tensor[] before, Tensor condition) = StatesOf(original, options.Prompts[i], drawn, rows, columns);
            (Tensor[] after, Tensor moved) = StatesOf(changed, options.Prompts[i], drawn, rows, columns);
            for (int layer = 0; layer < before.Length; layer++)
            {
                Add(states, layer == 0 ? "input" : layer == before.Length - 1 ? "norm" : $"layer {layer - 1}", before[layer], after[layer]);
            }
            Add(states, "condition", condition, moved);
            if (original.Model.Head is FlowMatchingHead head && changed.Model.Head is FlowMatchingHead other)
            {
                using DrawnNoise noise = new(options.Seed, "drift", i);
                (Tensor epsilon, Tensor times) = FlowMatchingHead.Draw(drawn.to_type(ScalarType.Float32), noise);
                Tensor x = drawn.to_type(ScalarType.Float32).mul(times.unsqueeze(1)).Plus(epsilon.mul(times.neg().Plus(1).unsqueeze(1)));
                Tensor wanted = Velocity(head, x, times, condition);
                Add(velocities, "head", wanted, Velocity(other, x, times, condition));
                Add(velocities, "transformer", wanted, Velocity(head, x, times, moved));
                Add(velocities, "both", wanted, Velocity(other, x, times, moved));
            }
        }
        using Tensor error = others.sub(tokens).Squared().sum([0, 2]).div(tokens.Squared().sum([0, 2])).sqrt();
        return new ModelDrift([.. states.Select(s => s.Value.Part(s.Key))], [.. velocities.Select(v => v.Value.Part(v.Key))], [.. error.data<float>().Select(e => (double)e)]);

        Tensor Draw(LoadedModel model, string name) => model.Generator().DrawTokens(
            new GenerationRequest
            {
                Prompts = options.Prompts, Height = options.Height, Width = options.Width, Sampling = options.Sampling, Seed = options.Seed, BatchSize = DrawnAtOnce,
            },
            p => progress?.Invoke($"{name}: {p.Tokens} of {p.Total} tokens"),
            cancellation).to(ScalarType.Float32, CPU);
    }

    private static void Agree(NextStepConfig original, NextStepConfig changed)
    {
        (string What, object Original, object Changed)[] sizes =
        [
            ("layers", original.Transformer.Layers, changed.Transformer.Layers),
            ("width", original.Transformer.HiddenSize, changed.Transformer.HiddenSize),
            ("vocabulary", original.Transformer.VocabularySize, changed.Transformer.VocabularySize),
            ("numbers of a token", original.TokenWidth, changed.TokenWidth),
            ("tokens a step", original.Steps.Tokens, changed.Steps.Tokens),
            ("order of tokens", original.Steps.Order, changed.Steps.Order),
        ];
        if (Array.Find(sizes, s => !s.Original.Equals(s.Changed)) is { What: { } what } other)
        {
            throw new ArgumentException($"These are not two copies of one model: {what} {other.Original} in the first, {other.Changed} in the second.");
        }
    }

    /// <summary>Hidden states [1, positions, H] of a prompt and all its tokens [L, d] but the last, as the model's positions hold them, and the head's conditions [L, H] of every token, float32 on the CPU.</summary>
    internal static (Tensor[] Layers, Tensor Condition) StatesOf(LoadedModel loaded, string prompt, Tensor tokens, int rows, int columns)
    {
        NextStepModel model = loaded.Model;
        int[] start = new SequenceLayout(loaded.Tokenizer, model.Config.EditLayout).Prompt(prompt, rows, columns);
        int count = (int)tokens.size(0);
        long[] ids = [.. start.Select(id => (long)id), .. Enumerable.Repeat((long)model.Config.Special.ImagePlaceholder, count - 1)];
        Tensor embedded = model.Embed(tensor(ids, [1, ids.Length]), tokens.narrow(0, 0, count - 1).to_type(model.Transformer.Dtype));
        List<Tensor> layers = [];
        Tensor last = model.Transformer.Forward(embedded, onLayer: layers.Add);
        Tensor ofTokens = last[0].narrow(0, start.Length - 1, count);
        if (model.GenerationPosition(0, last.device, last.dtype) is not null)
        {
            ofTokens = ofTokens.Plus(stack([.. Enumerable.Range(0, count).Select(i => model.GenerationPosition(i, last.device, last.dtype)!)]));
        }
        return ([.. layers.Select(Plain)], Plain(model.ProjectOut(ofTokens)));

        static Tensor Plain(Tensor state) => state.to(ScalarType.Float32, CPU);
    }

    private static Tensor Velocity(FlowMatchingHead head, Tensor x, Tensor times, Tensor condition)
    {
        Tensor weight = head.Network.parameters().First(p => p.is_floating_point());
        return head.Network.forward(x.to(weight.dtype, weight.device), times.to(weight.dtype, weight.device), condition.to(weight.dtype, weight.device)).to(ScalarType.Float32, CPU);
    }

    private static void Add(Dictionary<string, Sums> parts, string name, Tensor original, Tensor changed)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor size = original.reshape(-1, original.size(-1)).Squared().sum([1]).to_type(ScalarType.Float64);
        Tensor error = changed.sub(original).reshape(-1, original.size(-1)).Squared().sum([1]).to_type(ScalarType.Float64);
        Sums before = parts.GetValueOrDefault(name, new Sums(0, 0, 0));
        parts[name] = new Sums(
            before.Error + error.sum().item<double>(), before.Size + size.sum().item<double>(), Math.Max(before.Worst, error.div(size).max().item<double>()));
    }

    private readonly record struct Sums(double Error, double Size, double Worst)
    {
        public DriftPart Part(string name) => new(name, Math.Sqrt(Error / Size), Math.Sqrt(Worst));
    }
}
