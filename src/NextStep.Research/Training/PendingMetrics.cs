using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research;

/// <summary>
/// Numbers of steps that nobody has read yet. They stay where they were computed until a log line or a checkpoint needs them, so that
/// a step does not wait for the device; the sums are the same bits as if each step had been read at once.
/// </summary>
internal sealed class PendingMetrics(Dictionary<string, double> sums, Dictionary<string, double> counts) : IDisposable
{
    private const int Most = 256;

    private readonly List<(string[] Names, Tensor Values, double Norm)> _steps = [];

    /// <summary>Keeps what one step reports.</summary>
    public void Add(IReadOnlyList<StepMetric> metrics, double norm)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor values = stack([.. metrics.SelectMany(m => new[] { m.Sum.to_type(ScalarType.Float32).reshape([]), m.Count.to_type(ScalarType.Float32).reshape([]) })]);
        _steps.Add(([.. metrics.Select(m => m.Name)], values.DetachFromDisposeScope(), norm));
        if (_steps.Count >= Most)
        {
            Settle();
        }
    }

    /// <summary>Adds everything kept, step by step, to the sums and counts, and forgets it.</summary>
    public void Settle()
    {
        foreach ((string[] names, Tensor values, double norm) in _steps)
        {
            using Tensor local = values.cpu();
            float[] numbers = [.. local.data<float>()];
            for (int i = 0; i < names.Length; i++)
            {
                Sum(names[i], numbers[2 * i], numbers[(2 * i) + 1]);
            }
            Sum("gradientNorm", norm, 1);
        }
        Dispose();

        void Sum(string name, double sum, double count)
        {
            if (count > 0)
            {
                sums[name] = sums.GetValueOrDefault(name) + sum;
                counts[name] = counts.GetValueOrDefault(name) + count;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _steps.ForEach(s => s.Values.Dispose());
        _steps.Clear();
    }
}
