using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// What trained layers do between their matrix products, row by row in the cache: norms, gates and their gradients, each in one pass where libtorch makes one an
/// operation. Float32 on the CPU, features in multiples of sixteen. Rows are cut into chunks of a fixed size, and sums over rows are added up chunk by chunk, so
/// the number of threads changes no bit.
/// </summary>
internal static unsafe class RowPasses
{
    private const int Lanes = 16, Chunk = 64;

    /// <summary>Whether a training pass over these tensors can take the passes of here: float32 outside of autocast, whose products are bfloat16; CPU; last axis in sixteens.</summary>
    public static bool Suit(bool training, params ReadOnlySpan<Tensor?> tensors)
    {
        if (!training || !(is_grad_enabled() || Recompute.Running) || Autocast.Current is not null)
        {
            return false;
        }
        foreach (Tensor? tensor in tensors)
        {
            if (tensor is not null && (tensor.device_type != DeviceType.CPU || tensor.dtype != ScalarType.Float32 || tensor.size(-1) % Lanes != 0))
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>Rows of a tensor: all axes but the last.</summary>
    public static int Rows(Tensor x) => (int)(x.numel() / x.size(-1));

    /// <summary>Saves for the backward pass what was made in the innermost dispose scope: TorchSharp reads the tensors only after the forward pass has returned.</summary>
    public static void Keep(autograd.AutogradContext? context, params Tensor[] tensors) =>
        context?.save_for_backward([.. tensors.Select(t => t.alias().MoveToOuterDisposeScope())]);

    /// <summary>Calls <paramref name="work"/>(from, to, chunk) for all chunks of rows, shared between the threads.</summary>
    public static void Each(int rows, Action<int, int, int> work)
    {
        int chunks = Chunks(rows);
        CpuTeam team = CpuTeam.Shared;
        team.Run(part =>
        {
            for (int chunk = (int)((long)chunks * part / team.Count); chunk < (int)((long)chunks * (part + 1) / team.Count); chunk++)
            {
                work(chunk * Chunk, Math.Min(rows, (chunk + 1) * Chunk), chunk);
            }
        });
    }

    /// <summary>Room for a sum over rows of <paramref name="width"/> features: zeros [chunks, width].</summary>
    public static Tensor Sums(int rows, long width) => zeros(Chunks(rows), width);

    /// <summary>The sum over the first axis, one after the other: [width].</summary>
    public static Tensor Total(Tensor sums)
    {
        long chunks = sums.size(0), width = sums.size(1);
        Tensor total = zeros(width);
        float* from = (float*)TensorMemory.Address(sums), to = (float*)TensorMemory.Address(total);
        for (long chunk = 0; chunk < chunks; chunk++)
        {
            long i = 0;
            for (; i + Lanes <= width; i += Lanes)
            {
                (Vector512.Load(to + i) + Vector512.Load(from + (chunk * width) + i)).Store(to + i);
            }
            for (; i < width; i++)
            {
                to[i] += from[(chunk * width) + i];
            }
        }
        return total;
    }

    /// <summary>y = x·inverse·w with inverse = 1/√(mean(x²) + ε); returns the inverse.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float RootMeanSquare(float* x, float* w, float* y, int width, float epsilon)
    {
        Vector512<float> squares = default;
        for (int i = 0; i < width; i += Lanes)
        {
            Vector512<float> value = Vector512.Load(x + i);
            squares = Vector512.FusedMultiplyAdd(value, value, squares);
        }
        float inverse = 1 / MathF.Sqrt((Vector512.Sum(squares) / width) + epsilon);
        Vector512<float> inverses = Vector512.Create(inverse);
        for (int i = 0; i < width; i += Lanes)
        {
            (Vector512.Load(x + i) * inverses * Vector512.Load(w + i)).Store(y + i);
        }
        return inverse;
    }

    /// <summary>The gradient of <see cref="RootMeanSquare"/> for dy; dw gets this row's share.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RootMeanSquareGradient(float* x, float* w, float inverse, float* dy, float* dx, float* dw, int width)
    {
        Vector512<float> inverses = Vector512.Create(inverse), products = default;
        for (int i = 0; i < width; i += Lanes)
        {
            Vector512<float> given = Vector512.Load(dy + i), value = Vector512.Load(x + i);
            Vector512.FusedMultiplyAdd(given, value * inverses, Vector512.Load(dw + i)).Store(dw + i);
            products = Vector512.FusedMultiplyAdd(given * Vector512.Load(w + i), value, products);
        }
        Vector512<float> slope = Vector512.Create(-Vector512.Sum(products) * inverse * inverse * inverse / width);
        for (int i = 0; i < width; i += Lanes)
        {
            Vector512.FusedMultiplyAdd(Vector512.Load(x + i), slope, Vector512.Load(dy + i) * Vector512.Load(w + i) * inverses).Store(dx + i);
        }
    }

    /// <summary>y = (x̂·w + b)·(1 + scale) + shift, x̂ = (x − mean)·inverse; returns both.</summary>
    /// <param name="x">[width].</param>
    /// <param name="w">[width].</param>
    /// <param name="b">[width].</param>
    /// <param name="shift">[width].</param>
    /// <param name="scale">[width].</param>
    /// <param name="y">[width]; is written.</param>
    /// <param name="width">A multiple of sixteen.</param>
    /// <param name="epsilon">ε.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (float Mean, float Inverse) ModulatedNorm(float* x, float* w, float* b, float* shift, float* scale, float* y, int width, float epsilon)
    {
        Vector512<float> sums = default, squares = default;
        for (int i = 0; i < width; i += Lanes)
        {
            sums += Vector512.Load(x + i);
        }
        float mean = Vector512.Sum(sums) / width;
        Vector512<float> means = Vector512.Create(mean);
        for (int i = 0; i < width; i += Lanes)
        {
            Vector512<float> away = Vector512.Load(x + i) - means;
            squares = Vector512.FusedMultiplyAdd(away, away, squares);
        }
        float inverse = 1 / MathF.Sqrt((Vector512.Sum(squares) / width) + epsilon);
        Vector512<float> inverses = Vector512.Create(inverse);
        for (int i = 0; i < width; i += Lanes)
        {
            Vector512<float> normed = Vector512.FusedMultiplyAdd((Vector512.Load(x + i) - means) * inverses, Vector512.Load(w + i), Vector512.Load(b + i));
            Vector512.FusedMultiplyAdd(normed, Vector512.Load(scale + i) + Vector512<float>.One, Vector512.Load(shift + i)).Store(y + i);
        }
        return (mean, inverse);
    }

    /// <summary>dx = residual + the gradient of <see cref="ModulatedNorm"/> for dy; the modulation's are written, dw and db get this row's share.</summary>
    /// <param name="x">[width].</param>
    /// <param name="w">[width].</param>
    /// <param name="b">[width].</param>
    /// <param name="scale">[width].</param>
    /// <param name="mean">As the forward pass gave it.</param>
    /// <param name="inverse">As the forward pass gave it.</param>
    /// <param name="dy">[width].</param>
    /// <param name="residual">[width].</param>
    /// <param name="dx">[width]; is written, and is neither <paramref name="dy"/> nor <paramref name="residual"/>.</param>
    /// <param name="shifts">[width], the shift's gradient; is written.</param>
    /// <param name="scales">[width], the scale's gradient; is written.</param>
    /// <param name="dw">[width]; is added to.</param>
    /// <param name="db">[width]; is added to.</param>
    /// <param name="width">A multiple of sixteen.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ModulatedNormGradient(
        float* x, float* w, float* b, float* scale, float mean, float inverse, float* dy, float* residual, float* dx, float* shifts, float* scales, float* dw, float* db, int width)
    {
        Vector512<float> means = Vector512.Create(mean), inverses = Vector512.Create(inverse), sums = default, products = default;
        for (int i = 0; i < width; i += Lanes)
        {
            Vector512<float> given = Vector512.Load(dy + i), weight = Vector512.Load(w + i), normal = (Vector512.Load(x + i) - means) * inverses;
            given.Store(shifts + i);
            (given * Vector512.FusedMultiplyAdd(normal, weight, Vector512.Load(b + i))).Store(scales + i);
            Vector512<float> before = given * (Vector512.Load(scale + i) + Vector512<float>.One); // of x̂·w + b
            (Vector512.Load(db + i) + before).Store(db + i);
            Vector512.FusedMultiplyAdd(before, normal, Vector512.Load(dw + i)).Store(dw + i);
            Vector512<float> ofNormal = before * weight;
            ofNormal.Store(dx + i);
            sums += ofNormal;
            products = Vector512.FusedMultiplyAdd(ofNormal, normal, products);
        }
        Vector512<float> sum = Vector512.Create(Vector512.Sum(sums) / width), product = Vector512.Create(Vector512.Sum(products) / width);
        for (int i = 0; i < width; i += Lanes)
        {
            Vector512<float> normal = (Vector512.Load(x + i) - means) * inverses;
            Vector512.FusedMultiplyAdd(Vector512.Load(dx + i) - sum - (normal * product), inverses, Vector512.Load(residual + i)).Store(dx + i);
        }
    }

    /// <summary>y = x + gate·(m + b).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddGated(float* x, float* gate, float* m, float* b, float* y, int width)
    {
        for (int i = 0; i < width; i += Lanes)
        {
            Vector512.FusedMultiplyAdd(Vector512.Load(gate + i), Vector512.Load(m + i) + Vector512.Load(b + i), Vector512.Load(x + i)).Store(y + i);
        }
    }

    /// <summary>The gradients of <see cref="AddGated"/> beside dy itself: of the gate, of m; db gets this row's share.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddGatedGradient(float* gate, float* m, float* b, float* dy, float* gates, float* dm, float* db, int width)
    {
        for (int i = 0; i < width; i += Lanes)
        {
            Vector512<float> given = Vector512.Load(dy + i), passed = given * Vector512.Load(gate + i);
            (given * (Vector512.Load(m + i) + Vector512.Load(b + i))).Store(gates + i);
            passed.Store(dm + i);
            (Vector512.Load(db + i) + passed).Store(db + i);
        }
    }

    /// <summary>y = silu(x + b).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Silu(float* x, float* b, float* y, int width)
    {
        for (int i = 0; i < width; i += Lanes)
        {
            Vector512<float> z = Vector512.Load(x + i) + Vector512.Load(b + i);
            (z * VectorMath.Sigmoid(z)).Store(y + i);
        }
    }

    /// <summary><see cref="Silu"/> again, and its gradient in place of <paramref name="dy"/>; db gets this row's share.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SiluGradient(float* x, float* b, float* y, float* dy, float* db, int width)
    {
        for (int i = 0; i < width; i += Lanes)
        {
            Vector512<float> z = Vector512.Load(x + i) + Vector512.Load(b + i), s = VectorMath.Sigmoid(z);
            (z * s).Store(y + i);
            Vector512<float> passed = Vector512.Load(dy + i) * s * Vector512.FusedMultiplyAdd(z, Vector512<float>.One - s, Vector512<float>.One);
            passed.Store(dy + i);
            (Vector512.Load(db + i) + passed).Store(db + i);
        }
    }

    /// <summary>y = silu(gate)·up; both lie side by side, [2·width].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gated(float* both, float* y, int width)
    {
        for (int i = 0; i < width; i += Lanes)
        {
            Vector512<float> z = Vector512.Load(both + i);
            (z * VectorMath.Sigmoid(z) * Vector512.Load(both + width + i)).Store(y + i);
        }
    }

    /// <summary><see cref="Gated"/> again in place of <paramref name="dy"/>, and the gradients of gate and up, side by side, into <paramref name="gradients"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void GatedGradient(float* both, float* dy, float* gradients, int width)
    {
        for (int i = 0; i < width; i += Lanes)
        {
            Vector512<float> z = Vector512.Load(both + i), up = Vector512.Load(both + width + i), s = VectorMath.Sigmoid(z), given = Vector512.Load(dy + i), active = z * s;
            (active * up).Store(dy + i);
            (given * up * s * Vector512.FusedMultiplyAdd(z, Vector512<float>.One - s, Vector512<float>.One)).Store(gradients + i);
            (given * active).Store(gradients + width + i);
        }
    }

    private static int Chunks(int rows) => (rows + Chunk - 1) / Chunk;
}
