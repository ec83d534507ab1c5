using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Training;

public sealed class LossTests
{
    [Fact]
    public void Terms_are_those_of_the_weights_to_rounding()
    {
        Tensor output = TinyModels.Normal("output", 2, 3, 8, 8), target = TinyModels.Normal("target", 2, 3, 8, 8);
        (PictureLoss, double)[] terms = [(new SquaredLoss().Build(CPU), 1), (new AbsoluteLoss().Build(CPU), 0.2), (new GradientLoss().Build(CPU), 0.3)];
        float one = ReconstructionLoss.Of(output, target, terms).item<float>();
        float other = ReconstructionLoss.Of(output, target, new ReconstructionWeights { Absolute = 0.2, Gradient = 0.3 }).item<float>();
        Assert.Equal(other, one, 1e-5);
    }

    [Fact]
    public void Features_cost_nothing_of_the_same_picture_and_have_gradients_of_another()
    {
        using PictureLoss loss = new FeatureLoss().Build(CPU);
        Tensor picture = TinyModels.Normal("picture", 2, 3, 8, 8), drawn = TinyModels.Normal("drawn", 2, 3, 8, 8).requires_grad_(true);
        Assert.Equal(0, loss.Of(picture, picture).item<float>());
        Tensor value = loss.Of(drawn, picture);
        value.backward();
        Assert.True(value.item<float>() > 0 && drawn.grad!.abs().max().item<float>() > 0);
    }
}
