using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Layers in training give the numbers and gradients of the same layers in float64, operation by operation.</summary>
public sealed class RowPassTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(1, 16)]
    [InlineData(63, 96)]
    [InlineData(130, 48)]
    public void Rms_norm(int rows, int width)
    {
        RmsNorm norm = new(width, 1e-5);
        Compare(norm, (m, x) => m.forward(x[0]), TinyModels.Normal("x", 2, rows, width));
    }

    [Theory]
    [InlineData(1, 16, 32)]
    [InlineData(70, 96, 256)]
    public void Gated_mlp(int rows, int width, int inner)
    {
        GatedMlp mlp = new(new TransformerConfig { HiddenSize = width, IntermediateSize = inner, Layers = 1, Heads = 1, KeyValueHeads = 1, HeadDim = width, VocabularySize = 8 });
        Compare(mlp, (m, x) => m.forward(x[0]), TinyModels.Normal("x", 2, rows, width));
    }

    [Theory]
    [InlineData(1, 16, 16)]
    [InlineData(150, 96, 192)]
    public void Block_of_the_head(int rows, int width, int inner)
    {
        FlowHeadBlock block = new(width, inner);
        Compare(block, (m, x) => m.Forward(x[0], x[1]), TinyModels.Normal("x", rows, width), TinyModels.Normal("modulation", rows, 3 * width));
    }

    [Theory]
    [InlineData(1, 2, 1, 1, 8, 16, false, true)]
    [InlineData(3, 30, 4, 4, 24, 96, true, true)]
    [InlineData(3, 30, 4, 2, 24, 96, true, true)]
    [InlineData(2, 17, 4, 4, 16, 64, false, false)]
    public void Attention_with_shared_heads_masks_and_biases(int batch, int length, int heads, int shared, int headDim, int width, bool masked, bool biased)
    {
        TransformerConfig config = new() { HiddenSize = width, IntermediateSize = 32, Layers = 1, Heads = heads, KeyValueHeads = shared, HeadDim = headDim, VocabularySize = 8, AttentionBias = biased };
        Tensor? mask = masked ? ones(length, length, dtype: ScalarType.Bool).tril().expand(batch, 1, length, length).clone() : null;
        if (mask is not null)
        {
            mask[1, 0, TensorIndex.Slice(4), TensorIndex.Slice(0, 2)] = zeros(1, dtype: ScalarType.Bool); // two positions are padding
        }
        Attention attention = new(config);
        Compare(attention, (m, x) => m.Forward(x[0], RotaryAngles.At(Scalars.Range(length), config.HeadDim, 100, x[0].dtype), mask, null, 0), TinyModels.Normal("x", batch, length, width));
    }

    [Fact]
    public void Under_autocast_products_are_in_bfloat16_and_libtorch_does_the_rest()
    {
        TransformerConfig config = new() { HiddenSize = 32, IntermediateSize = 64, Layers = 1, Heads = 2, KeyValueHeads = 1, HeadDim = 16, VocabularySize = 8 };
        DecoderLayer layer = new(config);
        FlowHeadBlock block = new(32, 64);
        Tensor x = TinyModels.Normal("x", 2, 5, 32), modulation = TinyModels.Normal("modulation", 10, 96);
        (Tensor, Tensor) Both(bool training)
        {
            layer.train(training);
            block.train(training);
            using IDisposable? autocast = Autocast.For(Precision.BFloat16, CPU);
            return (layer.Forward(x, RotaryAngles.At(Scalars.Range(5), 16, 100, x.dtype), null, null, 0), block.Forward(x.view(10, 32), modulation));
        }
        (Tensor ofLayer, Tensor ofBlock) = Both(false);
        (Tensor trained, Tensor trainedBlock) = Both(true);
        TensorAssert.Same(ofLayer, trained);
        TensorAssert.Same(ofBlock, trainedBlock);
    }

    [Fact]
    public void Sums_over_rows_are_the_same_bits_with_any_number_of_threads()
    {
        RmsNorm norm = new(48, 1e-5);
        int before = get_num_threads();
        try
        {
            Tensor[][] all = [.. new[] { 1, 2, 3 }.Select(threads =>
            {
                set_num_threads(threads);
                return Run(norm, (m, x) => m.forward(x[0]), [TinyModels.Normal("x", 5, 131, 48)]).Gradients;
            })];
            Assert.All(all, gradients => Assert.All(gradients.Zip(all[0]), pair => TensorAssert.Same(pair.Second, pair.First)));
        }
        finally
        {
            set_num_threads(before);
        }
    }

    // Of every input and parameter, against float64, which takes libtorch's operations.
    private static void Compare<T>(T module, Func<T, Tensor[], Tensor> forward, params Tensor[] inputs)
        where T : nn.Module
    {
        using (no_grad())
        {
            int n = 0;
            foreach ((string name, TorchSharp.Modules.Parameter p) in module.named_parameters())
            {
                p.copy_(TinyModels.Normal($"{name} {n++}", p.shape).Times(p.dim() > 1 ? 1 / Math.Sqrt(p.size(-1)) : 0.3).Plus(name.EndsWith("weight", StringComparison.Ordinal) && p.dim() == 1 ? 1 : 0));
            }
        }
        (Tensor y, Tensor[] gradients) = Run(module, forward, inputs);
        module.to(ScalarType.Float64);
        (Tensor exact, Tensor[] exactly) = Run(module, forward, [.. inputs.Select(i => i.to_type(ScalarType.Float64))]);
        Close(exact, y);
        Assert.Equal(exactly.Length, gradients.Length);
        for (int i = 0; i < gradients.Length; i++)
        {
            Close(exactly[i], gradients[i]);
        }
        module.Dispose();
    }

    private static (Tensor Y, Tensor[] Gradients) Run<T>(T module, Func<T, Tensor[], Tensor> forward, Tensor[] inputs)
        where T : nn.Module
    {
        Tensor[] leaves = [.. inputs.Select(i => i.detach().clone().requires_grad_(true))];
        module.zero_grad();
        Tensor y = forward(module, leaves);
        y.backward([TinyModels.Normal("dy", y.shape).to_type(y.dtype)]);
        return (y.detach(), [.. leaves.Concat(module.parameters()).Where(p => p.grad is not null).Select(p => p.grad!.detach().clone())]);
    }

    private static void Close(Tensor exact, Tensor y)
    {
        Assert.Equal(exact.shape, y.shape);
        double scale = exact.abs().max().item<double>(), error = (exact - y.to_type(ScalarType.Float64)).abs().max().item<double>();
        Assert.InRange(error / scale, 0, 2e-6);
    }
}
