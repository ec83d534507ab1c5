using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Training;

/// <summary>What went wrong first is what is told.</summary>
public sealed class FirstErrorTests
{
    private static readonly TrainerConfig Config = new() { Images = 80, BatchSize = 8 };

    [Fact]
    public void A_prefetcher_ends_with_the_error_of_the_batch_that_was_asked_for()
    {
        using BrokenSource source = new();
        InvalidDataException e = Assert.Throws<InvalidDataException>(() =>
        {
            using BatchPrefetcher batches = new(source, 0, "order", 2);
            batches.Get(0).Dispose();
        });
        Assert.Contains("picture", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_batch_that_nobody_asked_for_fails_nobody()
    {
        using BrokenSource source = new() { Good = [.. Batches.Indices(0, "order", 0, 2, 20), .. Batches.Indices(0, "order", 5, 2, 20)] };
        using BatchPrefetcher batches = new(source, 0, "order", 2);
        batches.Get(0).Dispose();
        batches.Get(5).Dispose(); // instead of the first, which was begun and failed
    }

    [Fact]
    public void A_step_that_fails_is_told_although_its_state_and_its_pictures_cannot_be()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(Path.Combine(folder.Path, "failed"), "a file where the folder would be");
        using TorchSharp.Modules.Linear module = nn.Linear(2, 1);
        StepException e = Assert.Throws<StepException>(() => new TrainingLoop(Config, 1e-2, new TrainingRun(folder.Path, "toy"))
            .Run(module, _ => throw new InvalidDataException("no picture"), _ => throw new IOException("no names")));
        Assert.StartsWith("no picture (the toy step 0", e.Message, StringComparison.Ordinal);
        Assert.Contains("could not be saved", e.Message, StringComparison.Ordinal);
        Assert.Contains("no names", e.Message, StringComparison.Ordinal);
        Assert.IsType<InvalidDataException>(e.InnerException);
        Assert.Null(e.StateFile);
    }

    [Fact]
    public void A_diverged_step_is_told_although_its_state_cannot_be_saved()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(Path.Combine(folder.Path, "failed"), "a file where the folder would be");
        using TorchSharp.Modules.Linear module = nn.Linear(2, 1);
        DivergedException e = Assert.Throws<DivergedException>(() => new TrainingLoop(Config, 1e-2, new TrainingRun(folder.Path, "toy")).Run(module, _ =>
        {
            Tensor loss = module.forward(full([1, 2], float.NaN)).sum();
            return new StepOutcome(loss, [], ["picture"]);
        }));
        Assert.Contains("is not finite at step 0", e.Message, StringComparison.Ordinal);
        Assert.Contains("could not be saved", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Float16_is_refused_with_a_sentence()
    {
        using TemporaryFolder folder = new();
        using TorchSharp.Modules.Linear module = nn.Linear(2, 1);
        TrainingLoop loop = new(Config with { Precision = Precision.Float16 }, 1e-2, new TrainingRun(folder.Path, "toy"));
        Assert.Contains("bfloat16 or float32", Assert.Throws<NotSupportedException>(() => loop.Run(module, _ => throw new InvalidOperationException())).Message, StringComparison.Ordinal);
    }

    private sealed class BrokenSource : IImageSource
    {
        public HashSet<int> Good { get; init; } = [];

        public string Name => "broken";

        public int Count => 20;

        public IReadOnlyList<UnreadablePicture> Unreadable => [];

        public string Caption(int index) => "a picture";

        public string Id(int index) => $"{index}";

        public CaptionedImage Load(int index) => Good.Contains(index)
            ? new CaptionedImage(zeros(3, 4, 4), "a picture", $"{index}")
            : throw new InvalidDataException($"picture {index} is torn");

        public void Dispose()
        {
        }
    }
}
