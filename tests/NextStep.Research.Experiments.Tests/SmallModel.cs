using NextStep.Research;
using TorchSharp;

namespace NextStep.Research.Experiments.Tests;

/// <summary>A small untrained model in the released layout: pictures of 16 pixels, four pixels a token.</summary>
internal static class SmallModel
{
    public static string In(TemporaryFolder folder)
    {
        AutoencoderConfig pictures = new() { Width = 8, Multipliers = [1, 2], LatentChannels = 4 };
        ByteTokenizer tokenizer = new();
        using NextStepModel model = new(ModelSizes.Resolve(new ModelConfig { Size = ModelSize.Nano }, pictures, tokenizer), torch.META, torch.ScalarType.Float32);
        using ImageAutoencoder autoencoder = new(pictures);
        Initialization.Apply(autoencoder, 1);
        ReleasedFolder.SaveUntrained(folder.File("model"), model, autoencoder, tokenizer, 16, new SamplingConfig { Steps = 2 });
        return folder.File("model");
    }
}
