using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments;

/// <summary>Tries what trains: optimizers and losses. Null: right; else what is wrong, as the end of a sentence.</summary>
internal static class TrainingChecks
{
    private const int Tried = 3;

    /// <summary>Some steps twice, the second time with the state saved and put back into a new optimizer in their middle: the same bits.</summary>
    public static string? Steps(OptimizerConfig config)
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential module = nn.Sequential(("matrix", nn.Linear(4, 6)), ("norm", nn.LayerNorm(6)), ("frozen", nn.Linear(2, 2)));
        foreach ((string name, Parameter parameter) in module.named_parameters())
        {
            parameter.requires_grad = !name.StartsWith("frozen", StringComparison.Ordinal);
        }
        using IDisposable guard = no_grad();
        Tensor[] first = [.. module.parameters().Select(p => ComponentCheck.Numbers("weight", p.shape))];
        (Tensor[] whole, Tensor[] resumed) = (Run(false), Run(true));
        string[] names = [.. module.named_parameters().Select(p => p.name)];
        return names.Where((n, i) => !whole[i].isfinite().all().item<bool>()).FirstOrDefault() is { } broken ? $"makes numbers of {broken} that are not finite"
            : names.Where((n, i) => n.StartsWith("frozen", StringComparison.Ordinal) && !whole[i].eq(first[i]).all().item<bool>()).FirstOrDefault() is { } moved ? $"moves {moved}, which it was not given"
            : names.Where((n, i) => !n.StartsWith("frozen", StringComparison.Ordinal) && whole[i].eq(first[i]).all().item<bool>()).FirstOrDefault() is { } still ? $"does not move {still}"
            : names.Where((n, i) => !whole[i].eq(resumed[i]).all().item<bool>()).FirstOrDefault() is { } lost ? $"comes to other bits of {lost} after a resume; what it remembers between steps belongs into Keep(name, tensor)"
            : null;

        Tensor[] Run(bool resume)
        {
            foreach ((Parameter parameter, Tensor value) in module.parameters().Zip(first))
            {
                parameter.copy_(value);
            }
            FusedOptimizer optimizer = new(module, 0.1, 0, config);
            try
            {
                for (int step = 0; step < Tried; step++)
                {
                    if (resume && step == Tried - 1)
                    {
                        Dictionary<string, Tensor> saved = optimizer.State().ToDictionary(s => s.Key, s => s.Value.clone());
                        optimizer.Dispose();
                        optimizer = new FusedOptimizer(module, 0.1, 0, config);
                        optimizer.Restore(name => saved[name], step);
                    }
                    using DisposeScope inner = NewDisposeScope();
                    foreach (Parameter parameter in module.parameters().Where(p => p.requires_grad))
                    {
                        parameter.grad = ComponentCheck.Numbers($"gradient{step}", parameter.shape);
                    }
                    optimizer.Step(1e-2, 1);
                    optimizer.ZeroGradients();
                }
            }
            finally
            {
                optimizer.Dispose();
            }
            return [.. module.parameters().Select(p => p.detach().clone())];
        }
    }

    /// <summary>A finite scalar with a gradient, the same when it is asked again.</summary>
    public static string? Loss(LossConfig config, int side)
    {
        using DisposeScope scope = NewDisposeScope();
        using PictureLoss loss = config.Build(CPU);
        Tensor picture = ComponentCheck.Numbers("picture", 2, 3, side, side).tanh(), drawn = ComponentCheck.Numbers("drawn", 2, 3, side, side).tanh().requires_grad_(true);
        Tensor value = loss.Of(drawn, picture), again = loss.Of(drawn, picture);
        if (value.numel() != 1 || value.dim() != 0)
        {
            return $"gives a tensor of shape [{string.Join(", ", value.shape)}], not a scalar";
        }
        if (!value.isfinite().item<bool>() || !value.eq(again).item<bool>())
        {
            return value.isfinite().item<bool>() ? "gives another number when it is asked again" : "is not finite";
        }
        if (!value.requires_grad)
        {
            return "has no gradient";
        }
        value.backward();
        return drawn.grad is { } gradient && gradient.isfinite().all().item<bool>() ? null : "has no finite gradient for the reconstruction";
    }
}
