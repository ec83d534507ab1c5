using System.ComponentModel.DataAnnotations;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Muon (Jordan et al. 2024): a hidden matrix moves by its momentum made orthogonal, with the scale of Liu et al. (arXiv:2502.16982, Eq. 4),
/// W ← W − η·(0.2·√max(rows, columns)·O + λ·W), so that rate and decay are those that suit AdamW. Embedding table, language head, biases and norms go by AdamW.
/// </summary>
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

/// <summary>The steps of <see cref="MuonOptimizer"/>.</summary>
internal sealed class MuonSteps : Optimizer
{
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
        foreach (LearningWeight one in step.Weights.Where(w => _momentum.ContainsKey(w.Name)))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor momentum = _momentum[one.Name].TimesInPlace(_config.Momentum).PlusInPlace(one.Gradient.Times(1 - _config.Momentum));
            Tensor ahead = one.Gradient.Times(1 - _config.Momentum).Plus(momentum.Times(_config.Momentum)); // Nesterov
            Tensor matrix = ahead.flatten(1); // of a convolution: out × (in·kernel)
            double scale = 0.2 * Math.Sqrt(Math.Max(matrix.size(0), matrix.size(1)));
            one.Weight.TimesInPlace(1 - (step.LearningRate * _weightDecay)).sub_(Orthogonal(matrix, _config.Iterations).Times(step.LearningRate * scale).view(one.Weight.shape));
        }
        _others.Step(step with { Weights = [.. step.Weights.Where(w => !_momentum.ContainsKey(w.Name))] });
    }

    /// <summary>Near U·Vᵀ of a matrix U·S·Vᵀ: the quintic Newton–Schulz iteration x ← a·x + (b·A + c·A²)·x with A = x·xᵀ.</summary>
    internal static Tensor Orthogonal(Tensor matrix, int iterations)
    {
        using DisposeScope scope = NewDisposeScope();
        bool tall = matrix.size(0) > matrix.size(1);
        Tensor x = tall ? matrix.t() : matrix;
        x = x.div(x.norm().Plus(1e-7));
        for (int i = 0; i < iterations; i++)
        {
            Tensor a = x.matmul(x.t());
            x = x.Times(3.4445).Plus(a.Times(-4.7750).Plus(a.matmul(a).Times(2.0315)).matmul(x));
        }
        return (tall ? x.t() : x).MoveToOuterDisposeScope();
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
