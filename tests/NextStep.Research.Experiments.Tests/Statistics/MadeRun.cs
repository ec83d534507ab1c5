namespace NextStep.Research.Experiments.Tests;

/// <summary>A plan and its results in memory, with numbers from a function.</summary>
internal sealed class MadeRun
{
    private readonly List<CellResult> _results = [];

    /// <summary>Arms by name, the baseline first; a coordinate each where there is an axis.</summary>
    public MadeRun(string[] arms, int seeds, string? axis = null, string[]? values = null, PlannedAxis? known = null, string[]? measure = null, params string[] claims)
    {
        PlannedArm[] planned = [.. arms.Select((a, i) => new PlannedArm(a, new Dictionary<string, string>(), axis is null ? new Dictionary<string, string>() : new Dictionary<string, string> { [axis] = values![i] }))];
        Plan = new Plan
        {
            Name = "made", Question = "", Arms = planned, Axes = axis is null ? [] : [axis], Measure = measure ?? [], Config = new Dictionary<string, string>(),
            AxisValues = known is null ? new Dictionary<string, PlannedAxis>() : new Dictionary<string, PlannedAxis> { [axis!] = known },
            Cells = [.. Enumerable.Range(0, seeds).SelectMany(s => arms.Select((a, i) => new PlannedCell($"{i:x4}{s:x4}", a, s, [])))],
            Claims = [.. claims.Select((c, i) => new PlannedClaim($"claim {i}", c))],
        };
    }

    public Plan Plan { get; }

    public IReadOnlyList<CellResult> Results => _results;

    public IReadOnlyList<PlannedClaim> Judge(params CellFailure[] failures) => ClaimJudge.Judge(Plan, _results, failures);

    /// <summary>Finishes the cells that <paramref name="metrics"/> has numbers for.</summary>
    public MadeRun With(Func<string, long, Dictionary<string, double>?> metrics, Func<string, long, string>? right = null)
    {
        foreach (PlannedCell cell in Plan.Cells)
        {
            if (metrics(cell.Arm, cell.Seed) is { } numbers)
            {
                _results.Add(new CellResult
                {
                    Cell = cell.Key, Arm = cell.Arm, Seed = cell.Seed, Metrics = numbers, Stages = new Dictionary<string, string>(), Pictures = new Dictionary<string, string>(), Prompts = [], Seconds = new Dictionary<string, double>(),
                    Outcomes = right is null ? new Dictionary<string, PictureOutcomes>() : new Dictionary<string, PictureOutcomes> { ["alignment"] = new("tasks", right(cell.Arm, cell.Seed)) },
                });
            }
        }
        return this;
    }

    public MadeRun With(Func<string, long, double> metric) => With((a, s) => new Dictionary<string, double> { ["score"] = metric(a, s) });

    public static CellFailure Failure(PlannedCell cell) => new(cell.Key, cell.Arm, cell.Seed, "model", "ArithmeticException", "loss is NaN", "", "", [], "", DateTime.UnixEpoch);
}
