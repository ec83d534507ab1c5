using System.ComponentModel.DataAnnotations;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>AdamW (Loshchilov and Hutter, arXiv:1711.05101; spec §7.4), decoupled decay on matrices only: the default.</summary>
public sealed record AdamwOptimizer : OptimizerConfig
{
    /// <summary>Decay of the mean of gradients.</summary>
    [Range(0.0, 0.999999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the mean of their squares.</summary>
    [Range(0.0, 0.9999999)]
    public double Beta2 { get; init; } = 0.95;

    /// <summary>Added to the root of that.</summary>
    [Range(1e-20, 1.0)]
    public double Epsilon { get; init; } = 1e-8;

    /// <inheritdoc/>
    public override Optimizer Build(OptimizerContext context) => new AdamwSteps(this, context);
}

/// <summary>AdamW in one native call for all matrices and one for the rest.</summary>
internal sealed class AdamwSteps : Optimizer
{
    // TorchSharp's own AdamW costs a native call per tensor and operation; this op exists in libtorch but not in its API.
    private static readonly TorchScript Kernels = new("""
        def adamw(p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], mx: List[Tensor], step: List[Tensor], h: Tensor):
            torch._foreach_add_(step, 1.0)
            torch._fused_adamw_(p, g, m, v, mx, step, lr=float(h[0]), beta1=float(h[1]), beta2=float(h[2]), weight_decay=float(h[3]), eps=float(h[4]), amsgrad=False, maximize=False)

        """);

    private readonly AdamwOptimizer _config;
    private readonly double _weightDecay;
    private readonly Dictionary<string, (Tensor First, Tensor Second, Tensor Count)> _moments = new(StringComparer.Ordinal);

    public AdamwSteps(AdamwOptimizer config, OptimizerContext context)
    {
        (_config, _weightDecay) = (config, context.WeightDecay);
        using IDisposable guard = no_grad();
        foreach ((string name, Tensor weight) in context.Weights)
        {
            _moments[name] = (Keep("adam.m." + name, zeros_like(weight)), Keep("adam.v." + name, zeros_like(weight)), Keep("adam.step." + name, zeros([], ScalarType.Float32, weight.device)));
        }
    }

    /// <inheritdoc/>
    public override void Step(OptimizerStep step)
    {
        Move([.. step.Weights.Where(w => w.Weight.dim() > 1)], _weightDecay);
        Move([.. step.Weights.Where(w => w.Weight.dim() <= 1)], 0);

        void Move(LearningWeight[] part, double weightDecay)
        {
            if (part.Length == 0)
            {
                return;
            }
            // Numbers for the kernel are doubles on the CPU, whatever the device: read there, they wait for nothing.
            Tensor numbers = tensor((double[])[step.LearningRate, _config.Beta1, _config.Beta2, weightDecay, _config.Epsilon]);
            Kernels.Run("adamw",
                [[.. part.Select(p => p.Weight)], [.. part.Select(p => p.Gradient)], Moments(m => m.First), Moments(m => m.Second), [], Moments(m => m.Count)], numbers);

            Tensor[] Moments(Func<(Tensor First, Tensor Second, Tensor Count), Tensor> which) => [.. part.Select(p => which(_moments[p.Name]))];
        }
    }
}
