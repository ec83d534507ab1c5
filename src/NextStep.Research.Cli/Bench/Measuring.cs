using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace NextStep.Research.Cli;

/// <summary>Times by name: milliseconds of every round.</summary>
internal sealed class Timings
{
    private readonly Dictionary<string, List<double>> _milliseconds = [];

    /// <summary>Time of the processor instead of the wall: for a machine that others use, with <c>OMP_NUM_THREADS=1</c>.</summary>
    public static bool OfProcessor { get; set; }

    /// <summary>Now, on the clock in use, in milliseconds.</summary>
    public static double Now => OfProcessor ? Environment.CpuUsage.TotalTime.TotalMilliseconds : Stopwatch.GetTimestamp() * 1000.0 / Stopwatch.Frequency;

    /// <summary>Runs each work once unmeasured, then all of them in turn for some rounds, so that what else the machine does falls on all alike.</summary>
    public static Timings Of(int rounds, params (string Name, Action Work)[] works)
    {
        Timings timings = new();
        using IDisposable guard = no_grad();
        for (int round = -1; round < rounds; round++)
        {
            foreach ((string name, Action work) in works)
            {
                using DisposeScope scope = NewDisposeScope();
                double start = Now;
                work();
                if (round >= 0)
                {
                    timings.Add(name, Now - start);
                }
            }
        }
        return timings;
    }

    /// <summary>Median over the rounds.</summary>
    public double this[string name] => Median(_milliseconds[name]);

    /// <summary>Median of the ratios of <paramref name="slow"/> to <paramref name="fast"/>, each taken within one round.</summary>
    public double Ratio(string slow, string fast) => Median([.. _milliseconds[slow].Zip(_milliseconds[fast], (s, f) => s / f)]);

    private void Add(string name, double milliseconds)
    {
        if (!_milliseconds.TryGetValue(name, out List<double>? list))
        {
            _milliseconds[name] = list = [];
        }
        list.Add(milliseconds);
    }

    /// <summary>Of an even number the mean of both in the middle.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

/// <summary>What a plain read, copy and matrix product reach here, as works to be timed beside others.</summary>
internal sealed class MachineSpeed : IDisposable
{
    private const int Side = 1536;
    private const long Numbers = 64L << 20;

    private readonly Tensor _from;
    private readonly Tensor _to = empty(Numbers).DetachFromDisposeScope();
    private readonly Tensor _square = ones(Side, Side).DetachFromDisposeScope();
    private readonly Tensor _half = ones(Side, Side, dtype: ScalarType.BFloat16).DetachFromDisposeScope();

    /// <summary>What is read lies where a loaded model's weights do, on large pages.</summary>
    public MachineSpeed()
    {
        using WeightMemory memory = new(WeightMemory.Room([Numbers], ScalarType.Float32));
        _from = memory.Take([Numbers], ScalarType.Float32).fill_(Scalars.Of(1)).DetachFromDisposeScope();
    }

    /// <summary>Bytes that <see cref="Read"/> reads.</summary>
    public static double ReadBytes => 4.0 * Numbers;

    /// <summary>Floating-point operations of <see cref="Multiply"/>.</summary>
    public static double MultiplyOperations => 2.0 * Side * Side * Side;

    /// <summary>Sums 268 MB.</summary>
    public void Read() => _from.sum();

    /// <summary>Copies 268 MB: as many are read and written.</summary>
    public void Copy() => _to.copy_(_from);

    /// <summary>A square float32 product.</summary>
    public void Multiply() => _square.mm(_square);

    /// <summary>The same in bfloat16.</summary>
    public void MultiplyHalf() => _half.mm(_half);

    /// <inheritdoc/>
    public void Dispose()
    {
        _from.Dispose();
        _to.Dispose();
        _square.Dispose();
        _half.Dispose();
    }
}
