using System.Security.Cryptography;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Torch;

/// <summary>
/// Training, drawing and solving while another thread decodes pictures and collects garbage without pause: what TorchSharp passes to
/// native code by bare address must be alive through the call. Same bits as undisturbed, and no exception.
/// </summary>
[Collection(nameof(Alone))]
public sealed class CollectionStressTests
{
    private static readonly ModelTrainerConfig Trainer = new() { Images = 16, BatchSize = 4, Warmup = 8, LogEvery = 8, CheckpointEvery = 8, Ema = 0.9 };

    private static readonly ResearchConfig Config = new()
    {
        Data = new DataConfig { Images = 8, Skills = ["colors"] },
        Autoencoder = new AutoencoderConfig { Width = 16, Multipliers = [1, 1, 1], LatentChannels = 16, KlWeight = 1e-4 },
        Model = new ModelConfig { Size = ModelSize.Nano, InputNoise = 0.4 },
        Training = new TrainingConfig { Model = Trainer, Autoencoder = new AutoencoderTrainerConfig { Images = 16, BatchSize = 4, Warmup = 8, LogEvery = 8, CheckpointEvery = 8, Ema = 0.9 } },
    };

    [Fact]
    public void Constant_collection_changes_no_bit() => Disturbed(1, 2_000);

    [Fact(Explicit = true)]
    public void Constant_collection_changes_no_bit_in_twenty_runs() => Disturbed(20, 100_000);

    private static void Disturbed(int runs, int solverSteps)
    {
        string trained = TrainAndDraw(), solved = Solve(solverSteps);
        using CancellationTokenSource end = new();
        Thread other = new(() => Collect(end.Token)) { IsBackground = true };
        other.Start();
        List<string> faults = [];
        for (int run = 0; run < runs; run++)
        {
            Try("training and drawing", trained, TrainAndDraw);
            Try("solving", solved, () => Solve(solverSteps));
        }
        end.Cancel();
        other.Join();
        Assert.True(faults.Count == 0, string.Join('\n', faults));

        void Try(string what, string expected, Func<string> work)
        {
            try
            {
                if (work() != expected)
                {
                    faults.Add($"{what}: other bits");
                }
            }
            catch (Exception e)
            {
                faults.Add($"{what}: {e.GetType().Name}: {e.Message} {e.StackTrace?.Split('\n').FirstOrDefault(l => l.Contains("Research", StringComparison.Ordinal))}");
            }
        }
    }

    // What our prefetcher does beside training, and a collector that never rests.
    private static void Collect(CancellationToken end)
    {
        byte[] picture;
        using (Tensor pixels = zeros(3, 64, 64))
        {
            picture = ImageFile.EncodePng(pixels);
        }
        while (!end.IsCancellationRequested)
        {
            using DisposeScope scope = NewDisposeScope();
            ImageFile.Decode(picture, "stress.png");
            GC.Collect(0, GCCollectionMode.Forced, blocking: true);
            GC.WaitForPendingFinalizers();
        }
    }

    private static string TrainAndDraw()
    {
        using TemporaryFolder folder = new();
        using DisposeScope scope = NewDisposeScope();
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using IImageSource source = ImageSources.Open(Config.Data, DataSplit.Train, 0);
        using ImageAutoencoder autoencoder = AutoencoderTrainer.Train(Config, source, new TrainingRun(Path.Combine(folder.Path, "autoencoder"), "autoencoder"));
        using LatentSet latents = LatentSet.Encode(autoencoder, source, 32, null, TestContext.Current.CancellationToken);
        WordTokenizer tokenizer = WordTokenizer.FromCaptions(latents.Captions);
        using NextStepModel model = ModelTrainer.Train(Config, latents, tokenizer, new TrainingRun(Path.Combine(folder.Path, "model"), "model"));
        foreach (Tensor weight in autoencoder.parameters().Concat(model.parameters()))
        {
            hash.AppendData(weight.detach().bytes);
        }
        GenerationRequest request = new() { Prompts = ["a red circle"], Height = 32, Width = 32, Sampling = new SamplingConfig { Steps = 2, Guidance = 2 } };
        hash.AppendData(new ImageGenerator(model, autoencoder, tokenizer).Draw(request, null, TestContext.Current.CancellationToken).bytes);
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static string Solve(int steps)
    {
        using DisposeScope scope = NewDisposeScope();
        FlowSolver solver = new(new FlowSamplerOptions { Solver = SamplingSolver.Sde, Steps = 20 });
        Tensor x = ones(2, 8), noise = ones(2, 8), velocity = full(2, 8, Scalars.Of(0.25));
        for (int i = 0; i < steps; i++)
        {
            x = solver.Step(x, velocity, i % 20, () => noise.alias());
        }
        return Convert.ToHexString(SHA256.HashData(x.bytes));
    }
}
