using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>What the sources held and what they did not use.</summary>
internal static class DataSection
{
    public static Html Of(RunResults run) => run.Data is not { Data.Count: > 0 } report ? Html.Empty : Html.Of($"""
        <section id="data" aria-labelledby="data-title">
        <h2 id="data-title">Data</h2>
        {report.Data.Select(d => One(d, report.Data.Count > 1))}
        </section>

        """);

    private static Html One(ArmData data, bool several) => Html.Of($"""
        {(several ? Html.Of($"<h3>{LongText.Short(string.Join(", ", data.Arms))}</h3>") : Html.Empty)}
        <p>{Side(data.Train)}; {Side(data.HeldOut)}. {(data.Train.Unused.Count == 0 ? "Every file was used." : "")}</p>
        {Unused(data.Train)}
        {(Notes(data) is { Length: > 0 } notes ? Html.Of($"<ul>{notes.Select(n => Html.Of($"<li>{n}</li>"))}</ul>") : Html.Empty)}
        """);

    private static Html Side(SourceReport side) => Html.Of($"<bdi>{side.Source}</bdi>: {side.Count} pictures");

    private static string[] Notes(ArmData data) => [.. data.Train.Notes.Concat(data.HeldOut.Notes).Distinct()];

    private static Html Unused(SourceReport side) => side.Unused.Count == 0 ? Html.Empty : Html.Of($"""
        <div class="scroll" role="region" aria-label="Files that were not used" tabindex="0"><table><caption class="hidden">Files that were not used, by reason</caption>
        <thead><tr><th scope="col">Not used</th><th scope="col">Why</th><th scope="col">Which</th></tr></thead>
        <tbody>{side.Unused.Select(u => Html.Of($"<tr><td>{u.Names.Count}</td><td>{u.Reason}</td><td>{Names(u)}</td></tr>"))}</tbody></table></div>
        """);

    private static string Names(UnusedFiles unused) =>
        string.Join(", ", unused.Names.Take(SourceReport.Shown)) + (unused.Names.Count > SourceReport.Shown ? $" and {unused.Names.Count - SourceReport.Shown} more in {DataReport.FileName}" : "");
}
