using NextStep.Research.Experiments;
using NextStep.Research.Reports;
using Spectre.Console;

namespace NextStep.Research.Cli;

/// <summary>How a search by halving went, on the console.</summary>
internal static class SearchTable
{
    /// <summary>Writes it; nothing where the plan has no rungs.</summary>
    public static void Write(RunFolder folder, Plan plan)
    {
        if (SearchRows.Of(plan, SearchWatch.Read(folder, plan)) is not { } rows)
        {
            return;
        }
        Table table = new Table().Border(TableBorder.Simple).AddColumns([.. rows.Columns]);
        foreach (IReadOnlyList<string> row in rows.Rows)
        {
            table.AddRow(row.Select(t => new Text(t)));
        }
        AnsiConsole.Write(table);
        AnsiConsole.WriteLine(rows.Summary);
    }

    /// <summary>What a search will do, for the plan.</summary>
    public static string? Describe(Plan plan)
    {
        if (plan.Search is not { } search)
        {
            return null;
        }
        List<string> parts = [$"search by {search.Method.ToString().ToLowerInvariant()}: {plan.Arms.Count} arms"];
        int arms = plan.Arms.Count;
        foreach (long images in search.Rungs)
        {
            int kept = search.Kept(arms);
            parts.Add(FormattableString.Invariant($"after {images:#,0} images the best {kept} by {search.Metric}{(plan.Rungs.Any(c => c.Stages.Any(s => s.From is not null)) || plan.Cells.Any(c => c.Stages.Any(s => s.From is not null)) ? " go on" : " train anew (training.model.schedule: constant would let them go on)")}"));
            arms = Math.Min(arms, kept + 1);
        }
        parts.AddRange(search.Stop.Select(r => FormattableString.Invariant($"hopeless: {r.Metric} {(r.Above is { } above ? $"above {above}" : "")}{(r.Above is not null && r.Below is not null ? " or " : "")}{(r.Below is { } below ? $"below {below}" : "")} from {r.After:#,0} images on")));
        return string.Join("; ", parts);
    }
}
