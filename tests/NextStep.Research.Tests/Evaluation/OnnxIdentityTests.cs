using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Two networks of one identity give the same features: it holds the weights, wherever they lie, and what is done before and after.</summary>
public sealed class OnnxIdentityTests
{
    private readonly byte[] _model = TinyOnnx.Times("k.bin", 0, 3, 8, 8);

    [Fact]
    public void Weights_beside_the_model_are_in_its_identity()
    {
        using TemporaryFolder folder = new();
        using DisposeScope scope = NewDisposeScope();
        Tensor pictures = DeadLeaves.Draw(5, 8, 4);
        (string Sha256, Tensor Features) once = Open(folder, 2), again = Open(folder, 2), other = Open(folder, 3);
        Assert.Equal(once.Sha256, again.Sha256);
        Assert.NotEqual(once.Sha256, other.Sha256);
        Assert.True(allclose(pictures.Plus(1).mean([2, 3]).to_type(float64), once.Features, 1e-5, 1e-6));
        Assert.True(allclose(once.Features.Times(1.5), other.Features, 1e-5, 1e-6));

        (string, Tensor) Open(TemporaryFolder place, float k)
        {
            File.WriteAllBytes(place.File("net.onnx"), _model);
            File.WriteAllBytes(place.File("k.bin"), BitConverter.GetBytes(k));
            using OnnxFeatureNetwork network = new(place.File("net.onnx"), new OnnxInput());
            return (network.Sha256, network.Features(pictures));
        }
    }

    [Theory]
    [InlineData(null, "'k.bin' is not there")]
    [InlineData("", "'k.bin' is empty")]
    [InlineData("\u0001\u0002", "'k.bin' has 2 bytes")]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:cd\nsize 4\n", "git lfs pull")] // more bytes than the weights need
    public void Weights_that_are_not_there_are_named(string? content, string fault)
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder.File("net.onnx"), _model);
        if (content is not null)
        {
            File.WriteAllText(folder.File("k.bin"), content);
        }
        string said = Assert.Throws<InvalidDataException>(() => new OnnxFeatureNetwork(folder.File("net.onnx"), new OnnxInput())).Message;
        Assert.Contains("net.onnx", said, StringComparison.Ordinal);
        Assert.Contains(fault, said, StringComparison.Ordinal);
    }

    [Fact]
    public void All_that_changes_features_is_in_the_identity()
    {
        using TemporaryFolder folder = new();
        string file = folder.File("net.onnx");
        File.WriteAllBytes(file, TinyOnnx.Relu(0, 3, 0, 0));
        OnnxInput plain = new() { Size = 8 };
        OnnxInput[] inputs =
        [
            plain, plain with { Size = 9 }, plain with { Range = [0, 255] }, plain with { Mean = [0.5] }, plain with { Mean = [0.5, 0.5, 0.4] },
            plain with { Deviation = [2] }, plain with { FeatureAxis = 2 },
        ];
        string[] found = [.. inputs.Append(plain with { Mean = [0, 0, 0] }).Select(input =>
        {
            using OnnxFeatureNetwork network = new(file, input);
            return network.Sha256;
        })];
        Assert.Equal(inputs.Length, found.Distinct().Count());
        Assert.Equal(found[0], found[^1]); // one number stands for three
    }

    [Fact]
    public void Files_of_weights_are_found_wherever_the_format_has_tensors()
    {
        byte[] inner = TinyOnnx.Times("z/inner.bin", 1, 3, 8, 8);
        Assert.Equal(["k.bin"], OnnxExternalData.Locations(_model));
        Assert.Empty(OnnxExternalData.Locations(TinyOnnx.Relu(0, 3, 8, 8)));
        Assert.Throws<InvalidDataException>(() => OnnxExternalData.Locations(inner.AsSpan(0, inner.Length - 3)));
    }
}
