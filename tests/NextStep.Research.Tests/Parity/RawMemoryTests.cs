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

    /// <summary>The gradient of its third layer is one of those that are wrong when nothing is filled up.</summary>
    [Fact]
    public void Feature_maps_have_the_gradients_of_double_precision()
    {
        using RandomConvolutionNetwork network = new();
        for (int i = 0; i < 4; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor x = TinyModels.Normal("x", 8, 3, 32, 32).requires_grad_(true), exact = x.detach().to_type(ScalarType.Float64).requires_grad_(true), reference = exact;
            Tensor[] maps = network.Maps(x);
            for (int layer = 0; layer < maps.Length; layer++)
            {
                reference = nn.functional.conv2d(reference, network.Weights[layer].to_type(ScalarType.Float64), padding: [1, 1], strides: layer == 0 ? [1, 1] : [2, 2]).leaky_relu(Scalars.Of(0.2));
            }
            Tensor slope = TinyModels.Normal("slope", reference.shape);
            Poison();
            maps[^1].backward([slope]);
            reference.backward([slope.to_type(ScalarType.Float64)]);
            Assert.True(TinyModels.Distance(x.grad!.to_type(ScalarType.Float64), exact.grad!) < 1e-3);
        }
        Clean();
    }

    /// <summary>Against torch's own convolution in float64, which does not go through oneDNN.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Results_and_gradients_are_those_of_double_precision(int stride)
    {
        foreach (int inputs in (int[])[3, 8, 12, 16, 20, 24, 32, 48, 80])
        {
            foreach (int outputs in (int[])[3, 8, 16, 24, 48])
            {
                using DisposeScope scope = NewDisposeScope();
                using Conv2d layer = nn.Conv2d(inputs, outputs, 3, stride: stride, padding: stride == 1 ? 1 : 0);
                TinyModels.Randomize(layer, inputs);
                Tensor x = TinyModels.Normal("x", 2, inputs, 17, 17).requires_grad_(true);
                Tensor y = Convolution.Forward(layer, x), slope = TinyModels.Normal("slope", y.shape);
                y.backward([slope]);
                Tensor[] exact = [.. new[] { x, layer.weight!, layer.bias! }.Select(t => t.detach().to_type(ScalarType.Float64).requires_grad_(true))];
                Tensor reference = nn.functional.conv2d(exact[0], exact[1], exact[2], [stride, stride], stride == 1 ? [1, 1] : [0, 0]);
                reference.backward([slope.to_type(ScalarType.Float64)]);
                string which = $"{inputs} to {outputs}";
                Assert.True(TinyModels.Distance(y.to_type(ScalarType.Float64), reference) < 1e-4, which + ": result");
                Assert.True(TinyModels.Distance(x.grad!.to_type(ScalarType.Float64), exact[0].grad!) < 1e-3, which + ": gradient of the input");
                Assert.True(TinyModels.Distance(layer.weight!.grad!.to_type(ScalarType.Float64), exact[1].grad!) < 1e-2, which + ": gradient of the weights");
            }
        }
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
