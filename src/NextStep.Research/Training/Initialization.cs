using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// First weights. Every tensor has a random stream of its own, named after it, so two arms that share a tensor's name and
/// shape start from the same numbers.
/// </summary>
public static class Initialization
{
    /// <summary>
    /// Transformer and projectors: N(0, 0.02) as released, and N(0, 1/fan-in) where that is wider, as in every small model;
    /// biases 0, norms 1 (spec §2.4); head: Xavier-uniform, time MLP N(0, 0.02), modulations
    /// and final layer 0, so its first output is exactly 0 (spec §3.1).
    /// </summary>
    public static void Apply(NextStepModel model, long seed)
    {
        using IDisposable guard = no_grad();
        foreach ((string name, Parameter parameter) in model.named_parameters())
        {
            using Generator generator = Streams.For(seed, "init." + name);
            if (name.EndsWith(".bias", StringComparison.Ordinal))
            {
                parameter.zero_();
            }
            else if (parameter.dim() == 1)
            {
                parameter.fill_(1);
            }
            else if (!name.StartsWith("image_head.", StringComparison.Ordinal) || name.Contains(".time_embed.", StringComparison.Ordinal))
            {
                Normal(parameter, Math.Max(0.02, 1 / Math.Sqrt(parameter.size(1))), generator);
            }
            else if (name.Contains("adaLN_modulation", StringComparison.Ordinal) || name.Contains("final_layer.linear", StringComparison.Ordinal))
            {
                parameter.zero_();
            }
            else
            {
                Uniform(parameter, Math.Sqrt(6.0 / (parameter.size(0) + parameter.size(1))), generator);
            }
        }
    }

    /// <summary>Autoencoder: convolutions uniform in ±√(1/fan-in), biases 0, norms 1.</summary>
    public static void Apply(ImageAutoencoder autoencoder, long seed)
    {
        using IDisposable guard = no_grad();
        foreach ((string name, Parameter parameter) in autoencoder.named_parameters())
        {
            using Generator generator = Streams.For(seed, "init." + name);
            if (name.EndsWith(".bias", StringComparison.Ordinal))
            {
                parameter.zero_();
            }
            else if (parameter.dim() == 1)
            {
                parameter.fill_(1);
            }
            else
            {
                Uniform(parameter, Math.Sqrt(1.0 / (parameter.numel() / parameter.size(0))), generator);
            }
        }
    }

    private static void Normal(Tensor parameter, double std, Generator generator)
    {
        using Tensor drawn = randn(parameter.shape, ScalarType.Float32, CPU, generator: generator);
        drawn.mul_((float)std);
        parameter.copy_(drawn);
    }

    private static void Uniform(Tensor parameter, double bound, Generator generator)
    {
        using Tensor drawn = rand(parameter.shape, ScalarType.Float32, CPU, generator: generator);
        drawn.mul_((float)(2 * bound)).sub_((float)bound);
        parameter.copy_(drawn);
    }
}
