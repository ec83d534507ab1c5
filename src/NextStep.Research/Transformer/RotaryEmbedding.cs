using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Cosines and sines of the rotary position embedding, half-split form (spec §2.2): [1 or batch, 1, positions, head width].</summary>
public sealed record RotaryAngles(Tensor Cosine, Tensor Sine)
{
    /// <summary>Angles pos·θ^(−2j/d), computed in float32, cast to <paramref name="dtype"/>.</summary>
    /// <param name="positions">Positions, int64 [positions] or [batch, positions].</param>
    /// <param name="headDim">Width d of one head.</param>
    /// <param name="theta">Base θ.</param>
    /// <param name="dtype">Of the activations.</param>
    public static RotaryAngles At(Tensor positions, int headDim, double theta, ScalarType dtype)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor inverse = InverseFrequencies(headDim, theta, positions.device);
        Tensor pos = positions.dim() == 1 ? positions.unsqueeze(0) : positions;
        Tensor half = pos.to_type(ScalarType.Float32).unsqueeze(-1) * inverse; // [batch, positions, d/2]
        Tensor angles = cat([half, half], -1).unsqueeze(1);
        return new RotaryAngles(angles.cos().to_type(dtype).MoveToOuterDisposeScope(), angles.sin().to_type(dtype).MoveToOuterDisposeScope());
    }

    /// <summary>θ^(−2j/d), j = 0 … d/2 − 1, float32 [d/2].</summary>
    public static Tensor InverseFrequencies(int headDim, double theta, Device? device = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor exponents = Scalars.Range(0, headDim, 2, dtype: ScalarType.Float32, device: device).Over((float)headDim);
        return pow((float)theta, exponents).reciprocal().MoveToOuterDisposeScope();
    }

    /// <summary>The same on another device.</summary>
    public RotaryAngles To(Device device) => new(Cosine.to(device), Sine.to(device));

    /// <summary>x·cos + rotate_half(x)·sin, rotate_half(x) = [−x₂, x₁]. x: [batch, heads, positions, d].</summary>
    public Tensor Rotate(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        long half = x.size(-1) / 2;
        Tensor turned = cat([x.narrow(-1, half, half).neg(), x.narrow(-1, 0, half)], -1);
        return x.mul(Cosine).Plus(turned.mul(Sine)).MoveToOuterDisposeScope();
    }
}
