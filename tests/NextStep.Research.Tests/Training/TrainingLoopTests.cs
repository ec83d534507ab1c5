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
        using SafetensorsFile state = SafetensorsFile.Open(e.StateFile!);
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

    [Theory]
    [InlineData("truncate")]
    [InlineData("flip a bit")]
    [InlineData("no checksum")]
    [InlineData("all damaged")]
    public void After_a_damaged_checkpoint_the_one_before_it_gives_the_same_bits(string damage)
    {
        using TemporaryFolder straight = new(), broken = new();
        float[] expected = Train(straight.Path, null);
        Assert.Throws<OperationCanceledException>(() => Train(broken.Path, 50));
        string[] states = [.. Directory.GetFiles(Path.Combine(broken.Path, "checkpoint"), "*.safetensors").Order()];
        Assert.Equal(2, states.Length);
        byte[] bytes = File.ReadAllBytes(states[1]);
        switch (damage)
        {
            case "truncate":
                File.WriteAllBytes(states[1], bytes[..^20]);
                break;
            case "flip a bit":
                bytes[^3] ^= 4;
                File.WriteAllBytes(states[1], bytes);
                break;
            case "no checksum":
                File.Delete(states[1] + ".sha256");
                break;
            default:
                Array.ForEach(states, s => File.WriteAllText(s, ""));
                break;
        }
        List<string> notes = [];
        Assert.Equal(expected, Train(broken.Path, null, notes));
        Assert.Equal(Metrics(straight.Path), Metrics(broken.Path));
        Assert.Equal(damage switch { "no checksum" => 0, "all damaged" => 2, _ => 1 }, notes.Count);
        Assert.All(notes, n => Assert.Contains(".safetensors is damaged", n, StringComparison.Ordinal));
    }

    [Fact]
    public void A_step_that_throws_leaves_the_state_before_it_and_names_its_pictures()
    {
        using TemporaryFolder folder = new();
        using TorchSharp.Modules.Linear module = nn.Linear(2, 1);
        StepException e = Assert.Throws<StepException>(() => new TrainingLoop(Config, 1e-2, new TrainingRun(folder.Path, "toy"))
            .Run(module, step => step == 3 ? throw new InvalidDataException("no picture") : Outcome(module, step, 1), step => [$"picture {step}"]));
        Assert.Equal(3, e.Step);
        Assert.Equal(["picture 3"], e.BatchIds);
        Assert.IsType<InvalidDataException>(e.InnerException);
        using TemporaryFolder replay = new();
        TrainingLoop.StartFrom(e.StateFile!, replay.Path);
        Assert.Equal(24, TrainingLoop.ImagesSaved(replay.Path));
        long? first = null;
        new TrainingLoop(Config, 1e-2, new TrainingRun(replay.Path, "toy")).Run(module, step =>
        {
            first ??= step;
            return Outcome(module, step, 1);
        });
        Assert.Equal(3, first);
    }

    private static float[] Train(string folder, int? stopAt, List<string>? notes = null)
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
        new TrainingLoop(Config, 1e-2, new TrainingRun(folder, "toy", null, stop.Token) { Note = n => notes?.Add(n) }).Run(module, step =>
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
