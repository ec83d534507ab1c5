using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Parity;

/// <summary>Convolutions give numbers, whatever lay in the memory before.</summary>
[Collection(nameof(Alone))]
public sealed class RawMemoryTests
{
    [Theory]
    [InlineData(3, 8, 1)]
    [InlineData(8, 8, 1)]
    [InlineData(32, 3, 1)]
    [InlineData(24, 24, 1)]
    [InlineData(20, 16, 1)]
    [InlineData(24, 24, 2)]
    public void No_convolution_reads_what_nobody_wrote(int inputs, int outputs, int stride)
    {
        using Conv2d layer = nn.Conv2d(inputs, outputs, 3, stride: stride, padding: stride == 1 ? 1 : 0);
        using DisposeScope all = NewDisposeScope();
        Tensor? first = null;
        for (int i = 0; i < 6; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor x = TinyModels.Normal("x", 8, inputs, 17, 17).requires_grad_(true);
            Poison();
            Tensor y = Convolution.Forward(layer, x);
            Tensor slope = TinyModels.Normal("slope", y.shape);
            Poison();
            y.backward([slope]);
            Assert.True(y.isfinite().all().item<bool>(), "the result");
            Assert.True(x.grad!.isfinite().all().item<bool>(), "the gradient of the input");
            first ??= x.grad!.clone().MoveToOtherDisposeScope(all);
            TensorAssert.Same(first, x.grad!);
        }
        Clean();
    }

    [Theory]
    [InlineData(3, 8)]
    [InlineData(24, 3)]
    public void Filled_channels_change_no_number(int inputs, int outputs)
    {
        using Conv2d layer = nn.Conv2d(inputs, outputs, 3, padding: 1);
        using DisposeScope scope = NewDisposeScope();
        Clean();
        Tensor x = TinyModels.Normal("x", 2, inputs, 9, 9);
        Assert.InRange(TinyModels.Distance(layer.forward(x), Convolution.Forward(layer, x)), 0, 1e-6);
    }

    private static void Poison() => Fill(float.NaN);

    // So that the next test finds nothing of it.
    private static void Clean() => Fill(0);

    private static void Fill(float value)
    {
        using DisposeScope scope = NewDisposeScope();
        for (int i = 0; i < 60; i++)
        {
            _ = full([8L * (1 + (i % 64))], value);
            _ = full([8192L * (1 + (i % 64))], value);
        }
    }
}
