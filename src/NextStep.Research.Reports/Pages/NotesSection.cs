namespace NextStep.Research.Reports;

/// <summary>What people wrote about cells.</summary>
internal static class NotesSection
{
    public static Html Of(RunResults run)
    {
        CellRun[] noted = [.. run.Cells.Where(c => c.Note is not null)];
        return noted.Length == 0 ? Html.Empty : Html.Of($"""
            <section id="notes" aria-labelledby="notes-title">
            <h2 id="notes-title">Notes</h2>
            <ul>{noted.Select(c => Html.Of($"<li><bdi>{c.Cell.Label}</bdi>: {LongText.Of($"{c.Note}")}</li>"))}</ul>
            </section>

            """);
    }
}
