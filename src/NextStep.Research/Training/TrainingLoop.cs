using System.Globalization;
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
public sealed record StepOutcome(Tensor Loss, IReadOnlyList<StepMetric> Metrics, IReadOnlyList<string> BatchIds);

/// <summary>A loss or gradient was not finite. The state before the step is saved.</summary>
public sealed class DivergedException(string message, long step, IReadOnlyList<string> batchIds, string stateFile) : Exception(message)
{
    /// <summary>The step that went wrong, counted from 0.</summary>
    public long Step { get; } = step;

    /// <summary>Its pictures.</summary>
    public IReadOnlyList<string> BatchIds { get; } = batchIds;

    /// <summary>Weights, optimizer and average before the step.</summary>
    public string StateFile { get; } = stateFile;
}

/// <summary>Where a loop writes and whom it tells.</summary>
/// <param name="Directory">Holds <c>checkpoint/state.safetensors</c> and <c>metrics.jsonl</c>.</param>
/// <param name="Stage">Name in the metrics.</param>
/// <param name="Progress">Called with images seen and the newest numbers.</param>
/// <param name="Cancellation">Stops between two steps; the last checkpoint stays.</param>
public sealed record TrainingRun(
    string Directory, string Stage, Action<long, IReadOnlyDictionary<string, double>>? Progress = null, CancellationToken Cancellation = default)
{
    /// <summary>Called where a log line ends, with images seen and what is trained: its newest weights, not their average, in evaluation mode.</summary>
    public Action<long, nn.Module>? Inspect { get; init; }
}

/// <summary>
/// The loop both trainers share. Progress is images seen; everything random is a function of the step, so a killed run that is
/// started again ends with the same bits. Checkpoints are taken only where a log line ends, so the log resumes exactly too.
/// </summary>
public sealed class TrainingLoop(TrainerConfig config, double learningRate, TrainingRun run)
{
    private const string LastLineKey = "lastMetricsLine";

    private static readonly IReadOnlyDictionary<string, double> Nothing = new Dictionary<string, double>();

    /// <summary>Trains <paramref name="module"/> and leaves it with its averaged weights.</summary>
    /// <param name="module">On its device, initialised.</param>
    /// <param name="step">Computes one step by its number.</param>
    public void Run(nn.Module module, Func<long, StepOutcome> step)
    {
        string state = Path.Combine(run.Directory, "checkpoint", "state.safetensors");
        using FusedOptimizer optimizer = new(module, config.WeightDecay, config.Ema);
        (long images, string? lastLine) = Restore(state, optimizer);
        long total = (config.Images + config.BatchSize - 1) / config.BatchSize * config.BatchSize;
        long lastLog = images, lastCheckpoint = images;
        using MetricsLog log = new(Path.Combine(run.Directory, "metrics.jsonl"), run.Stage, images, lastLine);
        Dictionary<string, double> sums = [], counts = [];
        IReadOnlyDictionary<string, double> newest = Nothing;
        module.train();
        while (images < total)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            optimizer.ZeroGradients();
            double rate = RateAt(images, total);
            StepOutcome outcome = step(images / config.BatchSize);
            double loss = outcome.Loss.item<float>();
            double norm = double.NaN;
            if (double.IsFinite(loss))
            {
                outcome.Loss.backward();
                norm = optimizer.Step(rate, config.Clip);
            }
            if (!double.IsFinite(norm))
            {
                Diverge(optimizer, images, loss, outcome.BatchIds);
            }
            images += config.BatchSize;
            Accumulate(outcome.Metrics, norm, sums, counts);
            if (images - lastLog >= config.LogEvery || images >= total)
            {
                newest = sums.ToDictionary(p => p.Key, p => p.Value / counts[p.Key]);
                log.Write(images, new Dictionary<string, double>(newest) { ["learningRate"] = rate });
                sums.Clear();
                counts.Clear();
                lastLog = images;
                if (run.Inspect is { } inspect)
                {
                    module.eval();
                    inspect(images, module);
                    module.train();
                }
                if (images - lastCheckpoint >= config.CheckpointEvery && images < total)
                {
                    Save(state, optimizer, images, log.LastLine);
                    lastCheckpoint = images;
                }
            }
            run.Progress?.Invoke(images, newest);
        }
        optimizer.ZeroGradients();
        if (config.Ema > 0)
        {
            optimizer.ApplyAverage();
        }
        module.eval();
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

    private static void Accumulate(IReadOnlyList<StepMetric> metrics, double norm, Dictionary<string, double> sums, Dictionary<string, double> counts)
    {
        using DisposeScope scope = NewDisposeScope();
        float[] values = [.. stack([.. metrics.SelectMany(m => new[] { m.Sum.to_type(ScalarType.Float32).reshape([]), m.Count.to_type(ScalarType.Float32).reshape([]) })]).cpu().data<float>()];
        for (int i = 0; i < metrics.Count; i++)
        {
            Add(metrics[i].Name, values[2 * i], values[(2 * i) + 1]);
        }
        Add("gradientNorm", norm, 1);

        void Add(string name, double sum, double count)
        {
            if (count > 0)
            {
                sums[name] = sums.GetValueOrDefault(name) + sum;
                counts[name] = counts.GetValueOrDefault(name) + count;
            }
        }
    }

    private void Diverge(FusedOptimizer optimizer, long images, double loss, IReadOnlyList<string> ids)
    {
        string file = Path.Combine(run.Directory, "checkpoint", "diverged.safetensors");
        Save(file, optimizer, images, null);
        long step = images / config.BatchSize;
        string what = double.IsFinite(loss) ? "gradient" : "loss";
        throw new DivergedException(
            $"The {run.Stage} {what} is not finite at step {step} (images seen: {images}). Batch: {string.Join(", ", ids.Take(8))}{(ids.Count > 8 ? ", …" : "")}. State before the step: {file}",
            step, ids, file);
    }

    private static void Save(string file, FusedOptimizer optimizer, long images, string? lastLine)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        Dictionary<string, string> metadata = new()
        {
            ["images"] = images.ToString(CultureInfo.InvariantCulture),
            ["steps"] = optimizer.Steps.ToString(CultureInfo.InvariantCulture),
        };
        if (lastLine is not null)
        {
            metadata[LastLineKey] = lastLine;
        }
        SafetensorsFile.Write(file, optimizer.State(), metadata);
    }

    private static (long Images, string? LastLine) Restore(string file, FusedOptimizer optimizer)
    {
        if (!File.Exists(file))
        {
            return (0, null);
        }
        using SafetensorsFile saved = SafetensorsFile.Open(file);
        if (!long.TryParse(saved.Metadata.GetValueOrDefault("images"), CultureInfo.InvariantCulture, out long images)
            || !long.TryParse(saved.Metadata.GetValueOrDefault("steps"), CultureInfo.InvariantCulture, out long steps))
        {
            throw new InvalidDataException($"{file} does not say how many images were seen; delete it to start this stage anew.");
        }
        optimizer.Restore(name => saved.Entries.ContainsKey(name) ? saved.Read(name) : throw new InvalidDataException($"{file} lacks the tensor {name}; delete it to start this stage anew."), steps);
        return (images, saved.Metadata.GetValueOrDefault(LastLineKey));
    }
}
