using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>Muon's step of a small model's matrices, in turn with the same by libtorch's products.</summary>
internal static class MuonCase
{
    /// <summary>Of the model of <c>experiments/quickstart.yaml</c>.</summary>
    public static BenchRow Run(string name, BenchOptions options)
    {
        const int steps = 8;
        using TrainedModel trained = new(StepCase.MicroShape, 4, 1, 4);
        (Tensor Weight, Tensor Gradient, Tensor Momentum)[] hidden = [.. trained.Model.named_parameters().Where(p => p.parameter.dim() > 1 && NewtonSchulz.Suits(p.parameter))
            .Select(p => (p.parameter.detach().clone().DetachFromDisposeScope(), randn(p.parameter.shape).DetachFromDisposeScope(), zeros(p.parameter.shape).DetachFromDisposeScope()))];
        if (hidden.Length == 0)
        {
            return new BenchRow(name, "Muon's step: no vectors of 512 bits here", double.NaN, "libtorch's products", new BenchValue(BenchKind.Speedup, double.NaN), null);
        }
        bool both = options.Naive;
        Timings times = Timings.Of(options.Rounds,
        [
            ("ours", () => Each(() => NewtonSchulz.Step(hidden, 1e-3, 0.95, 0.02, 5))),
            .. both ? ((string, Action)[])[("libtorch", () => Each(() => MuonSteps.StepByLibtorch(hidden, 1e-3, 0.95, 0.02, 5)))] : [],
        ]);
        long count = hidden.Sum(h => h.Weight.numel());
        BenchRow row = new(name, FormattableString.Invariant($"Muon's step of {hidden.Length} matrices ({count / 1e6:F1} M)"), times["ours"] / steps, "the same by libtorch's products",
            new BenchValue(BenchKind.Speedup, both ? times.Ratio("libtorch", "ours") : double.NaN), null);
        foreach ((Tensor weight, Tensor gradient, Tensor momentum) in hidden)
        {
            weight.Dispose();
            gradient.Dispose();
            momentum.Dispose();
        }
        return row;

        static void Each(Action work)
        {
            for (int i = 0; i < steps; i++)
            {
                work();
            }
        }
    }
}
