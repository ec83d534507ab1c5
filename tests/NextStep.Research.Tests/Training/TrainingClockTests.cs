using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Training;

/// <summary>A training's clock and the weights kept on the way, killed and resumed. The times themselves are nobody's promise.</summary>
public sealed class TrainingClockTests
{
    private static readonly TrainerConfig Config = new() { Images = 240, BatchSize = 8, Warmup = 0, LogEvery = 40, CheckpointEvery = 80, Ema = 0.9 };

    [Fact]
    public void A_resumed_clock_counts_what_led_to_the_state_and_nothing_that_is_done_again()
    {
        using TemporaryFolder folder = new();
        Assert.Throws<OperationCanceledException>(() => Train(folder.Path, stopAt: 21));
        Assert.Equal([40, 80, 120, 160, 168, 176], TrainingClock.Read(folder.Path).Keys.Append(168).Order());
        Write(folder.Path, """{"seconds":{"40":100,"176":1000,"200":90000}}""");
        Train(folder.Path, null);
        SortedDictionary<long, double> seconds = TrainingClock.Read(folder.Path);
        Assert.Equal([40, 176, 200, 240], seconds.Keys);
        Assert.InRange(seconds[240], 1000, 2000);
        Assert.True(seconds[200] <= seconds[240]);
    }

    [Fact]
    public void Anew_it_starts_at_zero()
    {
        using TemporaryFolder folder = new();
        Write(folder.Path, """{"seconds":{"40":5000}}""");
        Train(folder.Path, null);
        Assert.InRange(TrainingClock.Read(folder.Path)[240], 0, 4000);
    }

    [Theory]
    [InlineData(20, 50)]
    [InlineData(40, 100)]
    [InlineData(60, 150)]
    [InlineData(90, 200)]
    public void Between_notes_time_is_a_straight_line(double images, double expected) =>
        Assert.Equal(expected, TrainingClock.At(new SortedDictionary<long, double> { [40] = 100, [80] = 200 }, images), 9);

    [Fact]
    public void Damage_and_absence_are_named()
    {
        using TemporaryFolder folder = new();
        Assert.Contains("clock.json is missing or damaged", Assert.Throws<InvalidDataException>(() => TrainingClock.Read(folder.Path)).Message, StringComparison.Ordinal);
        Write(folder.Path, "{\"seconds\"");
        Assert.Contains("clock.json is missing or damaged", Assert.Throws<InvalidDataException>(() => TrainingClock.Read(folder.Path)).Message, StringComparison.Ordinal);
        Write(folder.Path, "{}");
        Assert.Contains("clock.json holds no seconds", Assert.Throws<InvalidDataException>(() => TrainingClock.Read(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Snapshots_are_the_average_after_so_many_images_to_the_bit_also_when_killed()
    {
        using TemporaryFolder straight = new(), broken = new();
        float[] end = Train(straight.Path, null, 1, 100, 240);
        Assert.Throws<OperationCanceledException>(() => Train(broken.Path, 5, 1, 100, 240));
        Assert.Throws<OperationCanceledException>(() => Train(broken.Path, 14, 1, 100, 240));
        Train(broken.Path, null, 1, 100, 240);
        Assert.Equal([8, 104, 240], WeightSnapshots.Of(straight.Path).Select(s => s.Images));
        Assert.Equal(WeightSnapshots.Of(straight.Path).Select(s => Convert.ToHexString(File.ReadAllBytes(s.File))), WeightSnapshots.Of(broken.Path).Select(s => Convert.ToHexString(File.ReadAllBytes(s.File))));
        using TorchSharp.Modules.Linear module = nn.Linear(2, 1);
        WeightSnapshots.Load(WeightSnapshots.Of(straight.Path)[^1].File, module);
        Assert.Equal(end, Values(module));
        WeightSnapshots.Load(WeightSnapshots.Of(straight.Path)[1].File, module);
        Assert.NotEqual(end, Values(module));
    }

    private static void Write(string folder, string text) => File.WriteAllText(Path.Combine(folder, "clock.json"), text);

    private static float[] Train(string folder, int? stopAt, params long[] snapshots)
    {
        using TorchSharp.Modules.Linear module = nn.Linear(2, 1);
        using (no_grad())
        {
            foreach (Tensor parameter in module.parameters())
            {
                parameter.zero_();
            }
        }
        using CancellationTokenSource stop = new();
        new TrainingLoop(Config, 1e-2, new TrainingRun(folder, "toy", null, stop.Token) { Snapshots = snapshots }).Run(module, step =>
        {
            if (step == stopAt)
            {
                stop.Cancel();
            }
            using NoiseSource noise = new DrawnNoise(0, "toy", step);
            Tensor x = noise.Normal(8, 2);
            Tensor loss = (module.forward(x) - x.sum(1, keepdim: true)).square().mean();
            return new StepOutcome(loss, [StepMetric.Mean("toy.loss", loss)], [$"picture {step}"]);
        });
        return Values(module);
    }

    private static float[] Values(TorchSharp.Modules.Linear module) => [.. module.parameters().SelectMany(p => p.data<float>().ToArray())];
}
