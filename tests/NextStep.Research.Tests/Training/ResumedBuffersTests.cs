using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NextStep.Research.Tests.Training;

public sealed class ResumedBuffersTests
{
    private static readonly TrainerConfig Config = new() { Images = 160, BatchSize = 8, Warmup = 0, LogEvery = 8, CheckpointEvery = 16, Ema = 0 };

    [Fact]
    public void Buffers_of_a_resumed_training_are_those_of_an_undisturbed_one()
    {
        using TemporaryFolder straight = new(), broken = new();
        float[] expected = Train(straight.Path, null);
        Assert.Throws<OperationCanceledException>(() => Train(broken.Path, 7));
        Assert.Equal(expected, Train(broken.Path, null));
    }

    [Fact]
    public void The_state_before_a_failed_step_has_the_buffers_from_before_it()
    {
        using TemporaryFolder folder = new();
        using Sequential module = Module();
        BatchNorm1d norm = (BatchNorm1d)module[1];
        float[] before = [];
        StepException e = Assert.Throws<StepException>(() => new TrainingLoop(Config, 1e-2, new TrainingRun(folder.Path, "toy")).Run(module, step =>
        {
            before = norm.running_mean!.data<float>().ToArray();
            StepOutcome outcome = Outcome(module, step);
            return step == 3 ? throw new InvalidDataException("after the forward pass") : outcome;
        }));
        using SafetensorsFile state = SafetensorsFile.Open(e.StateFile!);
        using Tensor saved = state.Read("buffer.1.running_mean");
        Assert.Equal(before, saved.data<float>().ToArray());
    }

    private static Sequential Module()
    {
        Sequential module = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1));
        TinyModels.Randomize(module, 5);
        return module;
    }

    // Weights, running means and variances, and the number of batches.
    private static float[] Train(string folder, int? stopAt)
    {
        using Sequential module = Module();
        using CancellationTokenSource stop = new();
        new TrainingLoop(Config, 1e-2, new TrainingRun(folder, "toy", null, stop.Token)).Run(module, step =>
        {
            if (step == stopAt)
            {
                stop.Cancel();
            }
            return Outcome(module, step);
        });
        using DisposeScope scope = NewDisposeScope();
        return [.. module.state_dict().Values.SelectMany(t => t.to_type(ScalarType.Float32).reshape(-1).data<float>().ToArray())];
    }

    private static StepOutcome Outcome(Sequential module, long step)
    {
        using NoiseSource noise = new DrawnNoise(0, "toy", step);
        Tensor x = noise.Normal(8, 2);
        Tensor loss = module.forward(x).sub(x.sum(1, keepdim: true)).square().mean();
        return new StepOutcome(loss, [StepMetric.Mean("toy.loss", loss)], [$"picture {step}"]);
    }
}
