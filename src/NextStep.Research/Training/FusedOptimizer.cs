using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// AdamW (β 0.9, 0.95, ε 1e−8; decoupled decay on matrices only), gradient clipping and the weight average, each in a few native
/// calls over all tensors. Its whole state is named tensors, so a checkpoint is exact.
/// </summary>
public sealed class FusedOptimizer : IDisposable
{
    private const string Beta1 = "0.9", Beta2 = "0.95", Epsilon = "1e-8";

    // TorchSharp's own AdamW costs a native call per tensor and operation; these ops exist in libtorch but not in its API.
    private static readonly TorchScript Kernels = new($$"""
        def adamw(p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], mx: List[Tensor], step: List[Tensor], lr: Tensor, wd: Tensor):
            torch._foreach_add_(step, 1.0)
            torch._fused_adamw_(p, g, m, v, mx, step, lr=float(lr), beta1={{Beta1}}, beta2={{Beta2}}, weight_decay=float(wd), eps={{Epsilon}}, amsgrad=False, maximize=False)
        def lerp(e: List[Tensor], p: List[Tensor], w: Tensor):
            torch._foreach_lerp_(e, p, float(w))
        def norm(g: List[Tensor]) -> Tensor:
            return torch.linalg_vector_norm(torch.stack(torch._foreach_norm(g, 2.0)), 2.0)
        def scale(g: List[Tensor], s: Tensor):
            torch._foreach_mul_(g, s)

        """);

    private readonly Group[] _groups;
    private readonly double _emaDecay;

    /// <summary>Over all parameters of <paramref name="module"/>; build it after the module is on its device.</summary>
    public FusedOptimizer(nn.Module module, double weightDecay, double emaDecay)
    {
        _emaDecay = emaDecay;
        (string Name, Parameter Parameter)[] all = [.. module.named_parameters().Select(p => (p.name, p.parameter))];
        _groups =
        [
            new Group([.. all.Where(p => p.Parameter.dim() > 1)], weightDecay, emaDecay > 0),
            new Group([.. all.Where(p => p.Parameter.dim() <= 1)], 0, emaDecay > 0),
        ];
    }

    /// <summary>Steps taken.</summary>
    public long Steps { get; set; }

    /// <summary>Forgets the gradients.</summary>
    public void ZeroGradients()
    {
        foreach (Parameter parameter in _groups.SelectMany(g => g.Parameters))
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
        Tensor[][] gradients = [.. _groups.Select(g => g.Parameters.Select(p => p.grad ?? zeros_like(p)).ToArray())];
        Tensor[] every = [.. gradients.SelectMany(g => g)];
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
        // Numbers for the kernels are doubles on the CPU, whatever the device: read there, they wait for nothing.
        Tensor rate = tensor(learningRate), weight = tensor(1 - Math.Min(_emaDecay, (1.0 + Steps) / (10.0 + Steps)));
        for (int i = 0; i < _groups.Length; i++)
        {
            Group g = _groups[i];
            if (g.Parameters.Length == 0)
            {
                continue;
            }
            Kernels.Run("adamw", [g.Tensors, gradients[i], g.First, g.Second, [], g.StepCounts], rate, tensor(g.WeightDecay));
            if (g.Average.Length > 0)
            {
                Kernels.Run("lerp", [g.Average, g.Tensors], weight);
            }
        }
        return value;
    }

    /// <summary>Weights, moments and averages by name; the tensors are the live ones.</summary>
    public IReadOnlyDictionary<string, Tensor> State() =>
        _groups.SelectMany(g => g.State()).ToDictionary(p => p.Key, p => p.Value, StringComparer.Ordinal);

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
        foreach (Tensor count in _groups.SelectMany(g => g.StepCounts))
        {
            count.fill_(Scalars.Of(steps));
        }
    }

    /// <summary>Replaces the weights by their average; the training state is no longer needed then.</summary>
    public void ApplyAverage()
    {
        using IDisposable guard = no_grad();
        foreach (Group g in _groups)
        {
            for (int i = 0; i < g.Average.Length; i++)
            {
                g.Tensors[i].copy_(g.Average[i]);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in _groups.SelectMany(g => g.First.Concat(g.Second).Concat(g.StepCounts).Concat(g.Average)))
        {
            tensor.Dispose();
        }
    }

    private sealed class Group
    {
        private readonly string[] _names;

        public Group((string Name, Parameter Parameter)[] parameters, double weightDecay, bool average)
        {
            _names = [.. parameters.Select(p => p.Name)];
            Parameters = [.. parameters.Select(p => p.Parameter)];
            Tensors = [.. Parameters];
            WeightDecay = weightDecay;
            using IDisposable guard = no_grad();
            First = [.. Parameters.Select(p => zeros_like(p).DetachFromDisposeScope())];
            Second = [.. Parameters.Select(p => zeros_like(p).DetachFromDisposeScope())];
            StepCounts = [.. Parameters.Select(p => zeros([], ScalarType.Float32, p.device).DetachFromDisposeScope())];
            Average = average ? [.. Parameters.Select(p => p.clone().DetachFromDisposeScope())] : [];
        }

        public Parameter[] Parameters { get; }

        public Tensor[] Tensors { get; }

        public double WeightDecay { get; }

        public Tensor[] First { get; }

        public Tensor[] Second { get; }

        public Tensor[] StepCounts { get; }

        public Tensor[] Average { get; }

        public IEnumerable<KeyValuePair<string, Tensor>> State()
        {
            for (int i = 0; i < _names.Length; i++)
            {
                yield return new("weight." + _names[i], Tensors[i]);
                yield return new("adam.m." + _names[i], First[i]);
                yield return new("adam.v." + _names[i], Second[i]);
                if (Average.Length > 0)
                {
                    yield return new("ema." + _names[i], Average[i]);
                }
            }
        }
    }
}
