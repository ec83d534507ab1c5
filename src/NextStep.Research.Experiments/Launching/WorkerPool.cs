using System.Diagnostics;

namespace NextStep.Research.Experiments;

/// <summary>
/// Processes of this machine that share the cells of a run folder. They find their cells through the leases; this process only
/// watches: it tells what happens, starts another worker for one that died, and gives a cell up that keeps killing its worker.
/// </summary>
/// <param name="folder">Made ready by <see cref="CellConfigs.Write"/>.</param>
/// <param name="plan">Its plan.</param>
/// <param name="command">Starts a worker.</param>
/// <param name="places">How many at once, and on which devices.</param>
/// <param name="options">Which cells, and what to do about failures.</param>
internal sealed class WorkerPool(RunFolder folder, Plan plan, WorkerCommand command, WorkerPlaces places, SweepOptions options)
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(0.2), LookEvery = TimeSpan.FromSeconds(1);
    private readonly DeathCounts _deaths = new(folder);
    private readonly SearchWatch _search = new(folder, plan);
    private readonly HashSet<string> _done = [], _running = [], _stopped = [];
    private readonly Dictionary<string, CellFailure> _failed = [];
    private PlannedCell[] _cells = [];
    private int _deadAtStart;

    /// <summary>Runs until every selected cell is done or failed, or <paramref name="cancellation"/>.</summary>
    /// <exception cref="InvalidOperationException">Workers cannot even start.</exception>
    public SweepOutcome Run(CancellationToken cancellation)
    {
        Sweep.ClearFailures(folder, plan, options);
        _cells = [.. options.Select(plan)];
        int skipped = _cells.Count(folder.IsDone);
        Look(first: true);
        List<LocalWorker> workers = [.. Enumerable.Range(1, Math.Min(places.Jobs, Open)).Select(Start)];
        try
        {
            Stopwatch sinceLook = Stopwatch.StartNew();
            while (workers.Count > 0 && !cancellation.IsCancellationRequested && !(options.FailFast && _failed.Values.Any(f => !f.IsStop)))
            {
                cancellation.WaitHandle.WaitOne(Tick);
                if (sinceLook.Elapsed >= LookEvery)
                {
                    sinceLook.Restart();
                    Look();
                }
                foreach (LocalWorker worker in workers.Where(w => w.HasEnded).ToArray())
                {
                    workers.Remove(worker);
                    if (!cancellation.IsCancellationRequested && Replace(worker))
                    {
                        workers.Add(Start(worker.Number));
                    }
                    worker.Dispose();
                }
            }
        }
        finally
        {
            LocalWorker.Stop(workers);
        }
        Look();
        return new SweepOutcome(_done.Count - skipped, skipped, [.. _failed.Values.Where(f => !f.IsStop)], Open > 0) { Stopped = _stopped.Count + _failed.Values.Count(f => f.IsStop) };
    }

    private int Open => _cells.Length - _done.Count - _failed.Count - _stopped.Count;

    private LocalWorker Start(int number) => new(
        number, command.Start([folder.Path, .. options.Only.SelectMany(o => new[] { "--only", o }), .. places.Of(number) is { } device ? ["--device", device] : (string[])[]], CoreLimit.Share(places.Jobs)), text => options.Report(new SweepEvent.Note(text)));

    /// <summary>Whether the place of a worker that has ended is to be filled again.</summary>
    private bool Replace(LocalWorker worker)
    {
        // Another worker may have taken the cell over before this process looks.
        PlannedCell? cell = _cells.FirstOrDefault(c => !folder.IsDone(c) && Lease.Look(Lease.FileOf(folder, c)).Owner?.IsOrFollows(worker.Id) == true);
        if (worker.ExitCode == 0 && cell is null)
        {
            return false; // it found nothing more to do
        }
        if (cell is null)
        {
            if (++_deadAtStart >= DeathCounts.Limit)
            {
                throw new InvalidOperationException($"worker processes end as soon as they start, the last with exit code {worker.ExitCode}: {worker.LastError}");
            }
            return Open > 0;
        }
        _deadAtStart = 0;
        if (WaitedFor(cell, worker))
        {
            return true;
        }
        options.Report(new SweepEvent.Note($"{cell.Label}: its worker (process {worker.Id}) ended with exit code {worker.ExitCode}; another goes on"));
        _deaths.Add(cell, worker.ExitCode);
        return true;
    }

    // It died while another process trained what the cell needs: neither is to blame.
    private bool WaitedFor(PlannedCell cell, LocalWorker worker) =>
        cell.Stages.FirstOrDefault(s => !Directory.Exists(folder.Stage(s))) is { Shared: true } next
        && Lease.Look(Lease.FileOf(folder, next)).Owner?.IsOrFollows(worker.Id) == false;

    private void Look(bool first = false)
    {
        List<CellStatus> running = [];
        SearchState? search = _search.Look();
        _stopped.UnionWith(_cells.Where(c => search?.IsStopped(c) == true && !_done.Contains(c.Key)).Select(c => c.Key));
        foreach (PlannedCell cell in _cells.Where(c => !_done.Contains(c.Key) && !_failed.ContainsKey(c.Key) && !_stopped.Contains(c.Key)))
        {
            if (folder.ReadResult(cell) is { } result)
            {
                _done.Add(cell.Key);
                if (_running.Remove(cell.Key))
                {
                    options.Report(new SweepEvent.CellDone(cell, result));
                }
            }
            else if (folder.ReadFailure(cell) is { } failure)
            {
                _failed.Add(cell.Key, failure);
                if (!first)
                {
                    options.Report(new SweepEvent.CellFailed(cell, failure));
                }
            }
            else if (CellStatus.Read(folder, cell) is { State: CellState.Running } status)
            {
                running.Add(status);
                if (_running.Add(cell.Key))
                {
                    options.Report(new SweepEvent.CellStarted(cell, Array.IndexOf(_cells, cell) + 1, _cells.Length));
                }
            }
        }
        options.Report(new SweepEvent.Overview(_done.Count, _failed.Count, _cells.Length - _stopped.Count, running));
    }
}
