namespace NextStep.Research.Experiments;

/// <summary>
/// Runs the cells of a plan one after the other in this process. What is done is left alone, what was begun is
/// continued; other processes may work on the same folder.
/// </summary>
public sealed class SweepRunner
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(0.5);
    private readonly RunFolder _folder;
    private readonly Plan _plan;
    private readonly Func<PlannedCell, ResearchConfig> _config;
    private readonly SweepOptions _options;
    private readonly CellRunner _runner;

    /// <summary>For a plan made of <paramref name="experiment"/> and <paramref name="stages"/>.</summary>
    public SweepRunner(RunFolder folder, Plan plan, Experiment experiment, IReadOnlyList<StageDefinition> stages, SweepOptions options)
        : this(folder, plan, Configs(experiment), stages, options)
    {
    }

    /// <summary>For a run folder that <see cref="CellConfigs.Write"/> has made ready: the experiment's file is not needed.</summary>
    public SweepRunner(RunFolder folder, Plan plan, IReadOnlyList<StageDefinition> stages, SweepOptions options)
        : this(folder, plan, cell => CellConfigs.Read(folder, cell, stages), stages, options)
    {
    }

    private SweepRunner(RunFolder folder, Plan plan, Func<PlannedCell, ResearchConfig> config, IReadOnlyList<StageDefinition> stages, SweepOptions options)
    {
        _folder = folder;
        _plan = plan;
        _config = config;
        _options = options;
        _runner = new CellRunner(folder, stages, options, plan.Search?.Stop ?? []);
    }

    /// <summary>Whether there is anything to do.</summary>
    public bool HasWork
    {
        get
        {
            SearchState? search = SearchWatch.Read(_folder, _plan);
            return Selected.Any(c => _folder.ReadResult(c) is null && (_options.RetryFailed || (_folder.ReadFailure(c) is null && search?.IsStopped(c) != true)));
        }
    }

    private IEnumerable<PlannedCell> Selected => _options.Select(_plan);

    /// <summary>Runs until every selected cell is done or failed, or <paramref name="cancellation"/>.</summary>
    /// <exception cref="IOException">The run folder cannot be written; finished work is intact.</exception>
    public SweepOutcome Run(CancellationToken cancellation)
    {
        if (!_options.Worker)
        {
            Sweep.ClearFailures(_folder, _plan, _options);
        }
        List<PlannedCell> waiting = [.. Selected];
        Dictionary<string, int> place = waiting.Select((c, i) => (c.Key, i + 1)).ToDictionary();
        // Who is told one cell is told that it may run.
        SearchWatch? search = _options.Cells.Count == 0 ? new SearchWatch(_folder, _plan) : null;
        int total = waiting.Count, ran = 0, skipped = 0, stopped = 0;
        Dictionary<string, CellFailure> failed = [];
        HashSet<string> elsewhere = []; // cells that another process was seen to work on count as run, not as done before
        while (waiting.Count > 0 && !cancellation.IsCancellationRequested)
        {
            List<PlannedCell> busy = [];
            SearchState? state = search?.Look();
            stopped += waiting.RemoveAll(c => state?.IsStopped(c) == true);
            foreach (PlannedCell cell in waiting)
            {
                if (cancellation.IsCancellationRequested || (_options.FailFast && failed.Values.Any(f => !f.IsStop)))
                {
                    return Outcome(true);
                }
                if (_folder.IsDone(cell))
                {
                    Count(cell);
                    continue;
                }
                if (_folder.ReadFailure(cell) is { } old)
                {
                    if (elsewhere.Contains(cell.Key))
                    {
                        _options.Report(new SweepEvent.CellFailed(cell, old));
                    }
                    failed[cell.Key] = old;
                    continue;
                }
                if (state?.IsOpen(cell) == false)
                {
                    busy.Add(cell);
                    continue;
                }
                using Lease? lease = WaitsForOthers(cell) ? null : Lease.TryTake(LeaseOf(cell), LeaseWatch.Shared);
                if (lease is null)
                {
                    busy.Add(cell);
                    elsewhere.Add(cell.Key);
                    continue;
                }
                if (_folder.IsDone(cell)) // by another process in this moment
                {
                    Count(cell);
                    continue;
                }
                _options.Report(new SweepEvent.CellStarted(cell, place[cell.Key], total));
                using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, lease.Lost);
                switch (_runner.Run(cell, _config(cell), lease, stop.Token))
                {
                    case CellResult:
                        ran++;
                        break;
                    case CellFailure failure:
                        failed[cell.Key] = failure;
                        break;
                    default:
                        busy.Add(cell); // stopped, or lost to another process
                        break;
                }
            }
            bool idle = busy.Count == waiting.Count;
            waiting = busy;
            if (idle && waiting.Count > 0 && !cancellation.IsCancellationRequested)
            {
                _options.Report(new SweepEvent.Waiting(waiting[0].Label, Lease.Describe(LeaseOf(waiting[0]))));
                cancellation.WaitHandle.WaitOne(Poll);
            }
        }
        return Outcome(cancellation.IsCancellationRequested && waiting.Count > 0);

        SweepOutcome Outcome(bool cancelled)
        {
            search?.Look(); // notes what the last cells have decided
            return new SweepOutcome(ran, skipped, [.. failed.Values.Where(f => !f.IsStop)], cancelled) { Stopped = stopped + failed.Values.Count(f => f.IsStop) };
        }

        void Count(PlannedCell cell) => _ = elsewhere.Contains(cell.Key) ? ran++ : skipped++;
    }

    /// <summary>Runs the stages up to one that several cells share; null when they are done, or when stopped.</summary>
    /// <param name="stageKey">The key of the last stage to run.</param>
    /// <param name="cancellation">Stops between two steps.</param>
    /// <exception cref="InvalidDataException">No cell of the plan has this stage.</exception>
    public CellFailure? RunStage(string stageKey, CancellationToken cancellation)
    {
        PlannedCell cell = _plan.AllCells.FirstOrDefault(c => c.Stages.Any(s => s.Key == stageKey)) ?? throw new InvalidDataException($"no cell of {_folder.Path} has a stage {stageKey}");
        int count = cell.Stages.ToList().FindIndex(s => s.Key == stageKey) + 1;
        return _runner.RunStages(cell, _config(cell), count, null, cancellation);
    }

    // Better to take a cell that can go on at once than to sit beside another process that trains what this one needs.
    private bool WaitsForOthers(PlannedCell cell)
    {
        string? next = cell.Stages.Where(s => !Directory.Exists(_folder.Stage(s))).Select(s => s.Shared ? Lease.FileOf(_folder, s) : null).FirstOrDefault();
        return next is not null && Lease.Look(next).Beat is not null && !LeaseWatch.Shared.IsDead(next, out _);
    }

    private string LeaseOf(PlannedCell cell) => Lease.FileOf(_folder, cell);

    private static Func<PlannedCell, ResearchConfig> Configs(Experiment experiment)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        Dictionary<string, ResearchConfig> arms = experiment.Arms.ToDictionary(a => a.Name, a => a.Config);
        return cell => cell.Configure(arms[cell.Arm]);
    }
}
