namespace NextStep.Research.Experiments;

/// <summary>What a sweep tells while it runs.</summary>
public abstract record SweepEvent
{
    /// <summary>A cell begins.</summary>
    public sealed record CellStarted(PlannedCell Cell, int Number, int Total) : SweepEvent;

    /// <summary>A stage begins; <paramref name="Reused"/>: it is done already and only looked up.</summary>
    public sealed record StageStarted(PlannedCell Cell, PlannedStage Stage, bool Reused) : SweepEvent;

    /// <summary>A stage is somewhere.</summary>
    public sealed record StageProgressed(PlannedCell Cell, PlannedStage Stage, StageProgress Progress, double Seconds) : SweepEvent;

    /// <summary>A stage is done.</summary>
    public sealed record StageDone(PlannedCell Cell, PlannedStage Stage, double Seconds) : SweepEvent;

    /// <summary>A cell is done.</summary>
    public sealed record CellDone(PlannedCell Cell, CellResult Result) : SweepEvent;

    /// <summary>A cell has failed; the sweep goes on.</summary>
    public sealed record CellFailed(PlannedCell Cell, CellFailure Failure) : SweepEvent;

    /// <summary>Something a person should know, although all goes on.</summary>
    public sealed record Note(string Text) : SweepEvent;

    /// <summary>Where the whole sweep is, when several processes work on it; about once a second.</summary>
    public sealed record Overview(int Done, int Failed, int Total, IReadOnlyList<CellStatus> Running) : SweepEvent;

    /// <summary>Another process works on what is needed next.</summary>
    public sealed record Waiting(string What, string Owner) : SweepEvent;
}

/// <summary>How to run a sweep.</summary>
public sealed record SweepOptions
{
    /// <summary>Only these arms; empty: all.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>Stop at the first failure.</summary>
    public bool FailFast { get; init; }

    /// <summary>Run cells again that failed earlier.</summary>
    public bool RetryFailed { get; init; }

    /// <summary>Goes into every result of this process.</summary>
    public IReadOnlyDictionary<string, string> Provenance { get; init; } = new Dictionary<string, string>();

    /// <summary>Goes into every <c>stage.json</c> that this process writes, and from there into the results.</summary>
    public string Code { get; init; } = CodeIdentity.Current;

    /// <summary>Only these cells, by key; empty: all.</summary>
    public IReadOnlyList<string> Cells { get; init; } = [];

    /// <summary>One of several processes that share a sweep: what failed for another of them is left as it is.</summary>
    public bool Worker { get; init; }

    /// <summary>The device to compute on; null: what the cells' configurations say. Says where, not what: results count for all devices.</summary>
    public string? Device { get; init; }

    /// <summary>Called for everything that happens, from the thread that runs the sweep.</summary>
    public Action<SweepEvent> Report { get; init; } = _ => { };

    /// <summary>The cells of a plan that are meant, those of a search's rungs first.</summary>
    public IEnumerable<PlannedCell> Select(Plan plan) => (plan ?? throw new ArgumentNullException(nameof(plan))).AllCells
        .Where(c => (Only.Count == 0 || Only.Contains(c.Arm)) && (Cells.Count == 0 || Cells.Contains(c.Key)));
}

/// <summary>How a sweep ended.</summary>
/// <param name="Ran">Cells finished by this call.</param>
/// <param name="Skipped">Cells that were done before.</param>
/// <param name="Failed">Cells that failed, now or earlier.</param>
/// <param name="Cancelled">Whether it was stopped before its end.</param>
public sealed record SweepOutcome(int Ran, int Skipped, IReadOnlyList<CellFailure> Failed, bool Cancelled)
{
    /// <summary>Cells that a search stopped: those of arms that did not go on, and hopeless ones.</summary>
    public int Stopped { get; init; }
}
