using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// A training's whole state and its step: the configured optimizer behind gradient clipping and before the weight average, these in a few native
/// calls over all tensors. A weight that is frozen (<c>requires_grad</c> false) or has no gradient in a step does not move in it by a bit. All of it,
/// the module's buffers included, is named tensors, so a checkpoint is exact.
/// </summary>
public sealed class FusedOptimizer : IDisposable
{
    // TorchSharp costs a native call per tensor and operation; these ops exist in libtorch but not in its API.
    private static readonly TorchScript Kernels = new("""
        def lerp(e: List[Tensor], p: List[Tensor], w: Tensor):
            torch._foreach_lerp_(e, p, float(w))
        def norm(g: List[Tensor]) -> Tensor:
            return torch.linalg_vector_norm(torch.stack(torch._foreach_norm(g, 2.0)), 2.0)
        def scale(g: List[Tensor], s: Tensor):
            torch._foreach_mul_(g, s)

        """);

    private readonly (string Name, Parameter Parameter)[] _weights;
    private readonly Tensor[] _live;
    private readonly Tensor[] _average;
    private readonly (string Name, Tensor Live, Tensor Before)[] _buffers;
    private readonly double _emaDecay;
    private readonly Optimizer _optimizer;

    /// <summary>Over all parameters of <paramref name="module"/>; build it after the module is on its device.</summary>
    /// <param name="module">What is trained.</param>
    /// <param name="weightDecay">Decoupled decay of matrices.</param>
    /// <param name="emaDecay">Decay of the weight average; 0 = none.</param>
    /// <param name="optimizer">Which; null = AdamW.</param>
    /// <exception cref="ArgumentException">The optimizer's state has a name that is the trainer's.</exception>
    public FusedOptimizer(nn.Module module, double weightDecay, double emaDecay, OptimizerConfig? optimizer = null)
    {
        _emaDecay = emaDecay;
        (string Name, Parameter Parameter)[] all = [.. module.named_parameters().Select(p => (p.name, p.parameter))];
        _weights = [.. all.Where(p => p.Parameter.dim() > 1), .. all.Where(p => p.Parameter.dim() <= 1)];
        _live = [.. _weights.Select(w => w.Parameter)];
        using IDisposable guard = no_grad();
        _average = emaDecay > 0 ? [.. _live.Select(p => p.clone().DetachFromDisposeScope())] : [];
        _buffers = [.. module.named_buffers().Select(b => (b.name, b.buffer, b.buffer.clone().DetachFromDisposeScope()))];
        _optimizer = (optimizer ?? new AdamwOptimizer()).Build(new OptimizerContext([.. _weights.Select(w => new KeyValuePair<string, Tensor>(w.Name, w.Parameter))], weightDecay));
        if (_optimizer.State.FirstOrDefault(s => s.Key.StartsWith("weight.", StringComparison.Ordinal) || s.Key.StartsWith("buffer.", StringComparison.Ordinal) || s.Key.StartsWith("ema.", StringComparison.Ordinal)).Key is { } taken)
        {
            throw new ArgumentException($"The optimizer {optimizer!.GetType().Name} keeps '{taken}'; names that begin with weight., buffer. or ema. are the trainer's.", nameof(optimizer));
        }
    }

    /// <summary>Steps taken.</summary>
    public long Steps { get; set; }

    /// <summary>Forgets the gradients.</summary>
    public void ZeroGradients()
    {
        foreach ((_, Parameter parameter) in _weights)
        {
            parameter.grad = null;
        }
    }

