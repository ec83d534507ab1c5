using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Networks that take and give the same numbers in another order: the features are those of the plain one.</summary>
public sealed class OnnxLayoutTests
{
    private static readonly byte[] ToChannelsLast = TinyOnnx.Node("Transpose", ["x"], "y", TinyOnnx.Attribute("perm", [0, 2, 3, 1]));

    [Theory]
    [InlineData(0, 3, 8, 8)]
    [InlineData(0, 8, 8, 3)] // channels last, in and out
    [InlineData(0, 0, 8, 8)]
    [InlineData(1, 3, 8, 8)]
    [InlineData(4, 3, 8, 8)] // four pictures at once and no others
    [InlineData(7, 8, 8, 3)]
    public void Pictures_reach_the_network_as_it_wants_them(params int[] sizes)
    {
        Tensor pictures = DeadLeaves.Draw(5, 8, 4);
        Tensor features = Features(TinyOnnx.Relu(sizes), new OnnxInput(), pictures);
        Assert.Equal([5, 3], features.shape);
        Assert.True(allclose(Expected(pictures), features, 1e-5, 1e-6));
    }

    [Fact]
    public void The_mean_is_taken_over_places_never_over_features()
    {
        Tensor pictures = DeadLeaves.Draw(5, 8, 4), expected = Expected(pictures);
        byte[] rows = TinyOnnx.Node("ReduceMean", ["x"], "r", TinyOnnx.Attribute("axes", [3]), TinyOnnx.Attribute("keepdims", 0)); // [n, 3, 8]
        byte[] tokens = TinyOnnx.Node("Transpose", ["r"], "y", TinyOnnx.Attribute("perm", [0, 2, 1])); // [n, 8, 3]
        byte[] pooled = TinyOnnx.Node("GlobalAveragePool", ["x"], "y"), flat = TinyOnnx.Node("ReduceMean", ["x"], "y", TinyOnnx.Attribute("axes", [2, 3]), TinyOnnx.Attribute("keepdims", 0));
        Check(expected, Net(ToChannelsLast), new OnnxInput()); // [n, 8, 8, 3]
        Check(expected, Net(rows, tokens), new OnnxInput());
        Check(expected, Net(rows, TinyOnnx.Node("Relu", ["r"], "y")), new OnnxInput { FeatureAxis = 1 }); // [n, 3, 8]
        Check(expected, Net(pooled), new OnnxInput()); // [n, 3, 1, 1]
        Check(expected, Net(flat), new OnnxInput()); // [n, 3]
        Check(pictures.Plus(1).Over(2).mean([1, 3]).to_type(float64), Net(TinyOnnx.Node("Relu", ["x"], "y")), new OnnxInput { FeatureAxis = 2 });

        void Check(Tensor wanted, byte[] network, OnnxInput input) => Assert.True(allclose(wanted, Features(network, input, pictures), 1e-5, 1e-6));
    }

    [Fact]
    public void An_axis_that_is_none_is_refused()
    {
        Assert.Contains("no axis 4", Refused(Net(ToChannelsLast), new OnnxInput { FeatureAxis = 4 }), StringComparison.Ordinal);
        Assert.Contains("no axis 0", Refused(Net(ToChannelsLast), new OnnxInput { FeatureAxis = 0 }), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_several_outputs_one_is_named()
    {
        Tensor pictures = DeadLeaves.Draw(5, 8, 4), expected = Expected(pictures);
        byte[] network = TinyOnnx.Net([0, 3, 8, 8], ["same", "less"], TinyOnnx.Node("Relu", ["x"], "same"), TinyOnnx.Node("Neg", ["x"], "less"));
        string all = Refused(network, new OnnxInput());
        Assert.Contains("2 outputs (same, less)", all, StringComparison.Ordinal);
        Assert.Contains("--onnx-output", all, StringComparison.Ordinal);
        Assert.Contains("outputs: same, less", Refused(network, new OnnxInput { Output = "features" }), StringComparison.Ordinal);
        Assert.True(allclose(expected, Features(network, new OnnxInput { Output = "same" }, pictures), 1e-5, 1e-6));
        Assert.True(allclose(expected.neg(), Features(network, new OnnxInput { Output = "less" }, pictures), 1e-5, 1e-6));
    }

    [Fact]
    public void Values_lie_in_the_range_that_is_stated()
    {
        Tensor pictures = DeadLeaves.Draw(5, 8, 4), expected = Expected(pictures);
        byte[] network = Net(TinyOnnx.Node("Neg", ["x"], "y"));
        Assert.True(allclose(expected.Times(-255), Features(network, new OnnxInput { Range = [0, 255] }, pictures), 1e-5, 1e-4));
        Assert.True(allclose(expected.Times(-2).Plus(1), Features(network, new OnnxInput { Range = [-1, 1] }, pictures), 1e-5, 1e-5));
        Assert.True(allclose(expected.Times(-255).Plus(100).Over(50), Features(network, new OnnxInput { Range = [0, 255], Mean = [100], Deviation = [50] }, pictures), 1e-5, 1e-5));
        Assert.Throws<ArgumentException>(() => Features(network, new OnnxInput { Range = [1, 0] }, pictures));
    }

    [Fact]
    public void A_network_that_tells_no_picture_from_another_gives_no_distances()
    {
        using TemporaryFolder folder = new();
        using DisposeScope scope = NewDisposeScope();
        File.WriteAllBytes(folder.File("net.onnx"), Net(TinyOnnx.Node("Relu", ["x"], "y")));
        Tensor some = DeadLeaves.Draw(8, 8, 4), others = DeadLeaves.Draw(8, 8, 5);
        using OnnxFeatureNetwork network = new(folder.File("net.onnx"), new OnnxInput { Mean = [2] }); // below zero everywhere
        using FeatureSet generated = FeatureSet.Of(network, some, null, TestContext.Current.CancellationToken), reference = FeatureSet.Of(network, others, null, TestContext.Current.CancellationToken);
        Assert.Contains("net.onnx gives the same features for all 8 and 8", Assert.Throws<InvalidDataException>(() => DistributionMetrics.Of(generated, reference)).Message, StringComparison.Ordinal);
        Assert.Equal(0, DistributionMetrics.Of(generated, generated).Numbers["frechet"]);
    }

    private static byte[] Net(params byte[][] nodes) => TinyOnnx.Net([0, 3, 8, 8], ["y"], nodes);

    private static Tensor Expected(Tensor pictures) => pictures.Plus(1).Over(2).mean([2, 3]).to_type(float64);

    private static Tensor Features(byte[] file, OnnxInput input, Tensor pictures)
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder.File("net.onnx"), file);
        using OnnxFeatureNetwork network = new(folder.File("net.onnx"), input);
        return network.Features(pictures);
    }

    private static string Refused(byte[] file, OnnxInput input)
    {
        string said = Assert.Throws<InvalidDataException>(() => Features(file, input, zeros(0))).Message;
        Assert.Contains("net.onnx", said, StringComparison.Ordinal);
        return said;
    }
}
