using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Training;

public sealed class TrainingLoopTests
{
    private static readonly TrainerConfig Config = new() { Images = 800, BatchSize = 8, Warmup = 40, LogEvery = 40, CheckpointEvery = 80, Ema = 0.9 };

    [Fact]
    public void A_loss_that_is_not_finite_stops_with_step_batch_and_the_state_before_it()
    {
        using TemporaryFolder folder = new();
        using TorchSharp.Modules.Linear module = nn.Linear(2, 1);
        DivergedException e = Assert.Throws<DivergedException>(() => new TrainingLoop(Config, 1e-2, new TrainingRun(folder.Path, "toy"))
            .Run(module, step => Outcome(module, step, step == 5 ? float.NaN : 1)));
        Assert.Equal(5, e.Step);
        Assert.Equal(["picture 5"], e.BatchIds);
        Assert.Contains("step 5", e.Message, StringComparison.Ordinal);
        using SafetensorsFile state = SafetensorsFile.Open(e.StateFile);
        Assert.Equal("40", state.Metadata["images"]);
        using Tensor saved = state.Read("weight.weight");
        Assert.True(saved.isfinite().all().item<bool>());
    }

    [Fact]
    public void Stopped_and_resumed_it_ends_with_the_same_weights_and_metrics()
    {
        using TemporaryFolder straight = new(), broken = new();
        float[] expected = Train(straight.Path, null);
        Assert.Throws<OperationCanceledException>(() => Train(broken.Path, 37));
        Assert.Throws<OperationCanceledException>(() => Train(broken.Path, 71));
        Assert.Equal(expected, Train(broken.Path, null));
        Assert.Equal(Metrics(straight.Path), Metrics(broken.Path));
    }

    [Fact]
    public void A_torn_last_line_of_the_metrics_is_written_anew()
    {
        using TemporaryFolder straight = new(), torn = new();
        Train(straight.Path, null);
        Assert.Throws<OperationCanceledException>(() => Train(torn.Path, 50));
        string log = Path.Combine(torn.Path, "metrics.jsonl");
        File.WriteAllText(log, File.ReadAllText(log)[..^9]);
        Train(torn.Path, null);
        Assert.Equal(Metrics(straight.Path), Metrics(torn.Path));
    }

    [Fact]
    public void A_damaged_checkpoint_is_named()
    {
        using TemporaryFolder folder = new();
        Assert.Throws<OperationCanceledException>(() => Train(folder.Path, 50));
        string state = Path.Combine(folder.Path, "checkpoint", "state.safetensors");
        File.WriteAllBytes(state, File.ReadAllBytes(state)[..^20]);
        Assert.Contains(state, Assert.Throws<InvalidDataException>(() => Train(folder.Path, null)).Message, StringComparison.Ordinal);
    }

    private static float[] Train(string folder, int? stopAt)
    {
        using TorchSharp.Modules.Linear module = nn.Linear(2, 1);
        using (no_grad())
        {
            foreach (Tensor parameter in module.parameters())
            {
                parameter.fill_(0.1f);
            }
        }
        using CancellationTokenSource stop = new();
        new TrainingLoop(Config, 1e-2, new TrainingRun(folder, "toy", null, stop.Token)).Run(module, step =>
        {
            if (step == stopAt)
            {
                stop.Cancel();
            }
            return Outcome(module, step, 1);
        });
        return [.. module.parameters().SelectMany(p => p.data<float>().ToArray())];
    }

    private static StepOutcome Outcome(TorchSharp.Modules.Linear module, long step, float factor)
    {
        using NoiseSource noise = new DrawnNoise(0, "toy", step);
        Tensor x = noise.Normal(8, 2);
        Tensor loss = (module.forward(x) - x.sum(1, keepdim: true)).square().mean() * factor;
        return new StepOutcome(loss, [StepMetric.Mean("toy.loss", loss)], [$"picture {step}"]);
    }

    private static string[] Metrics(string folder) =>
        [.. File.ReadLines(Path.Combine(folder, "metrics.jsonl")).Select(l => l[..l.IndexOf("\"seconds\"", StringComparison.Ordinal)])];
}
