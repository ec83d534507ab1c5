using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>How far a cell is.</summary>
internal enum CellState
{
    Unfinished,
    Failed,
    Finished,
}

/// <summary>An arm of the experiment.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Settings">Config path to value, for every path in which any two arms differ.</param>
internal sealed record ReportArm(string Name, IReadOnlyDictionary<string, string> Settings);

/// <summary>A claim as it was judged.</summary>
internal sealed record JudgedClaim(string Say, string Test, string Verdict, string Evidence);

/// <summary>One cell with all that its folder holds.</summary>
internal sealed record CellRun(string Key, string Arm, long Seed, CellState State)
{
    public CellResult? Result { get; init; }

    public IReadOnlyDictionary<string, string> Failure { get; init; } = new Dictionary<string, string>();

    public MetricsLog Log { get; init; } = MetricsLog.Empty;

    public IReadOnlyDictionary<string, Picture> Pictures { get; init; } = new Dictionary<string, Picture>();
}

/// <summary>All that the report shows of a run folder.</summary>
internal sealed record RunResults
{
    public required string Name { get; init; }

    public required string Question { get; init; }

    /// <summary>The baseline first.</summary>
    public required IReadOnlyList<ReportArm> Arms { get; init; }

    /// <summary>In the order of the plan.</summary>
    public required IReadOnlyList<CellRun> Cells { get; init; }

    public required IReadOnlyList<JudgedClaim> Claims { get; init; }

    /// <summary>Metrics that the experiment asks for, as names or patterns such as <c>artifacts.*</c>; empty: all.</summary>
    public required IReadOnlyList<string> Measure { get; init; }

    /// <summary>Commit, packages, device and so on, in reading order.</summary>
    public required IReadOnlyList<KeyValuePair<string, string>> Provenance { get; init; }

    public required IReadOnlyList<string> Commands { get; init; }

    /// <summary>What could not be read, each with the file's name.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    public string Baseline => Arms[0].Name;

    public IEnumerable<CellRun> Of(string arm) => Cells.Where(c => c.Arm == arm);
}
