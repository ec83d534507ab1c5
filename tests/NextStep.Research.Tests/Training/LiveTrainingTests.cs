using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Training;

/// <summary>Counts every live tensor of the process, prefetching threads included, so nothing else may run beside it.</summary>
[CollectionDefinition(nameof(LiveTrainingTests), DisableParallelization = true)]
[Collection(nameof(LiveTrainingTests))]
public sealed class LiveTrainingTests
{
    private static readonly TrainerConfig Trainer = new() { Images = 40, BatchSize = 4, Warmup = 40, LogEvery = 40, CheckpointEvery = 80, Ema = 0.9 };

    [Fact]
    public void As_many_tensors_live_after_100_training_steps_and_a_generation_as_before()
    {
        using TemporaryFolder folder = new();
        ResearchConfig config = new()
        {
            Data = new DataConfig { Images = 32, Skills = ["colors"] },
            Autoencoder = new AutoencoderConfig { Width = 8, Multipliers = [1, 1, 1], LatentChannels = 2 },
            Model = new ModelConfig { Size = ModelSize.Nano },
            Training = new TrainingConfig { Model = Trainer, Autoencoder = Trainer },
        };
        using IImageSource source = ImageSources.Open(config.Data, Split.Train, 0);
        Run(config, source, Path.Combine(folder.Path, "first"), 10); // compiles kernels and fills caches
        long before = Tensor.TotalCount;
        Run(config, source, Path.Combine(folder.Path, "second"), 100);
        Assert.Equal(before, Tensor.TotalCount);
    }

    private static void Run(ResearchConfig config, IImageSource source, string folder, int steps)
    {
        TrainerConfig longer = Trainer with { Images = 4 * steps };
        config = config with { Training = new TrainingConfig { Model = longer, Autoencoder = longer } };
        using ImageAutoencoder autoencoder = AutoencoderTrainer.Train(config, source, new TrainingRun(Path.Combine(folder, "autoencoder"), "autoencoder"));
        using LatentSet latents = LatentSet.Encode(autoencoder, source, 32);
        WordTokenizer tokenizer = WordTokenizer.FromCaptions(latents.Captions);
        using NextStepModel model = ModelTrainer.Train(config, latents, tokenizer, new TrainingRun(Path.Combine(folder, "model"), "model"));
        using Tensor pictures = new ImageGenerator(model, autoencoder, tokenizer)
            .Draw(new GenerationRequest { Prompts = ["a red circle", "a blue star"], Height = 32, Width = 32, Sampling = new SamplingConfig { Steps = 2 } });
        Assert.Equal([2L, 3, 32, 32], pictures.shape);
    }
}
