using TorchSharp;

namespace NextStep.Research;

/// <summary>A network whose features stand for pictures in Fréchet and kernel distances.</summary>
public interface IFeatureNetwork : IDisposable
{
    /// <summary>Short name that goes into the metric's: <c>FD[random-conv-v1]</c>. The word FID belongs to the original Inception alone.</summary>
    string Id { get; }

    /// <summary>SHA-256 of everything that decides the features, hexadecimal.</summary>
    string Sha256 { get; }

    /// <summary>How pictures of this size are brought to the network's input, for the identity: <c>none</c>, <c>Lanczos-3 to 299x299</c>.</summary>
    string Resizing(int height, int width);

    /// <summary>Features [n, d], float64 on the CPU.</summary>
    /// <param name="pixels">[n, 3, H, W] in [−1, 1], already rounded to 8 bits.</param>
    torch.Tensor Features(torch.Tensor pixels);
}
