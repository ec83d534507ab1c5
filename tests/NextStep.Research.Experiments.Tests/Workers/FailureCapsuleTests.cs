using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Experiments.Tests.Workers;

public sealed class FailureCapsuleTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private bool _sick = true;
    private int _steps;

    public void Dispose() => _folder.Dispose();

    // A training of two weights that diverges at step 5, or not any more.
    private StageDefinition[] Stages => [new("model", 1, ["seed"], [], true, context =>
    {
        using TorchSharp.Modules.Linear module = nn.Linear(2, 1);
        TrainerConfig trainer = new() { Images = 80, BatchSize = 8, Warmup = 8, LogEvery = 8, CheckpointEvery = 16 };
        new TrainingLoop(trainer, 1e-2, new TrainingRun(context.Directory, "model", (images, numbers) => context.Progress(new StageProgress(images, 80, "images", numbers)), context.Cancellation))
            .Run(module, step =>
            {
                _steps++;
                Tensor loss = module.forward(ones(8, 2)).square().mean() * (_sick && step == 5 ? float.NaN : 1);
                return new StepOutcome(loss, [StepMetric.Mean("loss", loss)], [$"picture {step}"]);
            });
    })];

    [Fact]
    public void A_step_that_diverged_can_be_run_again_from_the_state_before_it()
    {
        Experiment experiment = ExperimentFile.Load(_folder.Write("e.yaml", "seed: 0"));
        RunFolder run = new(_folder.File("run"));
        Plan plan = Sweep.Prepare(run, Plan.Make(experiment, Stages), false);
        CellFailure failure = Assert.Single(new SweepRunner(run, plan, experiment, Stages, new SweepOptions()).Run(TestContext.Current.CancellationToken).Failed);
        Assert.Equal(("DivergedException", 5L), (failure.Type, failure.StepNumber));
        Assert.Equal(["picture 5"], failure.BatchIds);
        Assert.Equal(5, failure.Log.Count);
        Assert.Equal(["config.yaml", "failure.json", "state.safetensors"], Directory.GetFiles(Path.Combine(run.Path, failure.Capsule)).Select(Path.GetFileName).Order());

        _steps = 0;
        (CellFailure packed, Exception? again) = FailureCapsule.Replay(run, plan.Cells[0], Stages, TestContext.Current.CancellationToken);
        Assert.Equal(5, packed.StepNumber);
        Assert.Equal(5, Assert.IsType<DivergedException>(again).Step);
        Assert.Equal(1, _steps); // from the state, not from the start

        _sick = false;
        Assert.Null(FailureCapsule.Replay(run, plan.Cells[0], Stages, TestContext.Current.CancellationToken).Again);
        Assert.Equal(2, _steps); // and no further than the step
    }

    [Fact]
    public void A_cell_without_a_failure_has_nothing_to_replay()
    {
        StubSweep sweep = new(_folder, "run", "seed: 0");
        Assert.Contains("no failure to replay", Assert.Throws<InvalidDataException>(
            () => FailureCapsule.Replay(sweep.Folder, sweep.Plan.Cells[0], StubStages.All, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }
}
