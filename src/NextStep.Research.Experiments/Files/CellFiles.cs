namespace NextStep.Research.Experiments;

/// <summary><c>failure.json</c> of a cell.</summary>
/// <param name="Cell">The cell's key.</param>
/// <param name="Arm">The arm's name.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Stage">The kind of the stage that failed.</param>
/// <param name="Type">The exception's type.</param>
/// <param name="Message">The exception's message.</param>
/// <param name="Step">How far the stage was, with the newest metrics; empty before its first report.</param>
/// <param name="Folder">The stage's folder, relative to the run folder; what it saved lies there.</param>
/// <param name="Log">The last lines of the stage's <c>metrics.jsonl</c>.</param>
/// <param name="Trace">The stack trace.</param>
/// <param name="Time">When, UTC.</param>
public sealed record CellFailure(
    string Cell, string Arm, long Seed, string Stage, string Type, string Message, string Step, string Folder, IReadOnlyList<string> Log, string Trace, DateTime Time)
{
    /// <summary>No failure, but a training that a rule of the search called hopeless.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsStop => Type == nameof(HopelessException);

    /// <summary>The training step that failed, from 0; null when it was none.</summary>
    public long? StepNumber { get; init; }

    /// <summary>The pictures of that step.</summary>
    public IReadOnlyList<string> BatchIds { get; init; } = [];

    /// <summary>The folder with everything about it, relative to the run folder; <c>nextstep replay</c> runs it again.</summary>
    public string Capsule { get; init; } = "";
}

/// <summary><c>progress.json</c> of a cell, for display only.</summary>
/// <param name="Stage">The kind of the stage that runs.</param>
/// <param name="Done">How much is done.</param>
/// <param name="Total">Out of how much.</param>
/// <param name="Unit">Of what.</param>
/// <param name="Seconds">Since the stage was started (by this process).</param>
/// <param name="Metrics">The newest numbers.</param>
public sealed record CellProgress(string Stage, long Done, long Total, string Unit, double Seconds, IReadOnlyDictionary<string, double> Metrics);

/// <summary><c>stage.json</c> of a finished stage.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Key">Its key.</param>
/// <param name="Cell">The cell that ran it.</param>
/// <param name="Seconds">How long it took the process that ended it.</param>
internal sealed record StageRecord(string Kind, string Key, string Cell, double Seconds)
{
    public const string FileName = "stage.json";

    /// <summary>Kind and number of processors; where they are the same, times can be compared. Null in files of earlier versions.</summary>
    public string? Machine { get; init; }

    /// <summary>CPU threads that it computed with; null where the plan did not settle them.</summary>
    public int? Threads { get; init; }

    /// <summary>Which library multiplied its matrices (<see cref="MatrixProducts.Path"/>); null where it computed nothing, and in files of earlier versions.</summary>
    public string? Products { get; init; }

    /// <summary>Processor time of the process that ended it, all threads: nearly the same on a busy machine. Null in files of earlier versions.</summary>
    public double? ProcessorSeconds { get; init; }

    /// <summary>The code that ran it (<see cref="CodeIdentity"/>). Null in files of earlier versions.</summary>
    public string? Code { get; init; }

    /// <summary>When it ended, UTC.</summary>
    public DateTime? Ended { get; init; }
}

/// <summary>What a cell is doing.</summary>
public enum CellState
{
    /// <summary>Not begun, or interrupted.</summary>
    Waiting,

    /// <summary>A living process works on it.</summary>
    Running,

    /// <summary><c>result.json</c> is there.</summary>
    Done,

    /// <summary><c>failure.json</c> is there.</summary>
    Failed,

    /// <summary>A search does not let it go on: its arm was not good enough, or its training hopeless.</summary>
    Stopped,
}

/// <summary>A line of <c>nextstep status</c>.</summary>
public sealed record CellStatus(PlannedCell Cell, CellState State, CellResult? Result, CellFailure? Failure, CellProgress? Progress)
{
    /// <summary>Reads the state of a cell from its files.</summary>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public static CellStatus Read(RunFolder folder, PlannedCell cell)
    {
        ArgumentNullException.ThrowIfNull(folder);
        CellResult? result = folder.ReadResult(cell);
        CellFailure? failure = result is null ? folder.ReadFailure(cell) : null;
        bool running = result is null && Lease.LooksAlive(Lease.FileOf(folder, cell));
        CellState state = result is not null ? CellState.Done : running ? CellState.Running : failure is { IsStop: true } ? CellState.Stopped : failure is not null ? CellState.Failed : CellState.Waiting;
        return new CellStatus(cell, state, result, failure, result is null ? folder.ReadProgress(cell) : null);
    }
}
