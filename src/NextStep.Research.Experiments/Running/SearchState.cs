namespace NextStep.Research.Experiments;

/// <summary>What became of a cell, as far as a search asks.</summary>
/// <param name="Value">The metric that arms are ranked by; null: failed, or it has no such number.</param>
internal sealed record SearchOutcome(double? Value);

/// <summary>An arm at a rung.</summary>
/// <param name="Arm">Its name.</param>
/// <param name="Score">Mean of the metric over all seeds; null before all are done, and where one failed: such an arm comes last.</param>
/// <param name="Rank">From 1; 0 before the rung is decided.</param>
/// <param name="Goes">Whether it goes on; null before the rung is decided.</param>
internal sealed record SearchStanding(string Arm, double? Score, int Rank, bool? Goes);

/// <summary>A rung.</summary>
/// <param name="Images">Images that its trainings see; null: the whole training.</param>
/// <param name="Decided">Whether all of its cells are over.</param>
/// <param name="Standings">The arms that came so far, the best first once it is decided.</param>
internal sealed record SearchRung(long? Images, bool Decided, IReadOnlyList<SearchStanding> Standings);

/// <summary>
/// Where a search stands: a pure function of the plan and of what cells are over, so that every process that looks comes to the same
/// decisions, after whatever interruption. Arms are ranked by means over the same seeds, with which all drew the same noise.
/// </summary>
internal sealed record SearchState
{
    /// <summary>The copy of it in the run folder, for people and other tools; nothing reads it.</summary>
    public const string FileName = "search.json";

    private readonly Dictionary<string, int> _stopped = [];
    private readonly long[] _images;

    private SearchState(Plan plan, Func<PlannedCell, SearchOutcome?> over)
    {
        SearchPlan search = plan.Search!;
        _images = [.. search.Rungs];
        ILookup<(string Arm, int Rung), PlannedCell> cells = plan.AllCells.ToLookup(c => (c.Arm, IndexOf(c)));
        string[] alive = [.. plan.Arms.Select(a => a.Name)];
        string baseline = alive[0];
        List<SearchRung> rungs = [];
        for (int rung = 0; rung <= _images.Length; rung++)
        {
            bool last = rung == _images.Length;
            (string Arm, double? Score, bool IsOver)[] scores = [.. alive.Select(arm => Score(arm, [.. cells[(arm, rung)].Select(over)]))];
            bool decided = scores.All(s => s.IsOver);
            if (!decided)
            {
                rungs.Add(new SearchRung(last ? null : _images[rung], false, [.. scores.Select(s => new SearchStanding(s.Arm, s.Score, 0, null))]));
                break;
            }
            // Stable: of equal arms the one that stands first in the plan.
            string[] order = [.. scores.OrderBy(s => s.Score is null).ThenBy(s => search.Maximize ? -s.Score : s.Score).Select(s => s.Arm)];
            Dictionary<string, double?> byArm = scores.ToDictionary(s => s.Arm, s => s.Score);
            string[] kept = last ? order : [.. order.Where(a => byArm[a] is not null).Take(search.Kept(order.Length)).Union([baseline])];
            rungs.Add(new SearchRung(last ? null : _images[rung], true, [.. order.Select((a, i) => new SearchStanding(a, byArm[a], i + 1, last ? null : kept.Contains(a)))]));
            foreach (string arm in order.Except(kept))
            {
                _stopped[arm] = rung;
            }
            alive = [.. alive.Where(kept.Contains)];
        }
        Rungs = rungs;
    }

    /// <summary>The decided ones, and the first that is not; the whole trainings last.</summary>
    public IReadOnlyList<SearchRung> Rungs { get; }

    /// <summary>Arms that were stopped, with the images that they had seen.</summary>
    public IReadOnlyDictionary<string, long> Stopped => _stopped.ToDictionary(s => s.Key, s => _images[s.Value]);

    /// <summary>The best arm after the whole training; null before it is known.</summary>
    public string? Winner => Rungs[^1] is { Images: null, Decided: true } last && last.Standings[0].Score is not null ? last.Standings[0].Arm : null;

    /// <summary>That of a plan; null where it has no rungs.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="over">What became of a cell; null while it is not over.</param>
    public static SearchState? Of(Plan plan, Func<PlannedCell, SearchOutcome?> over)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return plan.Search is { Rungs.Count: > 0 } ? new SearchState(plan, over) : null;
    }

    /// <summary>That of a plan whose cells were read already.</summary>
    internal static SearchState? Of(Plan plan, IReadOnlyList<CellStatus> cells)
    {
        if (plan.Search is not { Rungs.Count: > 0 } search)
        {
            return null;
        }
        Dictionary<string, SearchOutcome> over = cells.Where(c => c.Result is not null || c.Failure is not null)
            .ToDictionary(c => c.Cell.Key, c => new SearchOutcome(c.Result is { } result && result.Metrics.TryGetValue(search.Metric, out double value) ? value : null));
        return new SearchState(plan, c => over.GetValueOrDefault(c.Key));
    }

    /// <summary>Whether a cell may be run now.</summary>
    public bool IsOpen(PlannedCell cell) => IndexOf(cell) < Rungs.Count && !IsStopped(cell);

    /// <summary>Whether a cell is never run, because its arm was stopped before it.</summary>
    public bool IsStopped(PlannedCell cell) => _stopped.TryGetValue((cell ?? throw new ArgumentNullException(nameof(cell))).Arm, out int at) && IndexOf(cell) > at;

    private int IndexOf(PlannedCell cell) => cell.Rung is { } images ? Array.IndexOf(_images, images) : _images.Length;

    private static (string Arm, double? Score, bool IsOver) Score(string arm, SearchOutcome?[] outcomes) => (
        arm,
        outcomes.All(o => o?.Value is { } value && double.IsFinite(value)) ? outcomes.Average(o => o!.Value!.Value) : null,
        outcomes.All(o => o is not null));
}
