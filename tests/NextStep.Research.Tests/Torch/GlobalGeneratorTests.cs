using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Torch;

/// <summary>All randomness comes from streams: whoever uses torch's own generator finds it as it was.</summary>
[Collection(nameof(Alone))]
public sealed class GlobalGeneratorTests
{
    [Fact]
    public void Building_and_drawing_leave_the_global_generator_alone()
    {
        Tensor before = random.get_rng_state();
        using NextStepModel model = TinyModels.Model();
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        TensorAssert.Same(before, random.get_rng_state(), "building draws");
        SamplingConfig sampling = new() { Steps = 2, HeadPrecision = Precision.BFloat16 };
        using (no_grad())
        using (TokenHeadSamplers samplers = new(model, sampling, 4, null))
        using (NoiseSource noise = new DrawnNoise(0, "test"))
        {
            Assert.Equal(2, samplers.At(0).Sample(TinyModels.Normal("c", 2, 24), Guidance.Off, noise).size(0));
        }
        TensorAssert.Same(before, random.get_rng_state(), "sampling in another precision draws");
    }

    [Fact]
    public void The_copy_of_the_head_in_another_precision_is_the_head_rounded()
    {
        using NextStepModel model = TinyModels.Model();
        using IDisposable guard = no_grad();
        using FlowHeadNetwork rounded = new(model.Head.Network.Config, CPU, ScalarType.BFloat16);
        foreach ((TorchSharp.Modules.Parameter theirs, TorchSharp.Modules.Parameter ours) in model.Head.Network.parameters().Zip(rounded.parameters()))
        {
            ours.copy_(theirs);
        }
        Tensor conditions = TinyModels.Normal("c", 3, 24);
        using FlowSampler expected = new(rounded, new FlowSamplerOptions { Steps = 3 });
        using TokenHeadSamplers samplers = new(model, new SamplingConfig { Steps = 3, HeadPrecision = Precision.BFloat16 }, 4, null);
        TensorAssert.Same(Sample(expected), Sample(samplers.At(0)));

        Tensor Sample(TokenHeadSampler sampler)
        {
            using NoiseSource noise = new DrawnNoise(0, "test");
            return sampler.Sample(conditions, Guidance.Off, noise);
        }
    }
}
