namespace NextStep.Research.Experiments;

/// <summary>What the planned seeds can find out about one metric.</summary>
/// <param name="Spread">From an earlier run.</param>
/// <param name="Seeds">As planned.</param>
/// <param name="Comparisons">That the report corrects for: arms beside the baseline × metrics that <c>measure</c> names.</param>
/// <param name="Difference">The one that is wanted; null: none was named.</param>
internal sealed record PlannedPower(EarlierSpread Spread, int Seeds, int Comparisons, double? Difference)
{
    // Holm's first step; later ones are kinder.
    private double Level => PairedComparison.Significance / Math.Max(1, Comparisons);

    /// <summary>The smallest difference that the seeds find eight times of ten; null for one seed.</summary>
    public double? Detectable => Seeds < 2 || Spread.Deviation == 0 ? null : PairedPower.Detectable(Seeds, Spread.Deviation, Level);

    /// <summary>How likely the seeds find the wanted difference; null for one seed, and where none is wanted.</summary>
    public double? Power => Seeds < 2 || Difference is not { } wanted || Spread.Deviation == 0 ? null : PairedPower.Of(Seeds, wanted, Spread.Deviation, Level);

    /// <summary>Seeds that find the wanted difference, or without one the largest of the earlier run, eight times of ten; null where ten thousand do not.</summary>
    public int? Needed => Spread.Deviation == 0 ? null : PairedPower.SeedsFor(Difference ?? Spread.Largest, Spread.Deviation, Level);

    /// <summary>The metrics that are asked about: those that <c>measure</c> names, and those of the claims.</summary>
    public static IReadOnlyList<string> Metrics(Plan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return [.. plan.Measure.Where(m => !m.Contains('*', StringComparison.Ordinal) && !m.Contains('?', StringComparison.Ordinal))
            .Concat(plan.Claims.SelectMany(c => ClaimParser.Parse(c.Test)).SelectMany(c => c.Terms()).OfType<ClaimTerm.Measured>().Select(t => t.Name)).Distinct()];
    }

    /// <summary>For every metric that an earlier run has a spread of.</summary>
    /// <param name="plan">What is planned.</param>
    /// <param name="folder">Where it will run.</param>
    /// <param name="before">The plan that is there; null: none.</param>
    /// <param name="from">The run folder whose spread is taken; null: this one, then those beside it.</param>
    /// <param name="difference">The one that is wanted, or null.</param>
    public static IReadOnlyList<PlannedPower> Of(Plan plan, RunFolder folder, Plan? before, string? from, double? difference)
    {
        IReadOnlyList<string> metrics = Metrics(plan);
        int comparisons = (plan.Arms.Count - 1) * Math.Max(1, metrics.Count(plan.Measure.Contains)), seeds = plan.Cells.Select(c => c.Seed).Distinct().Count();
        return plan.Arms.Count < 2 ? [] : [.. EarlierSpread.Read(folder, before, metrics, from).Select(s => new PlannedPower(s, seeds, comparisons, difference))];
    }

    /// <summary>The claims that something stays within a margin, with how likely the seeds show it where there is no difference at all.</summary>
    public static IReadOnlyList<(string Say, double Margin, double Power)> Equivalences(Plan plan, IReadOnlyList<PlannedPower> powers)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(powers);
        return [.. plan.Claims.SelectMany(c => ClaimParser.Parse(c.Test).Select(t => (c.Say, Comparison: t)))
            .Where(t => t.Comparison is { Left: ClaimTerm.Metric, Right: ClaimTerm.Metric, Margin: ClaimTerm.Number } && ((ClaimTerm.Metric)t.Comparison.Left).Name == ((ClaimTerm.Metric)t.Comparison.Right).Name)
            .Select(t => (t.Say, Margin: ((ClaimTerm.Number)t.Comparison.Margin!).Value, Power: powers.FirstOrDefault(p => p.Spread.Metric == ((ClaimTerm.Metric)t.Comparison.Left).Name)))
            .Where(t => t.Power is { Seeds: > 1, Spread.Deviation: > 0 })
            .Select(t => (t.Say, t.Margin, PairedPower.OfEquivalence(t.Power!.Seeds, t.Margin, t.Power.Spread.Deviation)))];
    }
}
