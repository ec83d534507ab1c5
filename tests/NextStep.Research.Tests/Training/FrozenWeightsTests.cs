using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Training;

public sealed class FrozenWeightsTests
{
    [Fact]
    public void A_frozen_weight_and_one_without_a_gradient_do_not_move_by_a_bit_while_the_others_learn()
    {
        using Sequential module = nn.Sequential(("frozen", nn.Linear(3, 4)), ("learns", nn.Linear(4, 2)), ("unused", nn.Linear(4, 2)));
        TinyModels.Randomize(module, 3);
        Dictionary<string, Parameter> all = module.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        all["frozen.weight"].requires_grad = false;
        all["frozen.bias"].requires_grad = false;
        Dictionary<string, float[]> before = all.ToDictionary(p => p.Key, p => p.Value.data<float>().ToArray());
        using FusedOptimizer optimizer = new(module, weightDecay: 0.1, emaDecay: 0.9);
        for (int step = 0; step < 20; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            optimizer.ZeroGradients();
            Tensor hidden = ((Linear)module[0]).forward(TinyModels.Normal($"x{step}", 5, 3));
            ((Linear)module[1]).forward(hidden).square().mean().backward();
            Assert.True(double.IsFinite(optimizer.Step(1e-2, 1)));
        }
        foreach (string still in (string[])["frozen.weight", "frozen.bias", "unused.weight", "unused.bias"])
        {
            Assert.Equal(before[still], all[still].data<float>().ToArray());
        }
        Assert.NotEqual(before["learns.weight"], all["learns.weight"].data<float>().ToArray());
        optimizer.ApplyAverage();
        Assert.Equal(before["frozen.weight"], all["frozen.weight"].data<float>().ToArray());
        Assert.Equal(before["unused.weight"], all["unused.weight"].data<float>().ToArray());
    }

    [Fact]
    public void Nothing_to_learn_is_an_error_not_a_silent_step()
    {
        using Linear module = nn.Linear(2, 2);
        using FusedOptimizer optimizer = new(module, 0, 0);
        Assert.Contains("No weight has a gradient", Assert.Throws<InvalidOperationException>(() => optimizer.Step(1e-2, 1)).Message, StringComparison.Ordinal);
    }
}
