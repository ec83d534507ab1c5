using TorchSharp;

namespace NextStep.Research;

/// <summary>
/// A few threads that work on one thing together and meet at barriers, for work that is too short for a thread pool: a product of
/// 200 µs is started and ended in a few. As many as torch uses, so <c>OMP_NUM_THREADS</c> and <c>torch.set_num_threads</c> hold.
/// </summary>
internal sealed class CpuTeam
{
    private const int Spins = 2000;

    private static readonly Dictionary<int, CpuTeam> Teams = [];

    private readonly Lock _running = new();
    private readonly SemaphoreSlim[] _wake;
    private Action<int> _work = _ => { };
    private Exception? _failure;
    private int _unfinished;
    private int _arrived;
    private int _round;

    private CpuTeam(int count)
    {
        Count = count;
        _wake = [.. Enumerable.Range(0, count).Select(_ => new SemaphoreSlim(0))];
        for (int i = 1; i < count; i++)
        {
            int part = i;
            new Thread(() => Serve(part)) { IsBackground = true, Name = $"team {part}" }.Start();
        }
    }

    /// <summary>Threads, the caller's included.</summary>
    public int Count { get; }

    /// <summary>The team of as many threads as torch uses now.</summary>
    public static CpuTeam Shared
    {
        get
        {
            int count = Math.Max(1, torch.get_num_threads()); // of the calling thread: others may differ
            lock (Teams)
            {
                if (!Teams.TryGetValue(count, out CpuTeam? team))
                {
                    Teams[count] = team = new CpuTeam(count);
                }
                return team;
            }
        }
    }

    /// <summary>Runs <paramref name="work"/> once per thread with 0 … Count − 1 and returns when all are done. Callers take turns.</summary>
    public void Run(Action<int> work)
    {
        if (Count == 1)
        {
            work(0);
            return;
        }
        lock (_running)
        {
            (_work, _failure, _unfinished, _arrived) = (work, null, Count - 1, 0);
            for (int i = 1; i < Count; i++)
            {
                _wake[i].Release();
            }
            Do(0);
            for (int spins = 0; Volatile.Read(ref _unfinished) > 0; spins++)
            {
                Pause(spins);
            }
            if (_failure is not null)
            {
                throw new InvalidOperationException($"A part of a parallel computation failed: {_failure.Message}", _failure);
            }
        }
    }

    /// <summary>Inside <see cref="Run"/>: waits until every thread is here. All must call it equally often.</summary>
    public void Meet()
    {
        if (Count == 1)
        {
            return;
        }
        int round = Volatile.Read(ref _round);
        if (Interlocked.Increment(ref _arrived) == Count)
        {
            _arrived = 0;
            Volatile.Write(ref _round, round + 1);
            return;
        }
        for (int spins = 0; Volatile.Read(ref _round) == round; spins++)
        {
            if (Volatile.Read(ref _failure) is not null)
            {
                throw new InvalidOperationException("Another part failed.");
            }
            Pause(spins);
        }
    }

    /// <summary>The share of <paramref name="count"/> columns that belongs to a part, in blocks of <see cref="RowKernels.Block"/>.</summary>
    public (int From, int To) Share(int part, int count) => Share(part, Count, count);

    /// <summary>As above, for any number of parts.</summary>
    public static (int From, int To) Share(int part, int parts, int count)
    {
        int blocks = count / RowKernels.Block;
        return ((int)((long)blocks * part / parts) * RowKernels.Block, (int)((long)blocks * (part + 1) / parts) * RowKernels.Block);
    }

    // A failure is told by Run; the barrier must not wait for the one who failed.
    private void Do(int part)
    {
        try
        {
            _work(part);
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failure, e, null);
        }
    }

    // Spinning is for a few microseconds; on a busy machine the processor goes to whoever is waited for.
    private static void Pause(int spins)
    {
        if (spins < Spins)
        {
            Thread.SpinWait(4);
        }
        else
        {
            Thread.Yield();
        }
    }

    private void Serve(int part)
    {
        while (true)
        {
            _wake[part].Wait();
            Do(part);
            Interlocked.Decrement(ref _unfinished);
        }
    }
}
