using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Text.RegularExpressions;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Symmetric quantization of a matrix [n, k] in groups of a row: w = scale · code, int8 in −127 … 127 with scale = max|w| / 127, int4 in −8 … 7 with scale = (the number of largest
/// size, with its sign) / −8. Four rows are a strip; of a strip, the same group of each row lies together: four scales in float16, then eight codes of each row in turn, and the
/// next eight. In int4 a byte holds, 8 added, number j in its low and number j + 8 in its high half. A tensor is [n / 4, k / group, bytes], of dtype I8 or U8: shape and dtype say
/// the scheme. scale · code is exact in float32.
/// </summary>
/// <param name="Bits">4 or 8.</param>
/// <param name="Group">Numbers that share a scale: 32, 64 or 128.</param>
internal sealed partial record WeightScheme(int Bits, int Group)
{
    /// <summary>Rows that lie together.</summary>
    public const int Strip = RowKernels.Block;

    /// <summary>Numbers of a row that lie together.</summary>
    public const int Oct = 8;

    /// <summary>Bytes from one such eight to the next.</summary>
    public const int Step = Strip * Oct;

    /// <summary>Numbers of a row that are multiplied together.</summary>
    public const int Unit = 32;

    /// <summary>Bytes of a strip's scales.</summary>
    public const int ScalesBytes = Strip * sizeof(ushort);

    /// <summary>Bytes of a strip's group.</summary>
    public int StripBytes => ScalesBytes + (Strip * Group * Bits / 8);

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
        ScalarType.Int8 when weight.dim() == 3 => new WeightScheme(8, ((int)weight.size(2) - ScalesBytes) / Strip),
        ScalarType.Byte when weight.dim() == 3 => new WeightScheme(4, ((int)weight.size(2) - ScalesBytes) / Strip * 2),
        _ => null,
    };

    /// <summary>Shape of the stored tensor of a matrix; null where the group does not divide its width, or the strip its height.</summary>
    public long[]? Shape(IReadOnlyList<long> matrix) => matrix.Count == 2 && matrix[1] % Group == 0 && matrix[0] % Strip == 0 ? [matrix[0] / Strip, matrix[1] / Group, StripBytes] : null;

    /// <summary>Shape of the matrix of a stored tensor: <see cref="Shape"/>'s inverse.</summary>
    public long[] Matrix(IReadOnlyList<long> stored) => [stored[0] * Strip, stored[1] * Group];

    /// <summary>Quantizes a floating-point matrix on the CPU, piece by piece.</summary>
    /// <exception cref="InvalidDataException">Numbers are not finite, or too large for a float16 scale.</exception>
    public unsafe Tensor Quantize(Tensor matrix)
    {
        const int Rows = 256;
        using DisposeScope scope = NewDisposeScope();
        int width = (int)matrix.size(1), blocks = width / Group;
        Tensor stored = empty(Shape(matrix.shape) ?? throw new InvalidDataException($"groups of {Group} do not divide its width of {width}, or {Strip} does not divide its height of {matrix.size(0)}"), Stored);
        byte* to = (byte*)TensorMemory.Address(stored);
        for (long row = 0; row < matrix.size(0); row += Rows)
        {
            int rows = (int)Math.Min(Rows, matrix.size(0) - row);
            using Tensor piece = matrix.narrow(0, row, rows).to_type(ScalarType.Float32).contiguous();
            nint from = TensorMemory.Address(piece), at = (nint)(to + (row / Strip * blocks * StripBytes));
            bool finite = true;
            CpuTeam team = CpuTeam.Shared;
            team.Run(part =>
            {
                int groups = rows / Strip * blocks;
                for (int b = (int)((long)groups * part / team.Count); b < (int)((long)groups * (part + 1) / team.Count); b++)
                {
                    if (!Encode((float*)from + ((long)b / blocks * Strip * width) + (b % blocks * Group), width, (byte*)at + ((long)b * StripBytes)))
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

    /// <summary>Rows [from, from + count) of a stored tensor as float32 [count, k], multiples of <see cref="Strip"/> both.</summary>
    public unsafe Tensor Dequantize(Tensor stored, long from, long count)
    {
        int blocks = (int)stored.size(1), width = blocks * Group;
        Tensor plain = empty([count, width], ScalarType.Float32);
        nint source = TensorMemory.Address(stored), target = TensorMemory.Address(plain);
        CpuTeam team = CpuTeam.Shared;
        team.Run(part =>
        {
            for (long strip = count / Strip * part / team.Count; strip < count / Strip * (part + 1) / team.Count; strip++)
            {
                QuantizedKernels.Decode(this, (byte*)source + (((from / Strip) + strip) * blocks * StripBytes), blocks, (float*)target + (strip * Strip * width));
            }
        });
        return plain;
    }

    /// <summary>Whether all scales of a stored tensor are finite.</summary>
    public unsafe bool ScalesAreFinite(Tensor stored)
    {
        byte* at = (byte*)TensorMemory.Address(stored);
        for (long left = stored.size(0) * stored.size(1); left > 0; left--, at += StripBytes)
        {
            for (int row = 0; row < Strip; row++)
            {
                if ((((ushort*)at)[row] & 0x7C00) == 0x7C00)
                {
                    return false;
                }
            }
        }
        return true;
    }

    /// <summary>The float16 scale of a strip's row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe float Scale(byte* strip, int row) => Widen(Vector256.Create((int)((short*)strip)[row]))[0];

    /// <summary>Float16 numbers, their bits with the sign extended, as float32; exact for all that are finite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Widen(Vector256<int> halves) => // the bits moved to float32's places, and the difference of the exponents' biases as a factor
        ((halves << 13) & Vector256.Create(unchecked((int)0x8FFFE000))).AsSingle() * Vector256.Create(5192296858534827628530496329220096f);

    /// <summary>Code <paramref name="number"/> of a strip's row in one group.</summary>
    public unsafe int Code(byte* strip, int row, int number)
    {
        byte* codes = strip + ScalesBytes + (row * Oct) + (number % Oct);
        return Bits == 8 ? (sbyte)codes[number / Oct * Step]
            : ((number / Oct % 2 == 0 ? codes[number / Oct / 2 * Step] & 15 : codes[number / Oct / 2 * Step] >> 4) - 8);
    }

    // One group of the four rows of a strip; false where numbers are not finite, or too large for a scale.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private unsafe bool Encode(float* w, int width, byte* strip)
    {
        for (int row = 0; row < Strip; row++, w += width)
        {
            Vector256<float> lows = Vector256.Load(w), highs = lows;
            for (int i = Oct; i < Group; i += Oct)
            {
                (lows, highs) = (Vector256.Min(lows, Vector256.Load(w + i)), Vector256.Max(highs, Vector256.Load(w + i)));
            }
            float low = lows[0], high = highs[0];
            for (int i = 1; i < Oct; i++)
            {
                (low, high) = (MathF.Min(low, lows[i]), MathF.Max(high, highs[i])); // a NaN is both and stays it
            }
            Half half = (Half)(Bits == 8 ? MathF.Max(high, -low) / 127 : (high > -low ? high : low) / -8);
            ((ushort*)strip)[row] = BitConverter.HalfToUInt16Bits(half);
            if (!Half.IsFinite(half))
            {
                return false;
            }
            Vector256<float> inverse = Vector256.Create(half == Half.Zero ? 0 : 1 / (float)half);
            long* codes = (long*)(strip + ScalesBytes + (row * Oct));
            for (int i = 0; i < Group && Bits == 8; i += Oct, codes += Strip)
            {
                *codes = Bytes(Codes(w + i, inverse, -127, 127));
            }
            for (int i = 0; i < Group && Bits == 4; i += 2 * Oct, codes += Strip)
            {
                *codes = Bytes((Codes(w + i, inverse, -8, 7) + Vector256.Create(8)) | ((Codes(w + i + Oct, inverse, -8, 7) + Vector256.Create(8)) << 4));
            }
        }
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe Vector256<int> Codes(float* w, Vector256<float> inverse, int least, int most) =>
        Vector256.ConvertToInt32(Vector256.Clamp(Vector256.Round(Vector256.Load(w) * inverse), Vector256.Create((float)least), Vector256.Create((float)most)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Bytes(Vector256<int> eight) => Vector128.Narrow(Vector128.Narrow(eight.GetLower(), eight.GetUpper()), default).AsInt64()[0];

    [GeneratedRegex(@"\Aint([48]):(32|64|128)\z")]
    private static partial Regex Name();
}
