using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>A number that a step reports: the mean of <paramref name="Sum"/>/<paramref name="Count"/> over the steps between two log lines.</summary>
public sealed record StepMetric(string Name, Tensor Sum, Tensor Count)
{
    /// <summary>A plain mean over steps.</summary>
    public static StepMetric Mean(string name, Tensor value) => new(name, value.detach(), ones(1, device: value.device).squeeze());
}

/// <summary>What one step computes: the loss to differentiate, what to report, and which pictures it saw.</summary>
internal sealed record StepOutcome(Tensor Loss, IReadOnlyList<StepMetric> Metrics, IReadOnlyList<string> BatchIds);

/// <summary>A training step failed. The state before it is saved.</summary>
public class StepException(string message, long step, IReadOnlyList<string> batchIds, string? stateFile, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The step that went wrong, counted from 0.</summary>
    public long Step { get; } = step;

    /// <summary>Its pictures.</summary>
    public IReadOnlyList<string> BatchIds { get; } = batchIds;

    /// <summary>Weights, buffers, optimizer and average before the step; null where they could not be saved, which the message then says.</summary>
    public string? StateFile { get; } = stateFile;
}

/// <summary>A loss or gradient was not finite.</summary>
public sealed class DivergedException(string message, long step, IReadOnlyList<string> batchIds, string? stateFile) : StepException(message, step, batchIds, stateFile);

/// <summary>Where a loop writes and whom it tells.</summary>
/// <param name="Directory">Holds <c>checkpoint/</c> (the newest two states) and <c>metrics.jsonl</c>.</param>
/// <param name="Stage">Name in the metrics.</param>
/// <param name="Progress">Called with images seen and the newest numbers.</param>
/// <param name="Cancellation">Stops between two steps, with a checkpoint.</param>
public sealed record TrainingRun(
    string Directory, string Stage, Action<long, IReadOnlyDictionary<string, double>>? Progress = null, CancellationToken Cancellation = default)
{
    /// <summary>Told in a sentence what a person should know, for instance that a checkpoint was damaged.</summary>
    public Action<string>? Note { get; init; }

    /// <summary>Keeps the state after the last step too, where a longer training would have a log line, so that one can go on from it.</summary>
    public bool KeepEnd { get; init; }

    /// <summary>Images after which the averaged weights are kept, see <see cref="WeightSnapshots"/>.</summary>
    public IReadOnlyList<long> Snapshots { get; init; } = [];

    /// <summary>Of a model's training: <see cref="LatentNormalizer.Project"/> of its autoencoder, for the tokens that scheduled sampling draws; null = they stay as drawn.</summary>
    public Func<Tensor, Tensor>? Project { get; init; }

    /// <summary>Called where a log line ends, with images seen and what is trained: its newest weights, not their average, in evaluation mode.</summary>
    public Action<long, nn.Module>? Inspect { get; init; }
}

/// <summary>
/// The loop both trainers share. Progress is images seen; everything random is a function of the step, so a killed run that is
/// started again ends with the same bits. A checkpoint also holds the metrics since the last log line, so the log resumes exactly too.
/// </summary>
internal sealed class TrainingLoop(TrainerConfig config, double learningRate, TrainingRun run)
{
    private static readonly IReadOnlyDictionary<string, double> Nothing = new Dictionary<string, double>();

    /// <summary>Trains <paramref name="module"/> and leaves it with its averaged weights.</summary>
    /// <param name="module">On its device, initialised.</param>
    /// <param name="step">Computes one step by its number.</param>
    /// <param name="batchIds">The pictures of a step, to be named when it fails before it has told them itself.</param>
    /// <exception cref="StepException">A step failed; <see cref="DivergedException"/>: its loss or gradient is not finite.</exception>
    /// <exception cref="NotSupportedException">The configured precision is float16.</exception>
    public void Run(nn.Module module, Func<long, StepOutcome> step, Func<long, IReadOnlyList<string>>? batchIds = null)
    {
        if (config.Precision == Precision.Float16)
        {
            throw new NotSupportedException("Training in float16 would need its loss scaled, which this kit does not do: small gradients become 0. Set the trainer's precision to bfloat16 or float32.");
        }
        using FusedOptimizer optimizer = new(module, config.WeightDecay, config.Ema, config.Optimizer);
        TrainingCheckpoints checkpoints = new(Path.Combine(run.Directory, "checkpoint"), run.Note);
        TrainingProgress restored = checkpoints.Restore(optimizer);
        long images = restored.Images, lastLog = restored.LastLog, lastCheckpoint = images;
        long total = (config.Images + config.BatchSize - 1) / config.BatchSize * config.BatchSize;
        using MetricsLog log = new(Path.Combine(run.Directory, "metrics.jsonl"), run.Stage, images, restored.LastLine);
        TrainingClock clock = TrainingClock.GoOn(run.Directory, images);
        Dictionary<string, double> sums = new(restored.Sums), counts = new(restored.Counts);
        using PendingMetrics pending = new(sums, counts);
        IReadOnlyDictionary<string, double> newest = Nothing;
        module.train();
        bool regular = false; // whether a longer training writes its line there as well
        while (images < total)
        {
            bool stop = run.Cancellation.IsCancellationRequested;
            if (images > lastCheckpoint && (stop || (images == lastLog && images - lastCheckpoint >= config.CheckpointEvery)))
            {
                pending.Settle();
                clock.Mark(images);
                log.Flush(); // a checkpoint never survives the lines before it
                checkpoints.Save(optimizer, new TrainingProgress(images, log.LastLine, lastLog, sums, counts));
                lastCheckpoint = images;
            }
            if (stop)
            {
                throw new OperationCanceledException(run.Cancellation);
            }
            using DisposeScope scope = NewDisposeScope();
            double rate = RateAt(images, total);
            (StepOutcome outcome, double norm) = Step(optimizer, step, batchIds, images, rate);
            images += config.BatchSize;
            WeightSnapshots.Write(run.Directory, run.Snapshots, images - config.BatchSize, images, optimizer);
            pending.Add(outcome.Metrics, norm);
            if (images - lastLog >= config.LogEvery || images >= total)
            {
                regular = images - lastLog >= config.LogEvery;
                pending.Settle();
                newest = sums.ToDictionary(p => p.Key, p => p.Value / counts[p.Key]);
                log.Write(images, new Dictionary<string, double>(newest) { ["learningRate"] = rate });
                sums.Clear();
                counts.Clear();
                lastLog = images;
                clock.Mark(images);
                if (run.Inspect is { } inspect)
                {
                    module.eval();
                    inspect(images, module);
                    module.train();
                }
            }
            run.Progress?.Invoke(images, newest);
        }
        log.Flush();
        if (run.KeepEnd && regular && images > lastCheckpoint)
        {
            checkpoints.Save(optimizer, new TrainingProgress(images, log.LastLine, lastLog, sums, counts));
        }
        optimizer.ZeroGradients();
        if (config.Ema > 0)
        {
            optimizer.ApplyAverage();
        }
        module.eval();
    }

