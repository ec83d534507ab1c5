using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Attention of one position over keys and values in 8 bits, read as they lie: softmax(q·kᵀ/√d + mask)·v. Each head of a row is computed by one thread in one order, so the bits do
/// not depend on the number of threads or on the rows beside it.
/// </summary>
internal static unsafe class ByteAttention
{
    // Below so many bytes a second thread is not worth waking.
    private const long Alone = 1 << 16;

    /// <summary>Every head width is a multiple.</summary>
    public const int Lanes = 8;

    /// <summary>[rows, heads, group, d] float32.</summary>
    /// <param name="q">[rows, heads, group, d] float32: the queries that share a key-value head.</param>
    /// <param name="keys">[rows, heads, capacity, d].</param>
    /// <param name="values">[rows, heads, capacity, d].</param>
    /// <param name="length">Positions that are stored.</param>
    /// <param name="mask">float32 [rows or 1, 1, 1, length], added to the scores; null = none.</param>
    public static Tensor Of(Tensor q, ByteSlots keys, ByteSlots values, long length, Tensor? mask)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor dense = q.contiguous(), result = empty_like(dense);
        int rows = (int)q.size(0), heads = (int)q.size(1), group = (int)q.size(2), width = (int)q.size(3), positions = (int)length;
        long capacity = keys.Codes.size(2);
        Tensor? seen = mask?.expand(rows, 1, 1, length).contiguous();
        nint from = TensorMemory.Address(dense), to = TensorMemory.Address(result), added = seen is null ? 0 : TensorMemory.Address(seen);
        nint k = TensorMemory.Address(keys.Codes), kScales = TensorMemory.Address(keys.Scales), v = TensorMemory.Address(values.Codes), vScales = TensorMemory.Address(values.Scales);
        CpuTeam team = CpuTeam.Shared;
        int all = rows * heads;
        if (2L * all * positions * width <= Alone)
        {
            Part(0, 1);
        }
        else
        {
            team.Run(part => Part(part, team.Count));
        }
        return result.MoveToOuterDisposeScope();

        void Part(int part, int parts)
        {
            float[] scratch = ArrayPool<float>.Shared.Rent((group * positions) + width);
            fixed (float* scores = scratch)
            {
                for (int i = (int)((long)all * part / parts); i < (int)((long)all * (part + 1) / parts); i++)
                {
                    Head head = new((float*)from + ((long)i * group * width), group, width, positions, added == 0 ? null : (float*)added + ((long)(i / heads) * positions));
                    head.Scores((sbyte*)k + (i * capacity * width), (float*)kScales + (i * capacity), scores, scores + (group * positions));
                    head.Mix((sbyte*)v + (i * capacity * width), (float*)vScales + (i * capacity), scores, scores + (group * positions), (float*)to + ((long)i * group * width));
                }
            }
            ArrayPool<float>.Shared.Return(scratch);
        }
    }

    // The queries of one key-value head.
    private readonly struct Head(float* q, int group, int width, int positions, float* mask)
    {
        // scores[g, position], already through the softmax; room: one decoded position.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Scores(sbyte* keys, float* scales, float* scores, float* room)
        {
            float root = 1 / MathF.Sqrt(width);
            for (int p = 0; p < positions; p++)
            {
                Decode(keys + ((long)p * width), room, width);
                float scale = scales[p] * root, plus = mask == null ? 0 : mask[p];
                for (int g = 0; g < group; g++)
                {
                    Vector256<float> sum = default;
                    float* query = q + (g * width);
                    for (int i = 0; i < width; i += Lanes)
                    {
                        sum = Vector256.FusedMultiplyAdd(Vector256.Load(query + i), Vector256.Load(room + i), sum);
                    }
                    scores[(g * positions) + p] = (Vector256.Sum(sum) * scale) + plus;
                }
            }
            for (int g = 0; g < group; g++)
            {
                Softmax(scores + (g * positions), positions);
            }
        }

        // y[g] = Σ scores[g, position]·values[position].
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Mix(sbyte* values, float* scales, float* scores, float* room, float* y)
        {
            new Span<float>(y, group * width).Clear();
            for (int p = 0; p < positions; p++)
            {
                Decode(values + ((long)p * width), room, width);
                for (int g = 0; g < group; g++)
                {
                    Vector256<float> weight = Vector256.Create(scores[(g * positions) + p] * scales[p]);
                    float* sum = y + (g * width);
                    for (int i = 0; i < width; i += Lanes)
                    {
                        Vector256.FusedMultiplyAdd(weight, Vector256.Load(room + i), Vector256.Load(sum + i)).Store(sum + i);
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Decode(sbyte* codes, float* to, int width)
        {
            for (int i = 0; i < width; i += Lanes)
            {
                Vector256.ConvertToSingle(Vector256.WidenLower(Vector128.WidenLower(Vector128.CreateScalar(*(long*)(codes + i)).AsSByte()).ToVector256Unsafe())).Store(to + i);
            }
        }

        private static void Softmax(float* x, int count)
        {
            float most = float.NegativeInfinity, sum = 0;
            for (int i = 0; i < count; i++)
            {
                most = MathF.Max(most, x[i]);
            }
            int done = 0;
            for (; done + Lanes <= count; done += Lanes)
            {
                Vector256<float> e = Vector256.Exp(Vector256.Load(x + done) - Vector256.Create(most));
                e.Store(x + done);
                sum += Vector256.Sum(e);
            }
            for (; done < count; done++)
            {
                sum += x[done] = MathF.Exp(x[done] - most);
            }
            for (int i = 0; i < count; i++)
            {
                x[i] /= sum;
            }
        }
    }
}
