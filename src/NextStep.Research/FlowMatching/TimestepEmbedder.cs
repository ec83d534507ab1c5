using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>Sinusoidal embedding of t ∈ [0, 1] (unscaled, cosines first) and its two-layer MLP (spec §3.1, step 1).</summary>
public sealed class TimestepEmbedder : nn.Module<Tensor, Tensor>
{
    /// <summary>Width of the sinusoids in the released models.</summary>
    public const int FrequencyWidth = 256;

    private readonly Sequential mlp;

    /// <summary>To width D.</summary>
    public TimestepEmbedder(int width, Device? device = null, ScalarType? dtype = null)
        : base(nameof(TimestepEmbedder))
    {
        mlp = nn.Sequential(nn.Linear(FrequencyWidth, width, device: device, dtype: dtype), nn.SiLU(), nn.Linear(width, width, device: device, dtype: dtype));
        RegisterComponents();
    }

    /// <summary>[n] times to [n, D]; several a row, [n, k], share the sinusoids: 256/k features each, side by side.</summary>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        using Tensor first = mlp.parameters().First().alias();
        Tensor sinusoids = input.dim() == 1 ? Sinusoids(input, FrequencyWidth) : Sinusoids(input, FrequencyWidth / (int)input.size(1)).flatten(1);
        return mlp.forward(sinusoids.to_type(first.dtype)).MoveToOuterDisposeScope();
    }

    /// <summary>[cos(t·f₀) … cos(t·f₁₂₇), sin(t·f₀) …] with f_i = period^(−i/half), in float32; an odd width gets a zero column.</summary>
    public static Tensor Sinusoids(Tensor times, int width, double period = 10_000)
    {
        using DisposeScope scope = NewDisposeScope();
        int half = width / 2;
        Tensor frequencies = Scalars.Range(half, dtype: ScalarType.Float32, device: times.device).Times((float)(-Math.Log(period) / half)).exp();
        Tensor arguments = times.to_type(ScalarType.Float32).unsqueeze(-1) * frequencies;
        Tensor embedding = cat([arguments.cos(), arguments.sin()], -1);
        if (width % 2 != 0)
        {
            embedding = nn.functional.pad(embedding, [0, 1]);
        }
        return embedding.MoveToOuterDisposeScope();
    }
}
