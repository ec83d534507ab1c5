namespace NextStep.Research.Experiments;

/// <summary>How a search chooses its arms.</summary>
public enum SearchMethod
{
    /// <summary>The arms of the file, all to the end; for the sake of <see cref="SearchPlan.Stop"/>.</summary>
    Grid,

    /// <summary>Independent draws from the ranges.</summary>
    Random,

    /// <summary>Points of a Sobol' sequence, shifted at random: few points fill the ranges evenly.</summary>
    Sobol,

    /// <summary>Successive halving (Jamieson and Talwalkar 2016): all arms train a little, the better ones go on.</summary>
    Halving,
}

/// <summary>The <c>search</c> node of an experiment file, as the plan keeps it.</summary>
public sealed record SearchPlan
{
    /// <summary>How arms are chosen.</summary>
    public required SearchMethod Method { get; init; }

    /// <summary>The metric that arms are ranked by, its mean over the seeds; empty without halving.</summary>
    public string Metric { get; init; } = "";

    /// <summary>Whether more of it is better.</summary>
    public bool Maximize { get; init; } = true;

    /// <summary>Values of <c>training.model.images</c> after which arms are ranked, rising, all below that of the arms; empty without halving.</summary>
    public IReadOnlyList<long> Rungs { get; init; } = [];

    /// <summary>The share of the arms that a rung keeps, above 0 and below 1: rounded up, at least one arm, and the baseline always beside them.</summary>
    public double Keep { get; init; } = 0.5;

    /// <summary>Rules by which a hopeless training is stopped.</summary>
    public IReadOnlyList<StopRule> Stop { get; init; } = [];

    /// <summary>How many of so many arms a rung keeps, the baseline aside.</summary>
    public int Kept(int arms) => Math.Clamp((int)Math.Ceiling((arms * Keep) - 1e-9), 1, Math.Max(1, arms));
}

/// <summary>A training is hopeless when its logged number is beyond a bound.</summary>
/// <param name="Metric"><c>stage.name</c>, for instance <c>model.flow.loss</c>.</param>
/// <param name="Above">The largest number that is not hopeless; null: no such bound.</param>
/// <param name="Below">The smallest; null: no such bound.</param>
/// <param name="After">Images seen before which nothing is judged.</param>
public sealed record StopRule(string Metric, double? Above, double? Below, long After)
{
    /// <summary>A sentence where the progress of a stage is hopeless, else null. A number that is not finite is.</summary>
    public string? Judge(string stage, StageProgress progress)
    {
        ArgumentNullException.ThrowIfNull(stage);
        ArgumentNullException.ThrowIfNull(progress);
        return Metric.StartsWith(stage + ".", StringComparison.Ordinal) && progress.Done >= After && progress.Metrics.TryGetValue(Metric[(stage.Length + 1)..], out double value)
            && (!double.IsFinite(value) || value > Above || value < Below)
            ? FormattableString.Invariant($"{Metric} {value:G4} is {(value < Below ? $"below {Below}" : $"above {Above}")} at {progress.Done} {progress.Unit}: stopped by the rule of the search")
            : null;
    }
}

/// <summary>Ends a stage that a <see cref="StopRule"/> calls hopeless.</summary>
internal sealed class HopelessException(string message) : Exception(message);
