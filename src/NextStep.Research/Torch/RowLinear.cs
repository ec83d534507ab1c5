using System.Buffers;
using System.Runtime.Intrinsics;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>A linear layer as <see cref="RowKernels"/> see it; good while the layer's tensors stay where they are.</summary>
internal readonly unsafe struct RowWeight
{
    private readonly void* _weight;
    private readonly void* _bias;
    private readonly bool _half;
    private readonly WeightScheme? _scheme;

    /// <summary>Of a layer for which <see cref="RowLinear.Suits"/> holds.</summary>
    public RowWeight(Linear layer)
    {
        Tensor weight = layer.weight!;
        _scheme = WeightScheme.Of(weight);
        long[] shape = _scheme?.Matrix(weight.shape) ?? weight.shape;
        (Outputs, Inputs) = ((int)shape[0], (int)shape[1]);
        _half = (_scheme is null ? weight : layer.bias)?.dtype == ScalarType.BFloat16;
        _weight = (void*)TensorMemory.Address(weight);
        _bias = layer.bias is { } bias ? (void*)TensorMemory.Address(bias) : null;
    }

    /// <summary>Features k of the input, a multiple of <see cref="RowKernels.Depth"/>.</summary>
    public int Inputs { get; }

    /// <summary>Features n of the output, a multiple of <see cref="RowKernels.Block"/>.</summary>
    public int Outputs { get; }

    /// <summary>Whether inputs are wanted in the order of <see cref="RowKernels.Interleave"/>.</summary>
    public bool Interleaved => _half && _scheme is null;

    /// <summary>Columns [from, to) of x·Wᵀ + b.</summary>
    /// <param name="x">[rows, k].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="y">[rows, n].</param>
    /// <param name="from">First column.</param>
    /// <param name="to">Behind the last column.</param>
    public void Multiply(float* x, int rows, float* y, int from, int to)
    {
        if (_scheme is not null)
        {
            QuantizedKernels.Multiply(_scheme, x, rows, Inputs, (byte*)_weight, from, to, y, Outputs);
        }
        else if (_half)
        {
            RowKernels.Multiply(x, rows, Inputs, (ushort*)_weight, from, to, y, Outputs);
        }
        else
        {
            RowKernels.Multiply(x, rows, Inputs, (float*)_weight, from, to, y, Outputs);
        }
        for (int r = 0; _bias != null && r < rows; r++)
        {
            float* row = y + ((long)r * Outputs);
            for (int n = from; n < to; n++)
            {
                row[n] += _half ? BrainFloat.Widen(((ushort*)_bias)[n]) : ((float*)_bias)[n];
            }
        }
    }
}

/// <summary>
/// Linear layers at inference: few rows on the CPU go to <see cref="RowKernels"/>, which read the weights where they lie; everything
/// else to torch. Which of the two is decided by device, dtype and shape alone, so the same call always gives the same bits.
/// </summary>
internal static unsafe class RowLinear
{
    // Below so many weights a second thread is not worth waking.
    private const long Alone = 1 << 16;

    /// <summary>Most rows for which the kernels win: measured, see the kernel table of <c>nextstep bench</c>.</summary>
    public const int MostRows = 16;

    /// <summary>Whether the kernels serve a layer for that many rows.</summary>
    public static bool Suits(Linear layer, long rows)
    {
        Tensor weight = layer.weight!;
        return rows <= MostRows && Vector256.IsHardwareAccelerated && !is_grad_enabled()
            && weight.device.type == DeviceType.CPU && weight.is_contiguous()
            && (WeightScheme.Of(weight) is not null || (weight.dtype is ScalarType.Float32 or ScalarType.BFloat16 && weight.size(0) % RowKernels.Block == 0 && weight.size(1) % RowKernels.Depth == 0));
    }

    /// <summary>x·Wᵀ + b; x: [.., k].</summary>
    public static Tensor Forward(Linear layer, Tensor x) => Suits(layer, x) ? Products([layer], x)[0] : Many(layer, x);