    private (StepOutcome Outcome, double Norm) Step(
        FusedOptimizer optimizer, Func<long, StepOutcome> step, Func<long, IReadOnlyList<string>>? batchIds, long images, double rate)
    {
        long number = images / config.BatchSize;
        StepOutcome outcome;
        double norm;
        try
        {
            optimizer.ZeroGradients();
            optimizer.KeepBuffers();
            outcome = step(number);
            outcome.Loss.backward();
            norm = optimizer.Step(rate, config.Clip, outcome.Loss); // the one number that a step waits for
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            (string? file, string unsaved) = SaveFailed(optimizer, images);
            (IReadOnlyList<string> names, string unnamed) = Names(batchIds, number);
            throw new StepException($"{e.Message} (the {run.Stage} step {number}, images seen: {images}{unnamed}{unsaved})", number, names, file, e);
        }
        if (double.IsFinite(norm))
        {
            return (outcome, norm);
        }
        (string? state, string lost) = SaveFailed(optimizer, images);
        string what = double.IsFinite(outcome.Loss.item<float>()) ? "gradient" : "loss";
        IReadOnlyList<string> ids = outcome.BatchIds;
        throw new DivergedException(
            $"The {run.Stage} {what} is not finite at step {number} (images seen: {images}). Batch: {string.Join(", ", ids.Take(8))}{(ids.Count > 8 ? ", …" : "")}. State before the step: {state ?? "none"}{lost}",
            number, ids, state);
    }

    // Not among the checkpoints: the next attempt starts from the last of those. What fails here is told beside the failure of the step, never instead.
    private (string? File, string Unsaved) SaveFailed(FusedOptimizer optimizer, long images)
    {
        string file = Path.Combine(run.Directory, "failed", "state.safetensors");
        try
        {
            optimizer.RestoreBuffers();
            TrainingCheckpoints.Write(file, optimizer, TrainingProgress.Start with { Images = images, LastLog = images });
            return (file, "");
        }
        catch (Exception e)
        {
            return (null, $"; the state before it could not be saved: {e.Message}");
        }
    }

    private static (IReadOnlyList<string> Names, string Unnamed) Names(Func<long, IReadOnlyList<string>>? batchIds, long number)
    {
        try
        {
            return (batchIds?.Invoke(number) ?? [], "");
        }
        catch (Exception e)
        {
            return ([], $"; its pictures could not be named: {e.Message}");
        }
    }

    /// <summary>Images seen by the newest checkpoint below <paramref name="directory"/>; null when there is none.</summary>
    public static long? ImagesSaved(string directory) => new TrainingCheckpoints(Path.Combine(directory, "checkpoint")).NewestImages;

    /// <summary>Makes a run in <paramref name="directory"/> start from a state file, for instance <see cref="StepException.StateFile"/>.</summary>
    /// <exception cref="InvalidDataException">It is no such file.</exception>
    public static void StartFrom(string stateFile, string directory) => new TrainingCheckpoints(Path.Combine(directory, "checkpoint")).Adopt(stateFile);

    /// <summary>
    /// Makes a run in <paramref name="directory"/> that has no checkpoint of its own start from the newest of an earlier, shorter one:
    /// with a constant rate every step of that one is a step of this one.
    /// </summary>
    public static void GoOnFrom(string earlier, string directory)
    {
        string log = Path.Combine(directory, "metrics.jsonl"), before = Path.Combine(earlier, "metrics.jsonl");
        TrainingCheckpoints own = new(Path.Combine(directory, "checkpoint"));
        if (own.NewestImages is null && File.Exists(before) && new TrainingCheckpoints(Path.Combine(earlier, "checkpoint")).NewestWhole() is { } state)
        {
            File.Copy(before, log, overwrite: true); // lines behind the checkpoint are dropped when it is opened
            TrainingClock.Adopt(earlier, directory);
            WeightSnapshots.Adopt(earlier, directory);
            own.Adopt(state);
        }
    }

    /// <summary>The learning rate before a step: linear warm-up, then the schedule.</summary>
    public double RateAt(long images, long total)
    {
        if (images < config.Warmup)
        {
            return learningRate * (images + config.BatchSize) / (config.Warmup + config.BatchSize);
        }
        if (config.Schedule == LearningRateSchedule.Constant)
        {
            return learningRate;
        }
        double share = (double)(images - config.Warmup) / Math.Max(1, total - config.Warmup);
        return learningRate * 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, share)));
    }
}
