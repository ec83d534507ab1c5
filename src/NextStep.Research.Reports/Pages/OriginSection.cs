using System.Globalization;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>Cells that did not finish, where the numbers come from, and how to get them again.</summary>
internal static class OriginSection
{
    private const int MostDifferences = 10;

    public static Html Of(RunResults run) => Html.Of($"""
        {Cells(run)}
        {Proof(run.ResumeProof)}
        <section id="origin" aria-labelledby="origin-title">
        <h2 id="origin-title">Provenance</h2>
        <div class="scroll"><table class="pairs"><caption class="hidden">What ran, on what</caption>
        <tbody>{run.Plan.Provenance.Concat(Times(run)).Select(p => Html.Of($"<tr><th scope=\"row\">{p.Key}</th><td>{p.Value}</td></tr>"))}</tbody></table></div>
        {(run.Plan.Commands.Count == 0 ? Html.Empty : Html.Of($"<h3>The same again</h3><pre><code>{string.Join('\n', run.Plan.Commands)}</code></pre>"))}
        </section>

        """);

    private static Html Proof(ResumeProof? proof) => proof is null ? Html.Empty : Html.Of($"""
        <section id="resume" aria-labelledby="resume-title">
        <h2 id="resume-title">Resume proof</h2>
        <p>{(proof.Identical ? "✓" : "✗")} One cell (<bdi>{proof.Cell}</bdi>; {proof.Shortened}) was run twice: once left alone, once killed {Times(proof.Kills)} while it worked, {Times(proof.PowerCuts)} with its newest files cut short as by a power cut{(proof.Resumed > 0 ? $"; {Times(proof.Resumed)} it went on from a whole checkpoint" : "")}.
        {(proof.Identical ? Html.Of($"All {proof.FilesCompared} files compared are the same to the last bit.") : proof.Differences.Count == 0 ? Html.Of($"<strong class=\"worse\">Nothing is proved:</strong> no kill found a checkpoint to go on from.") : Html.Of($"<strong class=\"worse\">{proof.Differences.Count} of {proof.FilesCompared} files differ:</strong> {string.Join(", ", proof.Differences.Take(MostDifferences))}{(proof.Differences.Count > MostDifferences ? " …" : "")}."))}</p>
        <p class="small">{proof.Date.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture)}</p>
        </section>

        """);

    private static string Times(int count) => count == 1 ? "once" : $"{count} times";

    private static Html Cells(RunResults run)
    {
        CellRun[] open = [.. run.Cells.Where(c => c.State != CellState.Done)];
        return open.Length == 0 ? Html.Empty : Html.Of($"""
            <section id="failures" aria-labelledby="failures-title">
            <h2 id="failures-title">Failed and unfinished cells</h2>
            <div class="scroll"><table><caption class="hidden">Cells without a result</caption>
            <thead><tr><th scope="col">Arm</th><th scope="col">Seed</th><th scope="col">Cell</th><th scope="col">State</th><th scope="col">What happened</th></tr></thead>
            <tbody>{open.Select(c => Html.Of($"<tr><th scope=\"row\"><bdi>{c.Arm}</bdi></th><td>{c.Seed}</td><td><code>{c.Cell.Key}</code></td><td>{(c.State switch { CellState.Failed => "✗ failed", CellState.Stopped => "– stopped", _ => "… unfinished" })}</td><td>{What(c)}</td></tr>"))}</tbody>
            </table></div>
            <p class="small">Numbers, curves and pictures of these cells are left out or end early. Running the sweep again resumes what is unfinished.</p>
            </section>

            """);
    }

    private static Html What(CellRun cell) => cell.State == CellState.Failed
        ? cell.Failure is { } failure ? What(failure) : Html.Of($"failure.json could not be read.")
        : Html.Of($"{Progress(cell)}");

    private static Html What(CellFailure failure) => Html.Of($"""
        {LongText.Of(failure.Message)}<span class="sub">{failure.Type} in stage {failure.Stage}{(failure.Step.Length > 0 ? ", " + failure.Step : "")}</span>
        {(failure.BatchIds.Count > 0 ? Html.Of($"<span class=\"sub\">pictures of the step: {LongText.Short(string.Join(", ", failure.BatchIds))}</span>") : Html.Empty)}
        <span class="sub">{(failure.Capsule.Length > 0 ? "capsule, for nextstep replay" : "what it saved")}: <code>{(failure.Capsule.Length > 0 ? failure.Capsule : failure.Folder)}</code></span>
        {(failure.Log.Count == 0 ? Html.Empty : Html.Of($"<details><summary>Last lines of its log</summary><pre>{string.Join('\n', failure.Log)}</pre></details>"))}
        """);

    private static string Progress(CellRun cell)
    {
        string[] stages = [.. cell.Log.Curves.GroupBy(c => c.Key.Stage).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => $"{g.Key} at {Numbers.Format(g.Max(c => c.Value.Images[^1]))} images")];
        return stages.Length == 0 ? "not begun" : string.Join(", ", stages);
    }

    private static IEnumerable<KeyValuePair<string, string>> Times(RunResults run)
    {
        string[] stages = [.. run.Cells.SelectMany(c => c.Result?.Seconds ?? new Dictionary<string, double>())
            .GroupBy(s => s.Key).Select(g => (Stage: g.Key, Seconds: g.Sum(s => s.Value))).Where(s => s.Seconds > 0)
            .OrderByDescending(s => s.Seconds).ThenBy(s => s.Stage, StringComparer.Ordinal)
            .Select(s => $"{s.Stage} {Numbers.Duration(s.Seconds)}")];
        if (stages.Length > 0)
        {
            yield return new("Time in finished cells", string.Join(", ", stages));
        }
    }
}
