using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Symmetric quantization of a matrix [n, k] in groups of a row: w = scale · code. A group is a block of bytes, its scale in float16 and then its codes: int8 in −127 … 127 with
/// scale = max|w| / 127, int4 in −8 … 7 with scale = (the number of largest size, with its sign) / −8; of every 32 numbers of int4, byte j holds number j in its low and number
/// j + 16 in its high half, 8 added. A tensor is [n, k / group, bytes of a block], of dtype I8 or U8: shape and dtype say the scheme. scale · code is exact in float32.
/// </summary>
/// <param name="Bits">4 or 8.</param>
/// <param name="Group">Numbers that share a scale: 32, 64 or 128.</param>
internal sealed partial record WeightScheme(int Bits, int Group)
{
    /// <summary>Numbers that are decoded together.</summary>
    public const int Unit = 32;

    /// <summary>Bytes of a scale.</summary>
    public const int ScaleBytes = sizeof(ushort);

    /// <summary>Bytes of a group.</summary>
    public int BlockBytes => ScaleBytes + (Group * Bits / 8);

    /// <summary>Dtype of the stored tensor.</summary>
    public ScalarType Stored => Bits == 8 ? ScalarType.Int8 : ScalarType.Byte;

    /// <summary><c>int8:32</c> and the like, as <see cref="Parse"/> reads it.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"int{Bits}:{Group}");

    /// <summary>The scheme called <paramref name="text"/>, null where there is none of that name.</summary>
    public static WeightScheme? Parse(string text) => Name().Match(text) is { Success: true } m
        ? new WeightScheme(m.Groups[1].ValueSpan[0] - '0', int.Parse(m.Groups[2].ValueSpan, CultureInfo.InvariantCulture)) : null;

    /// <summary>The scheme of a layer's weight, null of a plain one.</summary>
    public static WeightScheme? Of(Tensor weight) => weight.dtype switch
    {
        ScalarType.Int8 when weight.dim() == 3 => new WeightScheme(8, (int)weight.size(2) - ScaleBytes),
        ScalarType.Byte when weight.dim() == 3 => new WeightScheme(4, ((int)weight.size(2) - ScaleBytes) * 2),
        _ => null,
    };

    /// <summary>Shape of the stored tensor of a matrix; null where the group does not divide its width.</summary>
    public long[]? Shape(IReadOnlyList<long> matrix) => matrix.Count == 2 && matrix[1] % Group == 0 ? [matrix[0], matrix[1] / Group, BlockBytes] : null;

    /// <summary>Quantizes a floating-point matrix on the CPU, piece by piece.</summary>
    /// <exception cref="InvalidDataException">Numbers are not finite, or too large for a float16 scale.</exception>
    public unsafe Tensor Quantize(Tensor matrix)
    {
        const int Rows = 256;
        using DisposeScope scope = NewDisposeScope();
        int width = (int)matrix.size(1), blocks = width / Group;
        Tensor stored = empty(Shape(matrix.shape) ?? throw new InvalidDataException($"groups of {Group} do not divide its width of {width}"), Stored);
        byte* to = (byte*)TensorMemory.Address(stored);
        for (long row = 0; row < matrix.size(0); row += Rows)
        {
            int rows = (int)Math.Min(Rows, matrix.size(0) - row);
            using Tensor piece = matrix.narrow(0, row, rows).to_type(ScalarType.Float32).contiguous();
            nint from = TensorMemory.Address(piece), at = (nint)(to + (row * blocks * BlockBytes));
            bool finite = true;
            CpuTeam team = CpuTeam.Shared;
            team.Run(part =>
            {
                for (int b = (int)((long)rows * blocks * part / team.Count); b < (int)((long)rows * blocks * (part + 1) / team.Count); b++)
                {
                    if (!Encode((float*)from + ((long)b * Group), (byte*)at + ((long)b * BlockBytes)))
                    {
                        Volatile.Write(ref finite, false);
                    }
                }
            });
            if (!finite)
            {
                throw new InvalidDataException("it holds numbers that are NaN, infinite or too large for a scale in float16");
            }
        }
        return stored.MoveToOuterDisposeScope();
    }

    /// <summary>Rows [from, from + count) of a stored tensor as float32 [count, k].</summary>
    public unsafe Tensor Dequantize(Tensor stored, long from, long count)
    {
        int blocks = (int)stored.size(1), width = blocks * Group;
        Tensor plain = empty([count, width], ScalarType.Float32);
        nint source = TensorMemory.Address(stored), target = TensorMemory.Address(plain);
        CpuTeam team = CpuTeam.Shared;
        team.Run(part =>
        {
            for (long row = count * part / team.Count; row < count * (part + 1) / team.Count; row++)
            {
                QuantizedKernels.Decode(this, (byte*)source + ((from + row) * blocks * BlockBytes), blocks, (float*)target + (row * width), QuantizedForm.Best);
            }
        });
        return plain;
    }

    /// <summary>Whether all scales of a stored tensor are finite.</summary>
    public unsafe bool ScalesAreFinite(Tensor stored)
    {
        byte* at = (byte*)TensorMemory.Address(stored);
        for (long left = stored.size(0) * stored.size(1); left > 0; left--, at += BlockBytes)
        {
            if ((Unsafe.ReadUnaligned<ushort>(at) & 0x7C00) == 0x7C00)
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>A float16 scale; exact for all that are finite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe float Scale(byte* block) => // the bits moved to float32's places, and the difference of the exponents' biases as a factor
        BitConverter.Int32BitsToSingle((Unsafe.ReadUnaligned<short>(block) << 13) & unchecked((int)0x8FFFE000)) * 5192296858534827628530496329220096f;

    private unsafe bool Encode(float* w, byte* block)
    {
        float largest = 0;
        for (int i = 0; i < Group; i++)
        {
            largest = !(MathF.Abs(w[i]) <= MathF.Abs(largest)) ? w[i] : largest; // a NaN is the largest and stays it
        }
        Half half = (Half)(Bits == 8 ? MathF.Abs(largest) / 127 : largest / -8);
        Unsafe.WriteUnaligned(block, BitConverter.HalfToUInt16Bits(half));
        if (!Half.IsFinite(half))
        {
            return false;
        }
        float scale = (float)half, inverse = scale == 0 ? 0 : 1 / scale;
        byte* codes = block + ScaleBytes;
        for (int i = 0; i < Group && Bits == 8; i++)
        {
            codes[i] = (byte)(sbyte)Math.Clamp(MathF.Round(w[i] * inverse), -127, 127);
        }
        for (int i = 0; i < Group && Bits == 4; i++)
        {
            int code = (int)Math.Clamp(MathF.Round(w[i] * inverse), -8, 7) + 8, place = i % Unit;
            byte* at = codes + (i / Unit * (Unit / 2)) + (place % 16);
            *at = (byte)(place < 16 ? code : *at | (code << 4));
        }
        return true;
    }

    [GeneratedRegex(@"\Aint([48]):(32|64|128)\z")]
    private static partial Regex Name();
}
