using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Model;

/// <summary>No weight of a new module is whatever the memory held before.</summary>
[Collection(nameof(Alone))]
public sealed class UninitialisedTests
{
    [Fact]
    public void A_new_module_has_no_raw_memory_and_its_norms_are_one_and_zero()
    {
        Poison();
        using ImageAutoencoder autoencoder = new(TinyModels.Autoencoder with { Normalization = LatentNormalization.Channel });
        Check(autoencoder, n => n.Contains("norm", StringComparison.Ordinal));
        Poison();
        using NextStepModel model = TinyModels.Model();
        using FlowMatchingHead head = new(model.Config.Head);
        Check(head, n => n.Contains("in_ln", StringComparison.Ordinal));
        Poison();
        using CausalTransformer transformer = new(TinyModels.Transformer());
        Check(transformer, n => n.Contains("norm", StringComparison.Ordinal));
    }

    private static void Check(nn.Module module, Func<string, bool> isNorm)
    {
        int norms = 0;
        foreach ((string name, Parameter parameter) in module.named_parameters())
        {
            float[] values = parameter.data<float>().ToArray();
            Assert.All(values, v => Assert.True(float.IsFinite(v) && Math.Abs(v) < 10, name));
            if (isNorm(name))
            {
                norms++;
                Assert.All(values, v => Assert.Equal(name.EndsWith("weight", StringComparison.Ordinal) ? 1f : 0f, v));
            }
        }
        Assert.True(norms > 1);
    }

    // What is freed is handed out again. Not NaN: oneDNN's convolutions read memory that nobody wrote in their backward pass, and other tests follow.
    private static void Poison()
    {
        using DisposeScope scope = NewDisposeScope();
        for (int i = 0; i < 400; i++)
        {
            _ = full([8L * (1 + (i % 64))], 1e30f);
        }
    }
}
