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
        Assert.Equal([75, 2, scheme.StripBytes], stored.shape);
        Assert.Equal([300, 2 * group], scheme.Matrix(stored.shape));
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
        float[] w = new float[4 * 32]; // row r: the scale 2ʳ, and codes that tell their place
        for (int i = 0; i < w.Length; i++)
        {
            w[i] = (((i % 32) + (i / 32)) % 16 - 8) * (1 << (i / 32));
        }
        int[] codes = [.. Enumerable.Range(0, w.Length).Select(i => ((i % 32) + (i / 32)) % 16)];
        byte[] scales = [0x00, 0x3C, 0x00, 0x40, 0x00, 0x44, 0x00, 0x48];
        byte[] four = [.. new WeightScheme(4, 32).Quantize(tensor(w, [4, 32])).data<byte>()];
        IEnumerable<byte> Pairs(int row, int first) => Enumerable.Range(first, 8).Select(j => (byte)(codes[(row * 32) + j] | (codes[(row * 32) + j + 8] << 4)));
        Assert.Equal([.. scales, .. Enumerable.Range(0, 2).SelectMany(step => Enumerable.Range(0, 4).SelectMany(row => Pairs(row, 16 * step)))], four);
        for (int row = 0; row < 4; row++)
        {
            w[(row * 32) + 5] = -127 << row;
            codes[(row * 32) + 5] = -127 + 8;
        }
        sbyte[] eight = [.. new WeightScheme(8, 32).Quantize(tensor(w, [4, 32])).data<sbyte>()];
        Assert.Equal([.. scales.Select(b => (sbyte)b), .. Enumerable.Range(0, 4).SelectMany(step => Enumerable.Range(0, 4).SelectMany(row => Enumerable.Range(8 * step, 8).Select(j => (sbyte)(codes[(row * 32) + j] - 8))))], eight);
    }

    [Fact]
    public void Zeros_and_tiny_scales_are_exact_and_what_is_not_finite_is_refused()
    {
        foreach (WeightScheme scheme in (WeightScheme[])[new(8, 32), new(4, 32)])
        {
            Assert.Equal(0, scheme.Dequantize(scheme.Quantize(zeros(4, 32)), 0, 4).abs().sum().item<float>());
            Assert.Throws<InvalidDataException>(() => scheme.Quantize(full([4, 32], float.NaN)));
            Assert.Throws<InvalidDataException>(() => scheme.Quantize(full([4, 32], 1e9f)));
            Assert.Throws<InvalidDataException>(() => scheme.Quantize(ones(4, 48)));
            Assert.Throws<InvalidDataException>(() => scheme.Quantize(ones(6, 32)));
        }
        ushort[] bits = [0x0001, 0x03FF, 0x0400, 0x3C00, 0x7BFF, 0x8001, 0xC123, 0xFBFF];
        for (int i = 0; i + 4 <= bits.Length; i++)
        {
            fixed (ushort* halves = &bits[i])
            {
                Assert.Equal((float)BitConverter.UInt16BitsToHalf(bits[i + 3]), WeightScheme.Scale((byte*)halves, 3));
                Assert.Equal((float)BitConverter.UInt16BitsToHalf(bits[i]), WeightScheme.Scale((byte*)halves, 0));
            }
        }
    }

    // Bounds: of x half a step of its rounding, 16 bits of it for int8 and 8 for int4, and float32 sums over the groups.
    [Theory]
    [InlineData(8, 32, 1, 64)]
    [InlineData(8, 128, 2, 1536)]
    [InlineData(4, 32, 7, 1536)]
    [InlineData(4, 64, 16, 256)]
    [InlineData(4, 128, 3, 128)]
    [InlineData(8, 64, 5, 320)]
    public void Every_form_has_the_bits_of_the_definition_and_stays_within_the_rounding_of_x(int bits, int group, int rows, int k)
    {
        const int Outputs = 12;
        WeightScheme scheme = new(bits, group);
        Tensor x = TinyModels.Normal("x", rows, k).mul_(TinyModels.Normal("sizes", 1, k).exp()), stored = scheme.Quantize(TinyModels.Normal("w", Outputs, k));
        x[0, 0] = tensor(300f); // outliers meet the largest codes
        Tensor w = scheme.Dequantize(stored, 0, Outputs).to_type(ScalarType.Float64), wide = x.to_type(ScalarType.Float64);
        for (int n = 0; n < Outputs; n++)
        {
            byte* strip = (byte*)TensorMemory.Address(stored) + ((long)n / 4 * (k / group) * scheme.StripBytes);
            for (int j = 0; j < k; j++)
            {
                byte* block = strip + (j / group * scheme.StripBytes);
                Assert.Equal((double)(WeightScheme.Scale(block, n % 4) * scheme.Code(block, n % 4, j % group)), w[n, j].item<double>());
            }
        }
        Tensor exact = wide.matmul(w.t()), step = wide.abs().view(rows, k / group, group).amax([2], true).div(bits == 8 ? 32512 : 127);
        Tensor allowed = step.expand(rows, k / group, group).reshape(rows, k).mul(0.5001).matmul(w.abs().t()).add(wide.abs().matmul(w.abs().t()).mul(1e-6));
        Tensor reference = Product(QuantizedForm.Portable);
        Assert.True(reference.to_type(ScalarType.Float64).sub(exact).abs().le(allowed).all().item<bool>());
        Assert.All(QuantizedKernels.Forms, form => TensorAssert.Same(reference, Product(form)));

        Tensor Product(QuantizedForm form)
        {
            Tensor y = empty(rows, Outputs);
            float* to = (float*)TensorMemory.Address(y);
            QuantizedKernels.Multiply(scheme, (float*)TensorMemory.Address(x), rows, k, (byte*)TensorMemory.Address(stored), 0, 8, to, Outputs, form);
            QuantizedKernels.Multiply(scheme, (float*)TensorMemory.Address(x), rows, k, (byte*)TensorMemory.Address(stored), 8, Outputs, to, Outputs, form);
            return y;
        }
    }

    [Theory]
    [InlineData(8)]
    [InlineData(4)]
    public void The_largest_codes_do_not_overflow_and_what_is_not_finite_stays_so(int bits)
    {
        WeightScheme scheme = new(bits, 128);
        Tensor stored = scheme.Quantize(full([4, 128], -1f));
        float scale = -scheme.Dequantize(stored, 0, 4)[3, 127].item<float>(); // 1, but for the rounding of the scale
        foreach (QuantizedForm form in QuantizedKernels.Forms)
        {
            Assert.Equal(-128 * 7f * scale, Sum(full([1, 128], 7f), form), 1e-3);
            Assert.Equal(128 * 7e30f * scale, Sum(full([1, 128], -7e30f), form), 1e27);
            Assert.Equal(0f, Sum(full([1, 128], 1e-38f), form));
            Assert.True(float.IsNaN(Sum(full([1, 128], float.NaN), form)));
            Assert.False(float.IsFinite(Sum(full([1, 128], float.PositiveInfinity), form)));
        }

        float Sum(Tensor x, QuantizedForm form)
        {
            float* y = stackalloc float[4];
            QuantizedKernels.Multiply(scheme, (float*)TensorMemory.Address(x), 1, 128, (byte*)TensorMemory.Address(stored), 0, 4, y, 4, form);
            return y[3];
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
        Assert.InRange(TinyModels.Distance(wanted.narrow(0, 0, 7), together), 0, bits == 8 ? 1e-4 : 0.05); // few rows are rounded first
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
