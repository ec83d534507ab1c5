using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Torch;

[Collection(nameof(Alone))]
public sealed class CpuThreadsTests
{
    [Fact]
    public void A_number_holds_until_its_end()
    {
        int before = CpuThreads.Current;
        using (CpuThreads.Use(3))
        {
            Assert.Equal(3, CpuThreads.Current);
            Assert.Null(CpuThreads.Use(null));
        }
        Assert.Equal(before, CpuThreads.Current);
        Assert.Throws<ArgumentOutOfRangeException>(() => CpuThreads.Use(0));
    }

    [Fact]
    public void With_the_same_number_training_gives_the_same_bits_whatever_the_process_used_before()
    {
        float[] expected = Train(1, 2);
        Assert.Equal(expected, Train(4, 2));
        Assert.NotEqual(expected, Train(4, 1)); // a convolution's weight gradient is summed in another order: why the number is part of a plan
    }

    [Fact]
    public void A_checkpoint_that_goes_on_with_another_number_says_so()
    {
        using TemporaryFolder folder = new();
        List<string> notes = [];
        using (CpuThreads.Use(1))
        {
            Assert.Throws<OperationCanceledException>(() => Toy(folder.Path, 2, notes));
        }
        using (CpuThreads.Use(2))
        {
            Toy(folder.Path, null, notes);
        }
        string note = Assert.Single(notes);
        Assert.Contains("with 1 CPU threads and goes on with 2", note, StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_that_goes_on_with_other_matrix_products_says_so()
    {
        using TemporaryFolder folder = new();
        List<string> notes = [];
        Assert.Throws<OperationCanceledException>(() => Toy(folder.Path, 2, notes));
        TrainingCheckpoints checkpoints = new(Path.Combine(folder.Path, "checkpoint"));
        string other = folder.File("other.safetensors");
        using (SafetensorsFile saved = SafetensorsFile.Open(checkpoints.NewestWhole()!))
        using (DisposeScope scope = NewDisposeScope())
        {
            Assert.Equal(MatrixProducts.Path, saved.Metadata["products"]);
            SafetensorsFile.Write(other, saved.Entries.Keys.ToDictionary(n => n, n => saved.Read(n)), new Dictionary<string, string>(saved.Metadata) { ["products"] = "another library" });
        }
        checkpoints.Adopt(other);
        Toy(folder.Path, null, notes);
        Assert.Contains($"by another library and goes on with {MatrixProducts.Path}", Assert.Single(notes), StringComparison.Ordinal);
    }

    private static float[] Train(int ambient, int threads)
    {
        using CpuThreads? outer = CpuThreads.Use(ambient);
        using CpuThreads? inner = CpuThreads.Use(threads);
        using DisposeScope scope = NewDisposeScope();
        using ImageAutoencoder autoencoder = TinyModels.Pictures();
        autoencoder.train();
        using FusedOptimizer optimizer = new(autoencoder, 0.01, 0);
        Tensor pixels = TinyModels.Normal("pixels", 16, 3, 32, 32);
        Tensor decoded = autoencoder.Decode(autoencoder.Encode(pixels).Mean);
        decoded.sub(pixels).square().mean().backward();
        optimizer.Step(1e-3, 1);
        return [.. autoencoder.parameters().SelectMany(p => p.data<float>().ToArray())];
    }

    private static void Toy(string folder, int? stopAt, List<string> notes)
    {
        using TorchSharp.Modules.Linear module = nn.Linear(2, 1);
        using CancellationTokenSource stop = new();
        TrainerConfig config = new() { Images = 8, BatchSize = 1, LogEvery = 1, CheckpointEvery = 1 };
        new TrainingLoop(config, 1e-2, new TrainingRun(folder, "toy", null, stop.Token) { Note = notes.Add }).Run(module, step =>
        {
            if (step == stopAt)
            {
                stop.Cancel();
            }
            Tensor loss = module.forward(TinyModels.Normal("x", 4, 2)).square().mean();
            return new StepOutcome(loss, [StepMetric.Mean("toy.loss", loss)], []);
        });
    }
}
