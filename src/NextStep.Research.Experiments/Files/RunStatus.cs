namespace NextStep.Research.Experiments;

/// <summary>What all cells of a run folder are doing at one moment.</summary>
/// <param name="Plan">The plan.</param>
/// <param name="Cells">In its order, those of a search's rungs first.</param>
/// <param name="CellsPerHour">Of the newest finished cells; null before the second, or when nobody works.</param>
/// <param name="SecondsLeft">At that rate; null where it is not known.</param>
internal sealed record RunStatus(Plan Plan, IReadOnlyList<CellStatus> Cells, double? CellsPerHour, double? SecondsLeft)
{
    // The rate is that of the last ones: cells of a sweep may grow along its axes, and a sweep may have been stopped for a night.
    private const int NewestCells = 20;

    /// <summary>What Slurm says of the cells that were handed to it and are not over, by cell key; only colour, the files decide.</summary>
    public IReadOnlyDictionary<string, SlurmTaskState> Slurm { get; init; } = new Dictionary<string, SlurmTaskState>();

    /// <summary>Where its search stands; null where it has no rungs.</summary>
    public SearchState? Search { get; init; }

    /// <summary>Reads the folder, and asks Slurm where it has been handed something.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="cluster">Whom to ask; null: this machine's Slurm.</param>
    /// <exception cref="InvalidDataException">It is no run folder, or a file is damaged.</exception>
    public static RunStatus Read(RunFolder folder, IClusterCommands? cluster = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        Plan plan = folder.RequirePlan();
        IReadOnlyList<CellStatus> cells = RunFolder.ReadCells(plan.AllCells, c => CellStatus.Read(folder, c));
        SearchState? search = SearchState.Of(plan, cells);
        cells = [.. cells.Select(c => c.State == CellState.Waiting && search?.IsStopped(c.Cell) == true ? c with { State = CellState.Stopped } : c)];
        int left = cells.Count(c => c.State is CellState.Running or CellState.Waiting);
        double? rate = cells.Any(c => c.State == CellState.Running) ? Rate(folder, cells) : null;
        IReadOnlyDictionary<string, SlurmTaskState> tasks = left == 0 ? new Dictionary<string, SlurmTaskState>() : SlurmQueue.Read(folder, cluster ?? new ClusterCommands());
        return new RunStatus(plan, cells, rate * 3600, left == 0 ? 0 : left / rate)
        {
            Search = search,
            Slurm = cells.Where(c => c.State is CellState.Running or CellState.Waiting && tasks.ContainsKey(c.Cell.Key)).ToDictionary(c => c.Cell.Key, c => tasks[c.Cell.Key]),
        };
    }

    /// <summary>How many cells are in a state.</summary>
    public int Count(CellState state) => Cells.Count(c => c.State == state);

    /// <summary>Whether neither a cell runs nor one waits.</summary>
    public bool IsOver => Cells.All(c => c.State is CellState.Done or CellState.Failed or CellState.Stopped);

    private static double? Rate(RunFolder folder, IReadOnlyList<CellStatus> cells)
    {
        DateTime[] ends = [.. cells.Where(c => c.State == CellState.Done)
            .Select(c => File.GetLastWriteTimeUtc(Path.Combine(folder.Cell(c.Cell), "result.json"))).OrderDescending().Take(NewestCells)];
        double seconds = ends.Length < 2 ? 0 : (ends[0] - ends[^1]).TotalSeconds;
        return seconds > 0 ? (ends.Length - 1) / seconds : null;
    }
}
