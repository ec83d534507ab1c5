using System.ComponentModel.DataAnnotations;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Muon (Jordan et al. 2024): a hidden matrix moves by its momentum made orthogonal, with the scale of Liu et al. (arXiv:2502.16982, Eq. 4),
/// W ← W − η·(0.2·√max(rows, columns)·O + λ·W), so that rate and decay are those that suit AdamW. Embedding table, language head, biases and norms go by AdamW.
/// </summary>
[ResultsVersion(2)]
public sealed record MuonOptimizer : OptimizerConfig
{
    /// <summary>Decay of the momentum.</summary>
    [Range(0.0, 0.9999)]
    public double Momentum { get; init; } = 0.95;

    /// <summary>Steps of the Newton–Schulz iteration; five bring singular values to 0.7 … 1.2.</summary>
    [Range(1, 20)]
    public int Iterations { get; init; } = 5;

    /// <inheritdoc/>
    public override Optimizer Build(OptimizerContext context) => new MuonSteps(this, context);
}

/// <summary>The steps of <see cref="MuonOptimizer"/>: <see cref="NewtonSchulz"/>'s where it suits, and one native call for all other matrices.</summary>
internal sealed class MuonSteps : Optimizer
{
    // Towards U·Vᵀ of a matrix U·S·Vᵀ, three products an iteration; four numbers h: rate, momentum, decay, iterations.
    private static readonly TorchScript Kernels = new(FormattableString.Invariant($"""
        def near(matrix: Tensor, iterations: int) -> Tensor:
            tall = matrix.size(0) > matrix.size(1)
            x = matrix.t() if tall else matrix
            x = x / (torch.linalg_vector_norm(x) + 1e-7)
            for _ in range(iterations):
                a = torch.mm(x, x.t())
                x = torch.addmm(x, torch.addmm(a, a, a, beta={NewtonSchulz.B}, alpha={NewtonSchulz.C}), x, beta={NewtonSchulz.A})
            return x.t() if tall else x
        def orthogonal(matrices: List[Tensor], iterations: List[Tensor]) -> Tensor:
            return near(matrices[0], int(iterations[0]))
        def muon(w: List[Tensor], g: List[Tensor], m: List[Tensor], h: Tensor):
            rate, momentum, decay = float(h[0]), float(h[1]), float(h[2])
            torch._foreach_lerp_(m, g, 1.0 - momentum)
            ahead = torch._foreach_lerp(g, m, momentum)  # Nesterov
            torch._foreach_mul_(w, 1.0 - rate * decay)
            for i in range(len(w)):
                x = ahead[i].flatten(1)  # of a convolution: out x (in*kernel)
                o = near(x, int(h[3]))
                w[i].sub_(o.view_as(w[i]), alpha=rate * 0.2 * float(max(x.size(0), x.size(1))) ** 0.5)

        """));

    private readonly MuonOptimizer _config;
    private readonly double _weightDecay;
    private readonly Dictionary<string, Tensor> _momentum = new(StringComparer.Ordinal);
    private readonly AdamwSteps _others;

    public MuonSteps(MuonOptimizer config, OptimizerContext context)
    {
        (_config, _weightDecay) = (config, context.WeightDecay);
        using IDisposable guard = no_grad();
        foreach ((string name, Tensor weight) in context.Weights.Where(w => IsHidden(w.Key, w.Value)))
        {
            _momentum[name] = Keep("muon." + name, zeros_like(weight));
        }
        _others = new AdamwSteps(new AdamwOptimizer(), context with { Weights = [.. context.Weights.Where(w => !IsHidden(w.Key, w.Value))] });
    }

    /// <inheritdoc/>
    public override IEnumerable<KeyValuePair<string, Tensor>> State => base.State.Concat(_others.State);

    /// <inheritdoc/>
    public override void Step(OptimizerStep step)
    {
        LearningWeight[] hidden = [.. step.Weights.Where(w => _momentum.ContainsKey(w.Name))];
        LearningWeight[] others = [.. hidden.Where(w => !NewtonSchulz.Suits(w.Weight))];
        if (others.Length > 0)
        {
            StepByLibtorch([.. others.Select(w => (w.Weight, w.Gradient, _momentum[w.Name]))], step.LearningRate, _config.Momentum, _weightDecay, _config.Iterations);
        }
        if (others.Length < hidden.Length)
        {
            using DisposeScope scope = NewDisposeScope();
            NewtonSchulz.Step([.. hidden.Except(others).Select(w => (w.Weight, w.Gradient.contiguous(), _momentum[w.Name]))], step.LearningRate, _config.Momentum, _weightDecay, _config.Iterations);
        }
        _others.Step(step with { Weights = [.. step.Weights.Where(w => !_momentum.ContainsKey(w.Name))] });
    }

    /// <summary>As <see cref="NewtonSchulz.Step"/>, for matrices of any sides on any device.</summary>
    internal static void StepByLibtorch(IReadOnlyList<(Tensor Weight, Tensor Gradient, Tensor Momentum)> weights, double rate, double momentum, double decay, int iterations)
    {
        // Numbers for the kernel are doubles on the CPU, whatever the device: read there, they wait for nothing.
        using Tensor numbers = tensor((double[])[rate, momentum, decay, iterations]);
        Kernels.Run("muon", [[.. weights.Select(w => w.Weight)], [.. weights.Select(w => w.Gradient)], [.. weights.Select(w => w.Momentum)]], numbers);
    }

    /// <summary>Near U·Vᵀ of a matrix U·S·Vᵀ, by libtorch's products.</summary>
    internal static Tensor Orthogonal(Tensor matrix, int iterations)
    {
        using Tensor count = tensor((long)iterations);
        return Kernels.Evaluate("orthogonal", [matrix], [count]);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _others.Dispose();
        base.Dispose(disposing);
    }

    private static bool IsHidden(string name, Tensor weight) =>
        weight.dim() > 1 && !WeightNames.IsTable(name);
}
