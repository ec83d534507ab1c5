using System.Globalization;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>How a search by halving went, as a table: an arm a row, the farthest and best first.</summary>
/// <param name="Columns">Arm, a column a rung, the whole training, what became of the arm.</param>
/// <param name="Rows">Texts by arm.</param>
/// <param name="Summary">A sentence.</param>
internal sealed record SearchRows(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows, string Summary)
{
    /// <summary>Of a search; null where the plan has no rungs.</summary>
    public static SearchRows? Of(Plan plan, SearchState? state)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (plan.Search is not { } search || state is null)
        {
            return null;
        }
        string metric = search.Metric;
        IReadOnlyDictionary<string, long> stopped = state.Stopped;
        List<(int Reached, int Rank, string[] Texts)> rows = [];
        foreach (PlannedArm arm in plan.Arms)
        {
            SearchStanding?[] standings = [.. state.Rungs.Select(r => r.Standings.FirstOrDefault(s => s.Arm == arm.Name))];
            int reached = Array.FindLastIndex(standings, s => s is not null);
            string[] places = [.. Enumerable.Range(0, search.Rungs.Count + 1).Select(r => r < standings.Length && standings[r] is { } s ? Text(s) : "")];
            rows.Add((reached, standings[reached]!.Rank, [arm.Name, .. places, stopped.TryGetValue(arm.Name, out long images) ? $"stopped after {Images(images)}" : state.Winner == arm.Name ? "best" : state.Winner is null ? "goes on" : "trained whole"]));
        }
        string summary = $"{metric}, its mean over {plan.Cells.Select(c => c.Seed).Distinct().Count()} seed(s), {(search.Maximize ? "highest" : "lowest")} first; a rung keeps {search.Keep.ToString("P0", CultureInfo.InvariantCulture)} of its arms, and the baseline beside them. "
            + "Numbers of a rung only chose; what the arms that went on come to, after the whole training, stands in the other tables.";
        return new SearchRows(["arm", .. search.Rungs.Select(Images), "whole training", ""], [.. rows.OrderByDescending(r => r.Reached).ThenBy(r => r.Rank == 0 ? int.MaxValue : r.Rank).Select(r => r.Texts)], summary);
    }

    private static string Images(long images) => string.Create(CultureInfo.InvariantCulture, $"{images:#,0} images");

    private static string Text(SearchStanding standing) =>
        (standing.Score is { } score ? Numbers.Format(score) : standing.Rank > 0 ? "failed" : "…") + (standing.Rank > 0 ? $" ({standing.Rank})" : "");
}
