using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>The ImageNet network of a build with -p:FeatureNetworks=resnet18.</summary>
public sealed class ResNet18Tests
{
    private static readonly EvaluationConfig Evaluation = new() { Network = "resnet18" };

    [Fact]
    public void A_build_without_it_says_how_to_get_one()
    {
        Assert.SkipWhen(ResNet18Network.IsBuiltIn, "this build has resnet18");
        string said = Assert.Throws<FileNotFoundException>(Evaluation.OpenNetwork).Message;
        Assert.Equal("this build has no network 'resnet18': build with -p:FeatureNetworks=resnet18, which fetches 60 MB, or name an ONNX file", said);
    }

    // onnxruntime-node 1.30.0 on the same two files. Red (3x + 5y) mod 256, green xy mod 256, blue 7x mod 256; the second picture is the negative.
    [Fact]
    public void Its_features_are_those_of_another_runtime()
    {
        Assert.SkipUnless(ResNet18Network.IsBuiltIn, "this build has no resnet18 (-p:FeatureNetworks=resnet18)");
        using DisposeScope scope = NewDisposeScope();
        Tensor x = arange(224).reshape(1, 224), y = x.t(), one = ones(1, 224, dtype: int64);
        Tensor picture = stack([x * 3 + y * 5, x * y, (x * 7) * one.t()]).remainder(256).unsqueeze(0).to_type(float32).div(127.5f).sub(1);
        using IFeatureNetwork network = Evaluation.OpenNetwork();
        Tensor features = network.Features(cat([picture, -picture]));
        Assert.Equal(("resnet18-imagenet", 2L, 512L), (network.Id, features.size(0), features.size(1)));
        double[][] expected = [[0.9188018, 0, 2.219180, 2.043054, 0.9372544, 2.416437], [0, 0, 0.009547985, 0.2394207, 1.517230, 0.07543725]];
        for (int i = 0; i < 2; i++)
        {
            Assert.All(expected[i].Select((v, k) => (v, k)), e => Assert.Equal(e.v, features[i, e.k].item<double>(), 3e-4));
        }
        Assert.Equal((420L, 329L), (features[0].argmax().item<long>(), features[1].argmax().item<long>()));
        Assert.Equal(1.043764, features[0].mean().item<double>(), 1e-4);
        Assert.Equal(0.8606927, features[1].mean().item<double>(), 1e-4);
    }
}