    /// <summary>Several layers of one input, read in one go.</summary>
    public static Tensor[] Forward(Linear[] layers, Tensor x) =>
        Array.TrueForAll(layers, l => Suits(l, x)) ? Products(layers, x) : Array.ConvertAll(layers, l => Many(l, x));

    /// <summary>x·Wᵀ + b where torch's own product is wanted for every number of rows, and the weights may be quantized, which torch cannot read.</summary>
    public static Tensor Plain(Linear layer, Tensor x) => WeightScheme.Of(layer.weight!) is null ? layer.forward(x) : Forward(layer, x);

    private static bool Suits(Linear layer, Tensor x) =>
        (x.dtype == layer.weight!.dtype || (x.dtype is ScalarType.Float32 or ScalarType.BFloat16 && WeightScheme.Of(layer.weight) is not null)) && x.device.type == DeviceType.CPU && Suits(layer, x.numel() / x.size(-1));

    // Quantized weights are decoded some outputs at a time, so that the whole matrix never lies in memory.
    private static Tensor Many(Linear layer, Tensor x)
    {
        const int Outputs = 512;
        if (WeightScheme.Of(layer.weight!) is not { } scheme)
        {
            return layer.forward(x);
        }
        using DisposeScope scope = NewDisposeScope();
        long outputs = scheme.Matrix(layer.weight!.shape)[0];
        Tensor y = empty([.. x.shape[..^1], outputs], x.dtype);
        for (long from = 0; from < outputs; from += Outputs)
        {
            using DisposeScope piece = NewDisposeScope();
            long count = Math.Min(Outputs, outputs - from);
            y.narrow(-1, from, count).copy_(x.matmul(scheme.Dequantize(layer.weight, from, count).to_type(x.dtype).t()));
        }
        return (layer.bias is { } bias ? y.Plus(bias.to_type(x.dtype)) : y).MoveToOuterDisposeScope();
    }

    private static Tensor[] Products(Linear[] layers, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor dense = x.contiguous();
        RowWeight[] weights = Array.ConvertAll(layers, l => new RowWeight(l));
        int inputs = weights[0].Inputs, rows = (int)(x.numel() / inputs), outputs = weights.Sum(w => w.Outputs);
        bool half = x.dtype == ScalarType.BFloat16;
        Tensor[] results = Array.ConvertAll(weights, w => empty([.. x.shape[..^1], w.Outputs], x.dtype));
        nint[] addresses = Array.ConvertAll(results, TensorMemory.Address);
        nint source = TensorMemory.Address(dense);
        float[]? scratch = half ? ArrayPool<float>.Shared.Rent(rows * ((2 * inputs) + outputs)) : null;
        fixed (float* buffer = scratch)
        {
            nint start = (nint)buffer, scratchStart = start;
            if (half)
            {
                float* wide = buffer + ((long)rows * inputs);
                BrainFloat.Widen((ushort*)source, wide, rows * inputs);
                if (weights[0].Interleaved)
                {
                    RowKernels.Interleave(wide, buffer, rows * inputs);
                }
                else
                {
                    start = (nint)wide;
                }
            }
            CpuTeam team = CpuTeam.Shared;
            if ((long)inputs * outputs <= Alone)
            {
                Part(0, 1);
            }
            else
            {
                team.Run(part => Part(part, team.Count));
            }

            void Part(int part, int parts)
            {
                float* input = half ? (float*)start : (float*)source, behind = (float*)scratchStart + (2L * rows * inputs);
                for (int i = 0; i < weights.Length; i++)
                {
                    (int from, int to) = CpuTeam.Share(part, parts, weights[i].Outputs);
                    weights[i].Multiply(input, rows, half ? behind : (float*)addresses[i], from, to);
                    for (int r = 0; half && r < rows; r++)
                    {
                        long row = (long)r * weights[i].Outputs;
                        BrainFloat.Round(behind + row + from, (ushort*)addresses[i] + row + from, to - from);
                    }
                    behind += (long)rows * weights[i].Outputs;
                }
            }
        }
        if (scratch is not null)
        {
            ArrayPool<float>.Shared.Return(scratch);
        }
        return Array.ConvertAll(results, r => r.MoveToOuterDisposeScope());
    }
}
