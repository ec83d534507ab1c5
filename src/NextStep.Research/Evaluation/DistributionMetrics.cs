using System.Globalization;
using System.Security.Cryptography;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>A set of pictures with the features of one network and what the features depend on.</summary>
/// <param name="Features">[n, d] float64.</param>
/// <param name="PixelHash">SHA-256 over the shape and the 8-bit pixels in order.</param>
/// <param name="Network">The network's <see cref="IFeatureNetwork.Id"/>.</param>
/// <param name="NetworkHash">The network's <see cref="IFeatureNetwork.Sha256"/>.</param>
/// <param name="Resizing">How pictures were brought to the network's input.</param>
internal sealed record FeatureSet(Tensor Features, string PixelHash, string Network, string NetworkHash, string Resizing) : IDisposable
{
    private const int Part = 64;

    /// <summary>Pictures in the set.</summary>
    public int Count => (int)Features.size(0);

    /// <summary>Extracts features, 64 pictures at a time.</summary>
    /// <param name="network">The network.</param>
    /// <param name="pixels">[n, 3, H, W] in [−1, 1]; clamped and rounded to 8 bits first, as a picture file would be.</param>
    /// <param name="progress">Called with the number done.</param>
    /// <param name="cancellation">Stops between parts.</param>
    /// <exception cref="InvalidDataException">A pixel is no number.</exception>
    public static FeatureSet Of(IFeatureNetwork network, Tensor pixels, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        PictureSet.Check(pixels);
        using DisposeScope scope = NewDisposeScope();
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(System.Text.Encoding.ASCII.GetBytes(string.Join('x', pixels.shape)));
        List<Tensor> features = [];
        foreach (Tensor part in pixels.split(Part))
        {
            cancellation.ThrowIfCancellationRequested();
            using DisposeScope inner = NewDisposeScope();
            Tensor bytes = ImageFile.ToBytes(part).contiguous();
            hash.AppendData(bytes.bytes);
            features.Add(network.Features(bytes.to_type(float32).OverInPlace(127.5f).MinusInPlace(1)).MoveToOuterDisposeScope());
            progress?.Invoke((int)features.Sum(f => f.size(0)));
        }
        return new FeatureSet(
            cat(features).DetachFromDisposeScope(), Convert.ToHexStringLower(hash.GetHashAndReset()),
            network.Id, network.Sha256, network.Resizing((int)pixels.size(2), (int)pixels.size(3)));
    }

    /// <inheritdoc/>
    public void Dispose() => Features.Dispose();
}

/// <summary>Distances between generated and reference pictures in the features of one network, and what they depend on.</summary>
/// <param name="Numbers"><c>frechet</c>, <c>frechet.floor</c>, <c>kernel</c>, <c>kernel.error</c>, <c>precision</c>, <c>recall</c>, <c>density</c>, <c>coverage</c>: those that the counts allow.</param>
/// <param name="Identities">For every number a text with its name in the field (<c>FD[random-conv-v1]</c>), extractor, reference, counts, resizing and rounding.</param>
internal sealed record DistributionMetrics(IReadOnlyDictionary<string, double> Numbers, IReadOnlyDictionary<string, string> Identities)
{
    private const int Least = 2;
    private const int LeastForKernel = 3;
    private const int LeastForNeighbours = 6;

    /// <summary>
    /// All distances. <c>frechet.floor</c> is the distance between two disjoint halves of the reference, each as large as the generated set
    /// where the reference allows: what a perfect generator would get.
    /// </summary>
    /// <exception cref="ArgumentException">The sets come from different networks, or one holds a single picture.</exception>
    /// <exception cref="InvalidDataException">The network tells none of the pictures from another.</exception>
    public static DistributionMetrics Of(FeatureSet generated, FeatureSet reference)
    {
        ArgumentNullException.ThrowIfNull(generated);
        ArgumentNullException.ThrowIfNull(reference);
        if (generated.NetworkHash != reference.NetworkHash || generated.Resizing != reference.Resizing)
        {
            throw new ArgumentException(
                $"Features of {generated.Network} (resizing {generated.Resizing}) and {reference.Network} (resizing {reference.Resizing}) cannot be compared.", nameof(reference));
        }
        if (Math.Min(generated.Count, reference.Count) < Least)
        {
            throw new ArgumentException($"A distance between sets needs at least {Least} pictures in each; there are {generated.Count} generated and {reference.Count} reference pictures.", nameof(generated));
        }
        if (generated.PixelHash != reference.PixelHash && Constant(generated.Features, reference.Features))
        {
            throw new InvalidDataException($"The network {generated.Network} gives the same features for all {generated.Count} and {reference.Count} pictures, so that distances by it say nothing; check range, mean and deviation of its input, and its output.");
        }
        Dictionary<string, double> numbers = [];
        Dictionary<string, string> identities = [];
        void Add(string name, double value, string field, int count, int against, string note = "")
        {
            numbers[name] = value;
            identities[name] = Identity(field, generated, reference, count, against, note);
        }

        int half = Math.Min(generated.Count, reference.Count / 2);
        string Rank(int n) => n <= generated.Features.size(1) ? "rank-deficient" : "";
        Add("frechet", FrechetDistance.Of(generated.Features, reference.Features), "FD", generated.Count, reference.Count, Rank(Math.Min(generated.Count, reference.Count)));
        if (half >= Least)
        {
            using Tensor first = reference.Features.narrow(0, 0, half), second = reference.Features.narrow(0, half, half);
            Add("frechet.floor", FrechetDistance.Of(first, second), "FD", half, half, Rank(half));
        }
        if (Math.Min(generated.Count, reference.Count) >= LeastForKernel)
        {
            KernelDistanceValue kernel = KernelDistance.Of(generated.Features, reference.Features);
            Add("kernel", kernel.Value, "KD", generated.Count, reference.Count, "cubic kernel, whole sets");
            Add("kernel.error", kernel.StandardError, "KD", generated.Count, reference.Count, "jackknife");
        }
        if (Math.Min(generated.Count, reference.Count) >= LeastForNeighbours)
        {
            NeighbourMetrics neighbours = NeighbourMetrics.Of(generated.Features, reference.Features);
            Add("precision", neighbours.Precision, "precision", generated.Count, reference.Count, "k 3");
            Add("recall", neighbours.Recall, "recall", generated.Count, reference.Count, "k 3");
            Add("density", neighbours.Density, "density", generated.Count, reference.Count, "k 5");
            Add("coverage", neighbours.Coverage, "coverage", generated.Count, reference.Count, "k 5");
        }
        return new DistributionMetrics(numbers, identities);
    }

    private static bool Constant(Tensor generated, Tensor reference)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor first = reference.narrow(0, 0, 1);
        return generated.eq(first).all().item<bool>() && reference.eq(first).all().item<bool>();
    }

    private static string Identity(string field, FeatureSet generated, FeatureSet reference, int count, int against, string note) => string.Create(
        CultureInfo.InvariantCulture,
        $"{field}[{generated.Network}]; extractor {generated.NetworkHash[..16]}; reference {reference.PixelHash[..16]}; n {count} against {against}; resizing {generated.Resizing}; rounded to 8 bits{(note.Length > 0 ? "; " : "")}{note}");
}
