using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Quantized weights: the scheme against its definition, the kernels against exact products of the decoded weights.</summary>
public sealed unsafe class QuantizedKernelsTests : IDisposable
{
    private readonly IDisposable _guard = no_grad();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _guard.Dispose();
    }

    [Theory]
    [InlineData(8, 32, 0.5)]
    [InlineData(8, 128, 0.5)]
    [InlineData(4, 32, 1)]
    [InlineData(4, 64, 1)]
    public void A_number_is_off_by_half_a_step_or_by_one_where_int4_ends_at_7(int bits, int group, double steps)
    {
        WeightScheme scheme = new(bits, group);
        Tensor w = TinyModels.Normal("w", 300, 2 * group);
        Tensor stored = scheme.Quantize(w);
        Assert.Equal([300, 2, scheme.BlockBytes], stored.shape);
        Assert.Equal(scheme, WeightScheme.Of(stored));
        Tensor difference = scheme.Dequantize(stored, 0, 300).sub(w).abs().view(300, 2, group), largest = w.view(300, 2, group).abs().amax([2], true);
        // The scale is rounded to 11 bits: the largest number may lie 2⁻¹¹ of itself away, seen at the end of the codes.
        Tensor allowed = largest.mul((steps / (bits == 8 ? 127 : 8)) + (1.0 / 2048));
        Assert.True(difference.le(allowed).all().item<bool>());
        // What is decoded is its own quantization.
        TensorAssert.Same(stored, scheme.Quantize(scheme.Dequantize(stored, 0, 300)));
    }

    [Fact]
    public void The_bytes_are_those_of_the_layout()
    {
        float[] w = [.. Enumerable.Range(0, 32).Select(i => (i % 16) - 8f)]; // every code of int4, scale 1
        byte[] four = [.. new WeightScheme(4, 32).Quantize(tensor(w, [1, 32])).data<byte>()];
        Assert.Equal([0x00, 0x3C, .. Enumerable.Range(0, 16).Select(i => (byte)(i | (i << 4)))], four);
        w[3] = -127;
        sbyte[] eight = [.. new WeightScheme(8, 32).Quantize(tensor(w, [1, 32])).data<sbyte>()];
        Assert.Equal([0x00, 0x3C, .. w.Select(v => (sbyte)v)], eight);
    }

    [Fact]
    public void Zeros_and_tiny_scales_are_exact_and_what_is_not_finite_is_refused()
    {
        foreach (WeightScheme scheme in (WeightScheme[])[new(8, 32), new(4, 32)])
        {
            Assert.Equal(0, scheme.Dequantize(scheme.Quantize(zeros(1, 32)), 0, 1).abs().sum().item<float>());
            Assert.Throws<InvalidDataException>(() => scheme.Quantize(full([1, 32], float.NaN)));
            Assert.Throws<InvalidDataException>(() => scheme.Quantize(full([1, 32], 1e9f)));
            Assert.Throws<InvalidDataException>(() => scheme.Quantize(ones(1, 48)));
        }
        ushort[] bits = [0x0001, 0x03FF, 0x0400, 0x3C00, 0x7BFF, 0x8001, 0xC123, 0xFBFF];
        foreach (ushort half in bits)
        {
            Assert.Equal((float)BitConverter.UInt16BitsToHalf(half), WeightScheme.Scale((byte*)&half));
        }
    }

    // Bound: k float32 additions of exact numbers, relative to the sum of sizes; the lanes make it far smaller than k.
    [Theory]
    [InlineData(8, 32, 1, 64)]
    [InlineData(8, 128, 2, 1536)]
    [InlineData(4, 32, 7, 1536)]
    [InlineData(4, 64, 16, 256)]
    [InlineData(4, 128, 3, 128)]
    public void Every_form_is_the_product_of_the_decoded_weights(int bits, int group, int rows, int k)
    {
        const int Outputs = 12;
        WeightScheme scheme = new(bits, group);
        Tensor x = TinyModels.Normal("x", rows, k), stored = scheme.Quantize(TinyModels.Normal("w", Outputs, k));
        float[] plain = new float[Outputs * k];
        fixed (float* to = plain)
        {
            for (int n = 0; n < Outputs; n++)
            {
                QuantizedKernels.Decode(scheme, (byte*)TensorMemory.Address(stored) + (n * (k / group) * scheme.BlockBytes), k / group, to + (n * k), QuantizedForm.Portable);
            }
        }
        Tensor w = tensor(plain, [Outputs, k]).to_type(ScalarType.Float64), wide = x.to_type(ScalarType.Float64);
        Assert.Equal(w.data<double>(), scheme.Dequantize(stored, 0, Outputs).to_type(ScalarType.Float64).data<double>());
        Tensor exact = wide.matmul(w.t()), allowed = wide.abs().matmul(w.abs().t()).mul(2e-6);
        foreach (QuantizedForm form in QuantizedKernels.Forms)
        {
            Tensor y = empty(rows, Outputs);
            QuantizedKernels.Multiply(scheme, (float*)TensorMemory.Address(x), rows, k, (byte*)TensorMemory.Address(stored), 0, Outputs, (float*)TensorMemory.Address(y), Outputs, form);
            Assert.True(y.to_type(ScalarType.Float64).sub(exact).abs().le(allowed).all().item<bool>(), form.ToString());
        }
    }

    [Theory]
    [InlineData(8)]
    [InlineData(4)]
    public void A_layer_serves_few_and_many_rows_alike_alone_or_in_company_on_any_number_of_threads(int bits)
    {
        WeightScheme scheme = new(bits, 32);
        using Linear plain = nn.Linear(256, 520), layer = nn.Linear(256, 520);
        TinyModels.Randomize(plain, 9);
        Tensor stored = scheme.Quantize(plain.weight!);
        plain.weight!.copy_(scheme.Dequantize(stored, 0, 520));
        layer.bias!.copy_(plain.bias!);
        layer.weight!.requires_grad = false;
        TensorMemory.Assign(layer.weight, stored);
        Tensor x = TinyModels.Normal("x", 40, 256), wanted = plain.forward(x), few = x.narrow(0, 0, 7);
        Assert.True(RowLinear.Suits(layer, 7));
        Assert.InRange(TinyModels.Distance(wanted, RowLinear.Forward(layer, x)), 0, 2e-5);
        Tensor together = RowLinear.Forward(layer, few);
        Assert.InRange(TinyModels.Distance(wanted.narrow(0, 0, 7), together), 0, 2e-5);
        for (int i = 0; i < 7; i++)
        {
            TensorAssert.Same(together.narrow(0, i, 1), RowLinear.Forward(layer, x.narrow(0, i, 1)));
        }
        int threads = get_num_threads();
        try
        {
            set_num_threads(3);
            TensorAssert.Same(together, RowLinear.Forward(layer, few));
        }
        finally
        {
            set_num_threads(threads);
        }
        plain.to(ScalarType.BFloat16);
        plain.weight.copy_(scheme.Dequantize(stored, 0, 520));
        layer.bias.requires_grad = false;
        TensorMemory.Assign(layer.bias, plain.bias!.detach());
        Tensor half = few.to_type(ScalarType.BFloat16), ours = RowLinear.Forward(layer, half);
        Assert.Equal(ScalarType.BFloat16, ours.dtype);
        Tensor exact = RowLinear.Forward(layer, half.to_type(ScalarType.Float32));
        Assert.True(exact.sub(ours.to_type(ScalarType.Float32)).abs().le(exact.abs().mul(1.0 / 256).add(1e-5)).all().item<bool>());
    }
}
