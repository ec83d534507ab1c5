namespace NextStep.Research.Experiments;

/// <summary>
/// Runs the cells of a plan one after the other in this process. What is done is left alone, what was begun is
/// continued; other processes may work on the same folder.
/// </summary>
public sealed class SweepRunner
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    private readonly RunFolder _folder;
    private readonly Plan _plan;
    private readonly Dictionary<string, ResearchConfig> _configs;
    private readonly SweepOptions _options;
    private readonly CellRunner _runner;

    /// <summary>For a plan made of <paramref name="experiment"/> and <paramref name="stages"/>.</summary>
    public SweepRunner(RunFolder folder, Plan plan, Experiment experiment, IReadOnlyList<StageDefinition> stages, SweepOptions options)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        _folder = folder;
        _plan = plan;
        _configs = experiment.Arms.ToDictionary(a => a.Name, a => a.Config);
        _options = options;
        _runner = new CellRunner(folder, stages, options);
    }

    /// <summary>Whether there is anything to do.</summary>
    public bool HasWork => Selected.Any(c => _folder.ReadResult(c) is null && (_options.RetryFailed || _folder.ReadFailure(c) is null));

    private IEnumerable<PlannedCell> Selected => _plan.Cells.Where(c => _options.Only.Count == 0 || _options.Only.Contains(c.Arm));

    /// <summary>Runs until every selected cell is done or failed, or <paramref name="cancellation"/>.</summary>
    /// <exception cref="IOException">The run folder cannot be written; finished work is intact.</exception>
    public SweepOutcome Run(CancellationToken cancellation)
    {
        List<PlannedCell> waiting = [.. Selected];
        Dictionary<string, int> place = waiting.Select((c, i) => (c.Key, i + 1)).ToDictionary();
        int total = waiting.Count, ran = 0, skipped = 0;
        Dictionary<string, CellFailure> failed = [];
        HashSet<string> tried = [], elsewhere = []; // cells that another process was seen to work on count as run, not as done before
        while (waiting.Count > 0 && !cancellation.IsCancellationRequested)
        {
            List<PlannedCell> busy = [];
            foreach (PlannedCell cell in waiting)
            {
                if (cancellation.IsCancellationRequested || (_options.FailFast && failed.Count > 0))
                {
                    return new SweepOutcome(ran, skipped, [.. failed.Values], true);
                }
                if (_folder.ReadResult(cell) is not null)
                {
                    Count(cell);
                    continue;
                }
                bool retry = _options.RetryFailed && tried.Add(cell.Key);
                if (!retry && _folder.ReadFailure(cell) is { } old)
                {
                    failed[cell.Key] = old;
                    continue;
                }
                using Claimed? claim = Claimed.TryTake(Path.Combine(_folder.Cell(cell), "claim"));
                if (claim is null)
                {
                    busy.Add(cell);
                    elsewhere.Add(cell.Key);
                    continue;
                }
                if (_folder.ReadResult(cell) is not null) // done by another process in this moment
                {
                    Count(cell);
                    continue;
                }
                _options.Report(new SweepEvent.CellStarted(cell, place[cell.Key], total));
                using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, claim.Lost);
                switch (_runner.Run(cell, _configs[cell.Arm] with { Seed = cell.Seed }, stop.Token))
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
            waiting = busy;
            if (waiting.Count > 0 && !cancellation.IsCancellationRequested)
            {
                string claim = Path.Combine(_folder.Cell(waiting[0]), "claim");
                _options.Report(new SweepEvent.Waiting(waiting[0].Label, Claimed.Describe(claim)));
                cancellation.WaitHandle.WaitOne(Poll);
            }
        }
        return new SweepOutcome(ran, skipped, [.. failed.Values], cancellation.IsCancellationRequested && waiting.Count > 0);

        void Count(PlannedCell cell) => _ = elsewhere.Contains(cell.Key) ? ran++ : skipped++;
    }
}
