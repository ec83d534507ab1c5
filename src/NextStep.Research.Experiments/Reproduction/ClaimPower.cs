namespace NextStep.Research.Experiments;

/// <summary>What the seeds of one comparison could find, from the spread that they had themselves.</summary>
/// <param name="Comparison">As written.</param>
/// <param name="Seeds">That have all its numbers.</param>
/// <param name="Deviation">Standard deviation of left − right over them.</param>
/// <param name="Detectable">The smallest difference that they find eight times of ten; of an equality the chance to show it where there is no difference.</param>
/// <param name="Needed">Seeds that find the difference that was seen, or show the equality where there is none, eight times of ten; null beyond ten thousand.</param>
/// <param name="IsEquality">Whether equality is claimed.</param>
internal sealed record ClaimPower(string Comparison, int Seeds, double Deviation, double Detectable, int? Needed, bool IsEquality)
{
    private const int MostSeeds = 1000;

    /// <summary>One a comparison that has a spread.</summary>
    /// <param name="claim">Judged.</param>
    /// <param name="claims">Of the experiment; Holm corrects over them, and this is its first, strictest step.</param>
    public static IReadOnlyList<ClaimPower> Of(PlannedClaim claim, int claims)
    {
        ArgumentNullException.ThrowIfNull(claim);
        double level = PairedComparison.Significance / Math.Max(1, claims);
        return [.. claim.Findings.Select(f => Of(f, level)).OfType<ClaimPower>()];
    }

    private static ClaimPower? Of(ClaimFinding finding, double level)
    {
        if (finding.Difference is not { Count: > 1, HalfWidth: > 0 } difference)
        {
            return null;
        }
        int seeds = difference.Count;
        double deviation = difference.HalfWidth.Value * Math.Sqrt(seeds) / StudentQuantile.Upper(seeds - 1, 0.025);
        return finding.Equivalence is { } equal
            ? new ClaimPower(finding.Comparison, seeds, deviation, PairedPower.OfEquivalence(seeds, equal.Margin, deviation), SeedsForEquality(equal.Margin, deviation), true)
            : new ClaimPower(finding.Comparison, seeds, deviation, PairedPower.Detectable(seeds, deviation, level), PairedPower.SeedsFor(difference.Mean, deviation, level), false);
    }

    private static int? SeedsForEquality(double margin, double deviation)
    {
        if (PairedPower.OfEquivalence(MostSeeds, margin, deviation) < PairedPower.Wanted)
        {
            return null;
        }
        (int low, int high) = (1, MostSeeds); // too few, enough
        while (high - low > 1)
        {
            int middle = (low + high) / 2;
            (low, high) = PairedPower.OfEquivalence(middle, margin, deviation) < PairedPower.Wanted ? (middle, high) : (low, middle);
        }
        return high;
    }
}
