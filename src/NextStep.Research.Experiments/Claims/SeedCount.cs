namespace NextStep.Research.Experiments;

/// <summary>On how many of the planned seeds a claim was judged, and what became of the others.</summary>
/// <param name="Used">Seeds with all numbers that the claim needs.</param>
/// <param name="Planned">Seeds of the plan.</param>
/// <param name="Failed">Cells of the claim's arms that failed, with the reason: <c>big, seed 2 (model: loss is NaN)</c>.</param>
/// <param name="Waiting">Cells of the claim's arms that have not ended yet.</param>
/// <param name="Without">Seeds whose cells all ended, but left a number out.</param>
public sealed record SeedCount(int Used, int Planned, IReadOnlyList<string> Failed, int Waiting, int Without)
{
    private const int MostNamed = 3;

    /// <summary>Before a claim is judged.</summary>
    public static SeedCount None { get; } = new(0, 0, [], 0, 0);

    /// <summary>Whether a verdict may change, or stands only for the seeds that did not fail.</summary>
    public bool IsPreliminary => Used > 0 && Used < Planned;

    internal static SeedCount Of(Plan plan, HashSet<string> arms, int used, IReadOnlyList<CellResult> results, IReadOnlyList<CellFailure> failures)
    {
        HashSet<(string, long)> done = [.. results.Select(r => (r.Arm, r.Seed))];
        Dictionary<string, CellFailure> failed = failures.DistinctBy(f => f.Cell).ToDictionary(f => f.Cell);
        PlannedCell[] cells = [.. plan.Cells.Where(c => arms.Contains(c.Arm))], open = [.. cells.Where(c => !done.Contains((c.Arm, c.Seed)))];
        string[] named = [.. open.Where(c => failed.ContainsKey(c.Key)).Select(c => $"{c.Label} ({failed[c.Key].Stage}: {failed[c.Key].Message})")];
        int planned = cells.Select(c => c.Seed).Distinct().Count();
        return new SeedCount(used, planned, named, open.Length - named.Length, Math.Max(0, planned - open.Select(c => c.Seed).Distinct().Count() - used));
    }

    /// <summary>Before the evidence; empty where no seed is missing.</summary>
    internal string Prefix => Used >= Planned ? "" : $"{(Used > 0 ? "preliminary, " : "")}{Used} of {Planned} seeds{Reasons}: ";

    private string Reasons
    {
        get
        {
            List<string> reasons = [];
            if (Failed.Count > 0)
            {
                reasons.Add($"{Failed.Count} failed, and no verdict speaks of those: {string.Join(", ", Failed.Take(MostNamed))}{(Failed.Count > MostNamed ? ", …" : "")}");
            }
            if (Waiting > 0)
            {
                reasons.Add($"{Waiting} {(Waiting == 1 ? "cell" : "cells")} not run yet");
            }
            if (Without > 0)
            {
                reasons.Add($"{Without} without these numbers");
            }
            return reasons.Count == 0 ? "" : $" ({string.Join("; ", reasons)})";
        }
    }
}
