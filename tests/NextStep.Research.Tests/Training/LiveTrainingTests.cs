using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Training;

/// <summary>Counted on this thread, where the trainer works, so that neither other tests nor the finalizers of dead tensors disturb.</summary>
public sealed class LiveTrainingTests
{
    private static long Live => DisposeScopeManager.Statistics.ThreadTotalLiveCount;

    // A temporary outside of all scopes may be freed by the collector while a native call reads it.
    private static long OutsideScopes => DisposeScopeManager.Statistics.TensorStatistics.CreatedOutsideScopeCount;

    private static readonly ModelTrainerConfig Trainer = new() { Images = 40, BatchSize = 4, Warmup = 40, LogEvery = 40, CheckpointEvery = 80, Ema = 0.9 };

    [Fact]
    public void As_many_tensors_live_after_100_training_steps_and_a_generation_as_before()
    {
        using TemporaryFolder folder = new();
        ResearchConfig config = new()
        {
            Data = new DataConfig { Images = 32, Skills = ["colors"] },
            Autoencoder = new AutoencoderConfig { Width = 8, Multipliers = [1, 1, 1], LatentChannels = 2 },
            Model = new ModelConfig { Size = ModelSize.Nano },
            Training = new TrainingConfig { Model = Trainer with { Images = 4 * 104 }, Autoencoder = new AutoencoderTrainerConfig { Images = 40, BatchSize = 4, Warmup = 40, LogEvery = 40, CheckpointEvery = 80, Ema = 0.9 } },
        };
        using IImageSource source = ImageSources.Open(config.Data, DataSplit.Train, 0);
        using ImageAutoencoder autoencoder = AutoencoderTrainer.Train(config, source, new TrainingRun(Path.Combine(folder.Path, "autoencoder"), "autoencoder"));
        using LatentSet latents = LatentSet.Encode(autoencoder, source, 32, null, TestContext.Current.CancellationToken);
        WordTokenizer tokenizer = WordTokenizer.FromCaptions([.. latents.Captions, .. CaptionGrammar.Words]);
        List<long> live = [], outside = [];
        using NextStepModel model = ModelTrainer.Train(config, latents, tokenizer, new TrainingRun(
            Path.Combine(folder.Path, "model"), "model", (_, _) =>
            {
                live.Add(Live);
                outside.Add(OutsideScopes);
            }));
        Assert.Equal(104, live.Count);
        Assert.Equal(live[9], live[103]); // both behind a log line, when no metrics wait to be read; the first steps compile kernels
        Assert.Equal(outside[0], outside[103]);

        ImageGenerator generator = new(model, autoencoder, tokenizer);
        GenerationRequest request = new() { Prompts = ["a red circle", "a blue star"], Height = 32, Width = 32, Sampling = new SamplingConfig { Steps = 2 } };
        generator.Draw(request, null, TestContext.Current.CancellationToken).Dispose();
        long before = Live, without = OutsideScopes;
        generator.Draw(request, null, TestContext.Current.CancellationToken).Dispose();
        Assert.Equal((before, without), (Live, OutsideScopes));
    }
}
