using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>One cell with all that its folder holds. A cell that still runs counts as waiting: only results are told.</summary>
internal sealed record CellRun(PlannedCell Cell, CellState State)
{
    public CellResult? Result { get; init; }

    public CellFailure? Failure { get; init; }

    /// <summary>What a person wrote about it; null where nobody did.</summary>
    public CellNote? Note { get; init; }

    public MetricsLog Log { get; init; } = MetricsLog.Empty;

    /// <summary>What the stages measured along axes, by name.</summary>
    public IReadOnlyDictionary<string, Curve> Curves { get; init; } = new Dictionary<string, Curve>();

    /// <summary>By role: <c>samples</c>, <c>reconstructions</c>, <c>heatmap.noise</c>.</summary>
    public IReadOnlyDictionary<string, Picture> Pictures { get; init; } = new Dictionary<string, Picture>();

    public string Arm => Cell.Arm;

    public long Seed => Cell.Seed;
}

/// <summary>All that the report shows of a run folder.</summary>
/// <param name="Plan">The plan with its judged claims.</param>
/// <param name="Cells">In the order of the plan.</param>
/// <param name="Notes">What could not be read, each with the file's name.</param>
internal sealed record RunResults(Plan Plan, IReadOnlyList<CellRun> Cells, IReadOnlyList<string> Notes)
{
    /// <summary>What <c>nextstep sweep --prove-resume</c> found; null where it was not asked.</summary>
    public ResumeProof? ResumeProof { get; init; }

    /// <summary>Whether cells that different code computed are tested against each other.</summary>
    public bool MixCode { get; init; }

    /// <summary>That different code computed the cells; null where one did.</summary>
    public string? CodeNote { get; init; }

    /// <summary>What was read, and what not; null in folders of earlier versions.</summary>
    public DataReport? Data { get; init; }

    /// <summary>Where its search by halving stands; null where it has none.</summary>
    public SearchState? Search { get; init; }

    /// <summary>Means, paired differences, trends and effects of the finished cells.</summary>
    public RunStatistics Statistics => field ??= new RunStatistics(Plan, Cells.Select(c => c.Result).OfType<CellResult>(), mixCode: MixCode);

    /// <summary>The baseline first.</summary>
    public IReadOnlyList<PlannedArm> Arms => Plan.Arms;

    public string Baseline => Plan.Arms[0].Name;

    /// <summary>Whether a metric does not differ between the arms at any seed, as where they share the stage that it measures.</summary>
    public bool IsTheSame(string metric) => Statistics.IsConstant(metric)
        || (Arms.Count > 1 && Statistics.Differences(metric) is { } differences && differences.Count == Arms.Count - 1 && differences.Values.All(d => d.Differences.All(v => v == 0)));

    private ILookup<string, CellRun> ByArm => field ??= Cells.ToLookup(c => c.Arm);

    public IEnumerable<CellRun> Of(string arm) => ByArm[arm];
}
