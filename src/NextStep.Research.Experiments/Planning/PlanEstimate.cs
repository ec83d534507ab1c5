namespace NextStep.Research.Experiments;

/// <summary>What is left to do and what it will probably take.</summary>
/// <param name="Stages">By kind, those with something left.</param>
/// <param name="Seconds">Wall clock with the given number of processes; null where a stage was never measured.</param>
/// <param name="Jobs">Processes.</param>
internal sealed record PlanEstimate(IReadOnlyList<KindEstimate> Stages, double? Seconds, int Jobs)
{
    /// <summary>Disk in all; null where a stage was never measured.</summary>
    public double? Bytes => Stages.Any(s => s.Bytes is null) ? null : Stages.Sum(s => s.Bytes);

    /// <summary>Process time in all, one process at a time; null where a stage was never measured.</summary>
    public double? Work => Stages.Any(s => s.Seconds is null) ? null : Stages.Sum(s => s.Seconds);

    /// <summary>From what stages took in this and neighbouring run folders on machines like this one.</summary>
    public static PlanEstimate FromEarlierRuns(Experiment experiment, Plan plan, IReadOnlyList<StageDefinition> stages, RunFolder folder, int jobs) =>
        Make(experiment, plan, stages, folder, jobs, missing => missing ? EarlierRuns.Read(folder, stages) : []);

    /// <summary>From short runs of the first arms' stages, beside earlier ones.</summary>
    public static PlanEstimate FromProbe(Experiment experiment, Plan plan, IReadOnlyList<StageDefinition> stages, RunFolder folder, int jobs, Action<string> tell, CancellationToken cancellation) =>
        Make(experiment, plan, stages, folder, jobs, missing => missing ? StageProbe.Run(experiment, plan, stages, tell, cancellation) : []);

    private static PlanEstimate Make(Experiment experiment, Plan plan, IReadOnlyList<StageDefinition> stages, RunFolder folder, int jobs, Func<bool, IReadOnlyList<StageTiming>> measure)
    {
        PlannedCell[] open = [.. Expected(plan).AsParallel().AsOrdered().Where(c => !File.Exists(Path.Combine(folder.Cell(c), "result.json")))];
        Dictionary<string, (PlannedStage Stage, string Arm)> missing = [];
        foreach (PlannedCell cell in open)
        {
            foreach (PlannedStage stage in cell.Stages.Where(s => !missing.ContainsKey(s.Key) && !Directory.Exists(folder.Stage(s))))
            {
                missing[stage.Key] = (stage, cell.Arm);
            }
        }
        IReadOnlyList<StageTiming> timings = measure(missing.Count > 0);
        Dictionary<string, ResearchConfig> configs = experiment.Arms.ToDictionary(a => a.Name, a => a.Config);
        Dictionary<(string Kind, string Arm), StageEstimate?> byArm = [];
        Dictionary<string, StageEstimate?> byKey = missing.ToDictionary(m => m.Key, m =>
        {
            (string Kind, string Arm) at = (m.Value.Stage.Kind, m.Value.Arm);
            return byArm.TryGetValue(at, out StageEstimate? known) ? known : byArm[at] = StageEstimate.Of(stages.First(s => s.Kind == at.Kind), configs[at.Arm], timings);
        });
        KindEstimate[] kinds = [.. stages.Select(s => s.Kind).Select(kind => (kind, Estimates: missing.Where(m => m.Value.Stage.Kind == kind).Select(m => byKey[m.Key]).ToArray()))
            .Where(k => k.Estimates.Length > 0)
            .Select(k => new KindEstimate(k.kind, k.Estimates.Length, k.Estimates.Count(e => e?.Distance == 0),
                k.Estimates.Any(e => e is null) ? null : k.Estimates.Sum(e => e!.Seconds), k.Estimates.Any(e => e is null) ? null : k.Estimates.Sum(e => e!.Bytes)))];
        return new PlanEstimate(kinds, byKey.Values.Any(e => e is null) ? null : Clock(open, byKey, jobs), jobs);
    }

    // Of a search: as many arms as every rung lets go on, whichever they will be. That a training goes on from an earlier one is not counted.
    private static IEnumerable<PlannedCell> Expected(Plan plan)
    {
        if (plan.Search is not { Rungs.Count: > 0 } search)
        {
            return plan.Cells;
        }
        List<PlannedCell> cells = [];
        int count = plan.Arms.Count;
        foreach (long? rung in search.Rungs.Cast<long?>().Append(null))
        {
            HashSet<string> arms = [.. plan.Arms.Take(count).Select(a => a.Name)];
            cells.AddRange(plan.AllCells.Where(c => c.Rung == rung && arms.Contains(c.Arm)));
            count = Math.Min(count, search.Kept(count) + 1);
        }
        return cells;
    }

    // As the workers do it: each takes the next cell, and waits for a shared stage that another one runs.
    private static double Clock(PlannedCell[] cells, Dictionary<string, StageEstimate?> seconds, int jobs)
    {
        PriorityQueue<int, double> workers = new(Enumerable.Range(0, jobs).Select(i => (i, 0.0)));
        Dictionary<string, double> doneAt = [];
        double last = 0;
        foreach (PlannedCell cell in cells)
        {
            workers.TryDequeue(out int worker, out double time);
            foreach (PlannedStage stage in cell.Stages.Where(s => seconds.ContainsKey(s.Key)))
            {
                time = doneAt.TryGetValue(stage.Key, out double done) ? Math.Max(time, done) : doneAt[stage.Key] = time + seconds[stage.Key]!.Seconds;
            }
            workers.Enqueue(worker, time);
            last = Math.Max(last, time);
        }
        return last;
    }
}

/// <summary>What is left of one kind of stage.</summary>
/// <param name="Kind">The stage.</param>
/// <param name="Runs">How often it has to run.</param>
/// <param name="Exact">Of these, how many were measured with the same configuration; the others are scaled from the most similar one.</param>
/// <param name="Seconds">Process time in all; null when it was never measured.</param>
/// <param name="Bytes">Disk in all; null when it was never measured.</param>
internal sealed record KindEstimate(string Kind, int Runs, int Exact, double? Seconds, double? Bytes);
