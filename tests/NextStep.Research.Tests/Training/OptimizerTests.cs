using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Training;

/// <summary>Optimizers as components: Muon's matrices, what a resume keeps, and names that are the trainer's.</summary>
public sealed class OptimizerTests
{
    [Theory]
    [InlineData(3, 7)]
    [InlineData(7, 3)]
    public void Muon_brings_singular_values_to_about_one_and_leaves_singular_vectors(int rows, int columns)
    {
        Tensor matrix = TinyModels.Normal("matrix", rows, columns), near = MuonSteps.Orthogonal(matrix, 5);
        (Tensor u, Tensor s, Tensor v) = linalg.svd(matrix, false);
        _ = s;
        Tensor inner = u.t().matmul(near).matmul(v.t()); // Uᵀ·O·V is diagonal with numbers near 1
        Assert.All(inner.diagonal().data<float>().ToArray(), d => Assert.InRange(d, 0.6, 1.25));
        Assert.True(inner.sub(diag(inner.diagonal())).abs().max().item<float>() < 1e-4);
    }

    [Fact]
    public void Muon_moves_hidden_matrices_by_its_rule_and_the_rest_as_AdamW_does()
    {
        Dictionary<string, Tensor> muon = After(new MuonOptimizer { Momentum = 0 }), adamw = After(new AdamwOptimizer());
        Assert.Equal(adamw["embed_tokens.weight"].data<float>().ToArray(), muon["embed_tokens.weight"].data<float>().ToArray());
        Assert.Equal(adamw["hidden.bias"].data<float>().ToArray(), muon["hidden.bias"].data<float>().ToArray());
        // A first step without momentum: W·(1 − ηλ) − η·0.2·√4·O.
        Tensor expected = Weight().Times(1 - (0.01 * 0.5)).sub(MuonSteps.Orthogonal(Gradient(), 5).Times(0.01 * 0.2 * 2));
        Assert.True(muon["hidden.weight"].sub(expected).abs().max().item<float>() < 1e-6);

        static Tensor Weight() => TinyModels.Normal("w", 4, 3);
        static Tensor Gradient() => TinyModels.Normal("g", 4, 3);

        static Dictionary<string, Tensor> After(OptimizerConfig config)
        {
            using Sequential module = nn.Sequential(("embed_tokens", nn.Embedding(5, 3)), ("hidden", nn.Linear(3, 4)));
            using FusedOptimizer optimizer = new(module, 0.5, 0, config);
            foreach ((string name, Parameter parameter) in module.named_parameters())
            {
                using IDisposable guard = no_grad();
                parameter.copy_(name == "hidden.weight" ? Weight() : TinyModels.Normal(name, parameter.shape));
                parameter.grad = name == "hidden.weight" ? Gradient() : TinyModels.Normal("g" + name, parameter.shape);
            }
            Assert.True(double.IsFinite(optimizer.Step(0.01, 0)));
            return module.named_parameters().ToDictionary(p => p.name, p => p.parameter.detach().clone());
        }
    }

    [Theory]
    [InlineData(48, 96)]
    [InlineData(128, 128)]
    [InlineData(384, 112)]
    [InlineData(16, 16)]
    [InlineData(64, 576)]
    public void Matrices_in_sixteens_move_as_by_the_products_of_libtorch(int rows, int columns)
    {
        Tensor weight = TinyModels.Normal("w", rows, columns), gradient = TinyModels.Normal("g", columns, rows).t(), momentum = TinyModels.Normal("m", rows, columns);
        Assert.True(NewtonSchulz.Suits(weight) == System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated);
        Tensor moved = momentum.Times(0.9).add(gradient.Times(0.1f)), ahead = gradient.Times(0.1f).add(moved.Times(0.9));
        Tensor expected = weight.Times(1 - (0.01 * 0.5)).sub(MuonSteps.Orthogonal(ahead, 5).Times(0.01 * 0.2 * Math.Sqrt(Math.Max(rows, columns))));
        Tensor before = weight.clone();
        NewtonSchulz.Step([(weight, gradient.contiguous(), momentum)], 0.01, 0.9, 0.5, 5);
        Assert.True(momentum.sub(moved).abs().max().item<float>() < 1e-6);
        Assert.True(weight.sub(expected).abs().max().item<float>() < 2e-6, $"{weight.sub(expected).abs().max().item<float>()}");
        Assert.True(weight.sub(before).abs().max().item<float>() > 1e-3);
    }

    [Fact]
    public void The_number_of_threads_changes_no_bit_of_Muons_step()
    {
        int threads = get_num_threads();
        try
        {
            set_num_threads(1);
            float[] one = Moved();
            set_num_threads(3);
            Assert.Equal(one, Moved());
        }
        finally
        {
            set_num_threads(threads);
        }

        static float[] Moved()
        {
            (Tensor Weight, Tensor Gradient, Tensor Momentum)[] all = [.. new[] { (96, 48), (128, 128), (64, 96), (16, 32) }.Select((s, i) =>
                (TinyModels.Normal($"w{i}", s.Item1, s.Item2), TinyModels.Normal($"g{i}", s.Item1, s.Item2), zeros(s.Item1, s.Item2)))];
            NewtonSchulz.Step(all, 0.02, 0.95, 0.1, 5);
            return [.. all.SelectMany(a => a.Weight.data<float>().ToArray().Concat(a.Momentum.data<float>().ToArray()))];
        }
    }

    [Fact]
    public void State_of_an_optimizer_does_not_take_the_trainers_names()
    {
        using Linear module = nn.Linear(2, 2);
        Assert.Contains("weight.mine", Assert.Throws<ArgumentException>(() => new FusedOptimizer(module, 0, 0, new TakingOptimizer())).Message, StringComparison.Ordinal);
    }

    private sealed record TakingOptimizer : OptimizerConfig
    {
        public override Optimizer Build(OptimizerContext context) => new Taking();

        private sealed class Taking : Optimizer
        {
            public Taking() => Keep("weight.mine", zeros(1));

            public override void Step(OptimizerStep step)
            {
            }
        }
    }
}
