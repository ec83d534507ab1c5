using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research.Tests;

/// <summary>Small models with nothing left at an initial value.</summary>
internal static class TinyModels
{
    public static readonly AutoencoderConfig Autoencoder = new() { Width = 8, Multipliers = [1, 2], LatentChannels = 4, NormGroups = 4 };

    public static TransformerConfig Transformer(int vocabulary = 40) => new()
    {
        VocabularySize = vocabulary,
        HiddenSize = 24,
        IntermediateSize = 40,
        Layers = 3,
        Heads = 6,
        KeyValueHeads = 2,
        HeadDim = 8,
        OutputAttentionBias = true,
    };

    public static NextStepModel Model(TextTokenizer? tokenizer = null, int seed = 1, bool positions = false, EditLayout edits = EditLayout.SourceFirst, TokenSteps? steps = null)
    {
        SpecialTokens special = tokenizer?.Special ?? new SpecialTokens { Pad = 0, ImageArea = 1, BeginOfImage = 2, EndOfImage = 3, ImagePlaceholder = 4, EndOfText = 5 };
        NextStepModel model = new(new NextStepConfig
        {
            Transformer = Transformer(tokenizer?.VocabularySize ?? 40),
            Head = new FlowHeadConfig { TokenWidth = 16 * (steps?.DrawnAsOne ?? 1), ConditionWidth = 24, Width = 20, Layers = 2 },
            LatentChannels = 4,
            LatentPatchSize = 2,
            Special = special,
            UseGenPosEmbed = positions,
            EditLayout = edits,
            Steps = steps ?? new(),
        });
        Randomize(model, seed);
        model.eval();
        return model;
    }

    public static ImageAutoencoder Pictures(int seed = 2)
    {
        ImageAutoencoder autoencoder = new(Autoencoder);
        Randomize(autoencoder, seed);
        autoencoder.eval();
        return autoencoder;
    }

    public static void Randomize(nn.Module module, int seed)
    {
        using IDisposable guard = no_grad();
        foreach ((string name, Parameter parameter) in module.named_parameters())
        {
            using Generator generator = Streams.For(seed, name);
            using Tensor drawn = randn(parameter.shape, ScalarType.Float32, CPU, generator: generator);
            double size = parameter.dim() > 1 ? 1 / Math.Sqrt((double)parameter.numel() / parameter.size(0)) : 0.1;
            drawn.mul_((float)size).add_(name.Contains("norm", StringComparison.Ordinal) && name.EndsWith("weight", StringComparison.Ordinal) ? 1 : 0);
            parameter.copy_(drawn);
        }
    }

    public static Tensor Normal(string stream, params long[] shape)
    {
        using Generator generator = Streams.For(11, stream);
        return randn(shape, ScalarType.Float32, CPU, generator: generator);
    }

    /// <summary>Draws until the test is cancelled.</summary>
    public static Tensor Drawn(this ImageGenerator generator, GenerationRequest request) => generator.Draw(request, null, TestContext.Current.CancellationToken);

    /// <summary>Largest difference of two tensors of one shape.</summary>
    public static double Distance(Tensor left, Tensor right)
    {
        Assert.Equal(left.shape, right.shape);
        using DisposeScope scope = NewDisposeScope();
        return left.detach().sub(right.detach()).abs().max().to_type(ScalarType.Float64).item<double>();
    }
}