    /// <summary>Scales gradients to norm <paramref name="clip"/> at most (0 = never), takes one step, moves the average.</summary>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="clip">Largest norm.</param>
    /// <param name="loss">Must be finite too, or nothing is changed; asked together with the norm, since each question waits for the device.</param>
    /// <returns>The norm before clipping; not finite = nothing was changed.</returns>
    public double Step(double learningRate, double clip, Tensor? loss = null)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        LearningWeight[] learning = [.. _weights.Select(w => (w.Name, w.Parameter, Gradient: w.Parameter.requires_grad ? w.Parameter.grad : null))
            .Where(w => w.Gradient is not null).Select(w => new LearningWeight(w.Name, w.Parameter, w.Gradient!))];
        Tensor[] every = [.. learning.Select(w => w.Gradient)];
        if (every.Length == 0)
        {
            throw new InvalidOperationException("No weight has a gradient: all are frozen, or the loss depends on none of them.");
        }
        using Tensor norm = Kernels.Evaluate("norm", every);
        double value = (loss is null ? norm : norm.Plus(loss.detach().Times(0f))).to_type(ScalarType.Float32).item<float>();
        if (!double.IsFinite(value))
        {
            return value;
        }
        if (clip > 0 && value > clip)
        {
            using Tensor factor = tensor((float)(clip / (value + 1e-6)), device: every[0].device);
            Kernels.Run("scale", [every], factor);
        }
        Steps++;
        _optimizer.Step(new OptimizerStep(learning, learningRate, Steps));
        if (_average.Length > 0)
        {
            // A double on the CPU, whatever the device: read there, it waits for nothing.
            Kernels.Run("lerp", [_average, _live], tensor(1 - Math.Min(_emaDecay, (1.0 + Steps) / (10.0 + Steps))));
        }
        return value;
    }

    /// <summary>Weights, buffers, moments and averages by name; the tensors are the live ones.</summary>
    public IReadOnlyDictionary<string, Tensor> State() => _weights.Select(w => new KeyValuePair<string, Tensor>("weight." + w.Name, w.Parameter))
        .Concat(_optimizer.State)
        .Concat(_average.Select((a, i) => new KeyValuePair<string, Tensor>("ema." + _weights[i].Name, a)))
        .Concat(_buffers.Select(b => new KeyValuePair<string, Tensor>("buffer." + b.Name, b.Live)))
        .ToDictionary(p => p.Key, p => p.Value, StringComparer.Ordinal);

    /// <summary>The averaged weights by the module's names, the newest where there is no average; the tensors are the live ones.</summary>
    public IReadOnlyDictionary<string, Tensor> Averages() =>
        _weights.Select((w, i) => (w.Name, Value: _average.Length > 0 ? _average[i] : _live[i])).ToDictionary(w => w.Name, w => w.Value, StringComparer.Ordinal);

    /// <summary>Remembers the buffers as they are before a step, whose forward pass may change them.</summary>
    public void KeepBuffers() => Copy(b => (b.Before, b.Live));

    /// <summary>Undoes what a failed step did to the buffers.</summary>
    public void RestoreBuffers() => Copy(b => (b.Live, b.Before));

    /// <summary>Copies a saved state into weights, moments and averages.</summary>
    /// <param name="read">Gives a tensor by name; the caller keeps ownership.</param>
    /// <param name="steps">Steps taken when it was saved.</param>
    public void Restore(Func<string, Tensor> read, long steps)
    {
        using IDisposable guard = no_grad();
        foreach ((string name, Tensor live) in State())
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor saved = read(name);
            if (!saved.shape.SequenceEqual(live.shape))
            {
                throw new InvalidDataException($"The saved state's {name} has shape [{string.Join(", ", saved.shape)}], not [{string.Join(", ", live.shape)}].");
            }
            live.copy_(saved);
        }
        Steps = steps;
    }

    /// <summary>Replaces the weights by their average; the training state is no longer needed then.</summary>
    public void ApplyAverage()
    {
        using IDisposable guard = no_grad();
        for (int i = 0; i < _average.Length; i++)
        {
            _live[i].copy_(_average[i]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _optimizer.Dispose();
        foreach (Tensor tensor in _average.Concat(_buffers.Select(b => b.Before)))
        {
            tensor.Dispose();
        }
    }

    private void Copy(Func<(string Name, Tensor Live, Tensor Before), (Tensor To, Tensor From)> which)
    {
        using IDisposable guard = no_grad();
        foreach ((Tensor to, Tensor from) in _buffers.Select(which))
        {
            to.copy_(from);
        }
    }
}
