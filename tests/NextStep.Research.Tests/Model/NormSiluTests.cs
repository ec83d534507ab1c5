using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Model;

public sealed class NormSiluTests
{
    /// <summary>Against the two operations of libtorch in float64: values, and the gradients of input, scale and shift.</summary>
    [Theory]
    [InlineData(3, 16, 8, 8, 12)]
    [InlineData(2, 12, 4, 5, 7)] // 35 pixels: the last three go one by one
    [InlineData(1, 6, 6, 1, 3)] // fewer pixels than lanes
    [InlineData(1, 4, 1, 64, 80)] // more than are summed in float32
    public void Values_and_gradients_are_those_of_norm_and_silu(int pictures, int channels, int groups, int height, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = TinyModels.Normal("x", pictures, channels, height, width) * 3 + 5, dy = TinyModels.Normal("dy", pictures, channels, height, width);
        using GroupNorm norm = ResnetBlock.Norm(channels, groups, null), exact = ResnetBlock.Norm(channels, groups, null);
        using (no_grad())
        {
            norm.weight!.copy_(TinyModels.Normal("w", channels) + 1);
            norm.bias!.copy_(TinyModels.Normal("b", channels));
        }
        exact.load_state_dict(norm.state_dict());
        exact.to(ScalarType.Float64);
        Tensor[] ours = Run(norm, x, dy), expected = Run(exact, x.to_type(ScalarType.Float64), dy.to_type(ScalarType.Float64));
        string[] names = ["y", "dx", "dw", "db"];
        for (int i = 0; i < names.Length; i++)
        {
            double scale = expected[i].abs().max().item<double>();
            Assert.True(TinyModels.Distance(ours[i].to_type(ScalarType.Float64), expected[i]) <= 3e-6 * Math.Max(1, scale), names[i]);
        }
        using (no_grad())
        {
            Assert.Equal(0, TinyModels.Distance(ours[0], NormSilu.Of(norm, x))); // with and without gradients
            Assert.Equal(0, TinyModels.Distance(ours[0], NormSilu.Of(norm, x.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)))); // whatever lies how in memory
        }
    }

    [Fact]
    public void Far_away_values_stay_finite_and_what_is_frozen_gets_no_gradient()
    {
        using DisposeScope scope = NewDisposeScope();
        using GroupNorm norm = ResnetBlock.Norm(4, 2, null);
        using (no_grad())
        {
            norm.weight!.fill_(1000f);
        }
        norm.weight!.requires_grad = false;
        Tensor x = (TinyModels.Normal("far", 2, 4, 4, 5) * 1e4f).requires_grad_(true);
        Tensor y = NormSilu.Of(norm, x);
        y.sum().backward();
        Assert.True(y.isfinite().all().item<bool>() && x.grad!.isfinite().all().item<bool>());
        Assert.Null(norm.weight.grad);
        Assert.NotNull(norm.bias!.grad);
    }

    [Fact]
    public void The_number_of_threads_changes_no_bit()
    {
        using DisposeScope scope = NewDisposeScope();
        using GroupNorm norm = ResnetBlock.Norm(16, 8, null);
        Tensor x = TinyModels.Normal("x", 3, 16, 8, 8), dy = TinyModels.Normal("dy", 3, 16, 8, 8);
        int before = get_num_threads();
        try
        {
            set_num_threads(1);
            Tensor[] one = Run(norm, x, dy);
            set_num_threads(3);
            Tensor[] three = Run(norm, x, dy);
            Assert.All(one.Zip(three), p => Assert.Equal(0, TinyModels.Distance(p.First, p.Second)));
        }
        finally
        {
            set_num_threads(before);
        }
    }

    private static Tensor[] Run(GroupNorm norm, Tensor x, Tensor dy)
    {
        norm.zero_grad();
        Tensor input = x.clone().requires_grad_(true);
        Tensor y = NormSilu.Of(norm, input);
        y.backward([dy]);
        return [y.detach(), input.grad!, norm.weight!.grad!.clone(), norm.bias!.grad!.clone()];
    }
}
