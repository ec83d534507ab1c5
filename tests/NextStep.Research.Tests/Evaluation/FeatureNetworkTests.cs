using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

public sealed class FeatureNetworkTests : IDisposable
{
    // What is made on the way in an expression lives until the test ends: the collector may not free it during a native call.
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Random_convolutions_are_the_same_everywhere()
    {
        using RandomConvolutionNetwork network = new();
        Assert.Equal("random-conv-v1", network.Id);
        Assert.StartsWith("70b38352e0f0afd20bb1448738401ca7101ef8b9a61b21f4", network.Sha256, StringComparison.Ordinal);
        using Tensor pictures = DeadLeaves.Draw(3, 32, 1), features = network.Features(pictures);
        Assert.Equal([3, 256], features.shape);
        using Tensor alone = network.Features(pictures.narrow(0, 1, 1));
        Assert.True(allclose(features.narrow(0, 1, 1), alone, 1e-5, 1e-6));
    }

    [Fact]
    public void Distances_grow_with_noise_and_carry_what_they_depend_on()
    {
        using RandomConvolutionNetwork network = new();
        using Tensor reference = DeadLeaves.Draw(64, 32, 2), other = DeadLeaves.Draw(32, 32, 3);
        using FeatureSet real = Extract(network, reference), same = Extract(network, other);
        double before = DistributionMetrics.Of(same, real).Numbers["frechet"];
        foreach (double strength in (double[])[0.05, 0.15])
        {
            using Tensor noisy = Planting.Apply(other, PlantedArtifact.GlobalNoise, new TokenGrid(8, 4), strength, 1);
            using FeatureSet set = Extract(network, noisy);
            double now = DistributionMetrics.Of(set, real).Numbers["frechet"];
            Assert.True(now > before, $"{strength}: {now} after {before}");
            before = now;
        }
        DistributionMetrics metrics = DistributionMetrics.Of(same, real);
        Assert.Equal(metrics.Numbers.Keys, metrics.Identities.Keys);
        Assert.StartsWith($"FD[random-conv-v1]; extractor {network.Sha256[..16]}; reference {real.PixelHash[..16]}; n 32 against 64; resizing none; rounded to 8 bits; rank-deficient", metrics.Identities["frechet"], StringComparison.Ordinal);
        Assert.DoesNotContain("FID", string.Concat(metrics.Identities.Values), StringComparison.Ordinal);
        using FeatureSet changed = Extract(network, other);
        Assert.NotEqual(real.PixelHash, changed.PixelHash);
    }

    [Fact]
    public void Pictures_with_pixels_that_are_no_numbers_are_named()
    {
        using RandomConvolutionNetwork network = new();
        using Tensor pictures = zeros(3, 3, 32, 32);
        pictures[1, 0, 3, 3] = float.NaN;
        Assert.Contains("number 2", Assert.Throws<InvalidDataException>(() => Extract(network, pictures)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_onnx_network_gives_the_features_that_its_file_says()
    {
        using TemporaryFolder folder = new();
        string file = folder.File("relu.onnx");
        File.WriteAllBytes(file, TinyOnnx.Relu(0, 3, 8, 8));
        using OnnxFeatureNetwork network = new(file, new OnnxInput { Mean = [0.5], Deviation = [0.25] });
        using Tensor pictures = DeadLeaves.Draw(5, 8, 4), features = network.Features(pictures);
        using Tensor expected = nn.functional.relu(((pictures + 1) / 2 - 0.5f) / 0.25f).mean([2, 3]).to_type(float64);
        Assert.Equal([5, 3], features.shape);
        Assert.True(allclose(expected, features, 1e-5, 1e-6));
        Assert.Equal("none", network.Resizing(8, 8));
        Assert.Equal("Lanczos-3 to 8x8", network.Resizing(32, 32));
        Assert.Equal("relu.onnx", network.Id);
        using OnnxFeatureNetwork other = new(file, new OnnxInput { Mean = [0.4], Deviation = [0.25] });
        Assert.NotEqual(network.Sha256, other.Sha256);
    }

    [Fact]
    public void Onnx_files_that_do_not_fit_are_refused_by_name()
    {
        using TemporaryFolder folder = new();
        string file = folder.File("net.onnx"), text = folder.File("text.onnx"), open = folder.File("open.onnx");
        File.WriteAllBytes(file, TinyOnnx.Relu(0, 3, 8, 8));
        File.WriteAllText(text, "no model");
        File.WriteAllBytes(open, TinyOnnx.Relu(0, 3, 0, 0));
        Assert.Throws<FileNotFoundException>(() => new OnnxFeatureNetwork(folder.File("none.onnx"), new OnnxInput()));
        Assert.Contains("text.onnx", Assert.Throws<InvalidDataException>(() => new OnnxFeatureNetwork(text, new OnnxInput())).Message, StringComparison.Ordinal);
        Assert.Contains("8x8", Assert.Throws<InvalidDataException>(() => new OnnxFeatureNetwork(file, new OnnxInput { Size = 16 })).Message, StringComparison.Ordinal);
        Assert.Contains("no output 'z'", Assert.Throws<InvalidDataException>(() => new OnnxFeatureNetwork(file, new OnnxInput { Output = "z" })).Message, StringComparison.Ordinal);
        Assert.Contains("size of its input", Assert.Throws<InvalidDataException>(() => new OnnxFeatureNetwork(open, new OnnxInput())).Message, StringComparison.Ordinal);
        using OnnxFeatureNetwork stated = new(open, new OnnxInput { Size = 12 });
        using Tensor pictures = zeros(1, 3, 12, 12), features = stated.Features(pictures);
        Assert.Equal(0.5, features[0, 0].item<double>(), 3);
    }

    private static FeatureSet Extract(IFeatureNetwork network, Tensor pictures) => FeatureSet.Of(network, pictures, null, TestContext.Current.CancellationToken);
}
