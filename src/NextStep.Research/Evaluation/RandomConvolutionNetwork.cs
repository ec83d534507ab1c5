using System.Runtime.InteropServices;
using System.Security.Cryptography;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// <c>random-conv-v1</c>: four 3×3 convolutions with fixed random weights, leaky ReLU, and the spatial mean of every layer: 256 features.
/// Nothing to download and the same weights on every platform (SplitMix64, Box–Muller in double precision). Untrained features rise
/// steadily with noise, blur, block offsets and missing modes, but know nothing of objects.
/// </summary>
public sealed class RandomConvolutionNetwork : IFeatureNetwork
{
    private const int LargestSide = 64;
    private const double Leak = 0.2;
    private static readonly int[] Widths = [16, 48, 64, 128];
    private readonly Tensor[] _weights;

    /// <summary>Makes the weights.</summary>
    /// <param name="device">Where <see cref="Maps"/> computes; null = the CPU, where <see cref="Features"/> always does.</param>
    public RandomConvolutionNetwork(Device? device = null)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("random-conv-v1"u8);
        List<Tensor> weights = [];
        int input = 3;
        foreach (int width in Widths)
        {
            float[] values = Normal(width * input * 9, Streams.Managed(0, "features.random-conv-v1", input), Math.Sqrt(2.0 / (input * 9)));
            hash.AppendData(MemoryMarshal.AsBytes(values.AsSpan()));
            weights.Add(tensor(values, [width, input, 3, 3], device: device ?? CPU).DetachFromDisposeScope());
            input = width;
        }
        _weights = [.. weights];
        Sha256 = Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <inheritdoc/>
    public string Id => "random-conv-v1";

    /// <inheritdoc/>
    public string Sha256 { get; }

    /// <inheritdoc/>
    public string Resizing(int height, int width) => Math.Max(height, width) <= LargestSide ? "none" : $"Lanczos-3 to {LargestSide}x{LargestSide}";

    /// <inheritdoc/>
    public Tensor Features(Tensor pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = pixels.to_type(float32).cpu();
        x = Math.Max(x.size(2), x.size(3)) <= LargestSide ? x : Resize.To(x, LargestSide, LargestSide);
        return cat([.. Maps(x).Select(m => m.mean([2, 3]))], 1).to_type(float64).MoveToOuterDisposeScope();
    }

    /// <summary>Kernels of the layers, [width, input, 3, 3].</summary>
    internal IReadOnlyList<Tensor> Weights => _weights;

    /// <summary>What every layer makes of pictures, with gradients: four tensors of the caller's dispose scope.</summary>
    /// <param name="pixels">[n, 3, H, W] float32, on the network's device.</param>
    internal Tensor[] Maps(Tensor pixels)
    {
        Tensor[] maps = new Tensor[_weights.Length];
        for (int layer = 0; layer < maps.Length; layer++)
        {
            Tensor below = layer == 0 ? pixels : maps[layer - 1];
            maps[layer] = Convolution.Of(below, _weights[layer], null, layer == 0 ? [1, 1] : [2, 2], [1, 1]).leaky_relu(Scalars.Of(Leak));
        }
        return maps;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor weight in _weights)
        {
            weight.Dispose();
        }
    }

    private static float[] Normal(int count, SplitMix64 random, double deviation)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i += 2)
        {
            double radius = deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())), angle = 2 * Math.PI * random.NextDouble();
            values[i] = (float)(radius * Math.Cos(angle));
            if (i + 1 < count)
            {
                values[i + 1] = (float)(radius * Math.Sin(angle));
            }
        }
        return values;
    }
}
