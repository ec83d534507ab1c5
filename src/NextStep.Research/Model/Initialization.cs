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
    public static void Apply(NextStepModel model, long seed) => Apply(model, "", seed);

    /// <summary>A head by itself, with the weights that it would have inside a model.</summary>
    public static void Apply(TokenHead head, long seed) => Apply(head, "image_head.", seed);

    private static void Apply(nn.Module module, string prefix, long seed)
    {
        using IDisposable guard = no_grad();
        foreach ((string name, Parameter parameter) in module.named_parameters())
        {
            using Tensor first = First(prefix + name, parameter.shape, seed);
            parameter.copy_(first);
        }
    }

    /// <summary>The first weights of one tensor of a model, float32 on the CPU.</summary>
    internal static Tensor First(string name, long[] shape, long seed)
    {
        if (name.EndsWith(".bias", StringComparison.Ordinal)
            || (shape.Length > 1 && name.StartsWith("image_head.", StringComparison.Ordinal)
                && (name.Contains("adaLN_modulation", StringComparison.Ordinal) || name.Contains("final_layer.linear", StringComparison.Ordinal))))
        {
            return zeros(shape);
        }
        if (shape.Length == 1)
        {
            return ones(shape);
        }
        using Generator generator = Streams.For(seed, "init." + name);
        return !name.StartsWith("image_head.", StringComparison.Ordinal) || name.Contains(".time_embed.", StringComparison.Ordinal)
            ? Normal(shape, Math.Max(0.02, 1 / Math.Sqrt(shape[1])), generator)
            : Uniform(shape, Math.Sqrt(6.0 / (shape[0] + shape[1])), generator);
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
                parameter.fill_(Scalars.Of(1));
            }
            else
            {
                using Tensor drawn = Uniform(parameter.shape, Math.Sqrt(1.0 / (parameter.numel() / parameter.size(0))), generator);
                parameter.copy_(drawn);
            }
        }
    }

    private static Tensor Normal(long[] shape, double std, Generator generator) =>
        randn(shape, ScalarType.Float32, CPU, generator: generator).TimesInPlace((float)std);

    private static Tensor Uniform(long[] shape, double bound, Generator generator) =>
        rand(shape, ScalarType.Float32, CPU, generator: generator).TimesInPlace((float)(2 * bound)).MinusInPlace((float)bound);
}
