using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>Question, status and the judged claims.</summary>
internal static class AnswerSection
{
    private const int MostOthers = 3;

    public static Html Of(RunResults run) => Html.Of($"""
        <header>
        <p class="kicker">Experiment</p>
        <h1>{run.Plan.Name}</h1>
        <p class="question">{LongText.Of(run.Plan.Question)}</p>
        <p class="status">{Status(run)}</p>
        </header>
        {Notes(run)}{(run.CodeNote is { } mixed ? Html.Of($"<section class=\"notes\" aria-label=\"Different code\"><h2>Different code</h2><p>{mixed}</p></section>") : Html.Empty)}
        <section id="answer" aria-labelledby="answer-title">
        <h2 id="answer-title">Short answer</h2>
        {(run.Plan.Claims.Count > 0 ? Claims(run) : WithoutClaims(run))}
        </section>
        <details id="reading"><summary>How to read this</summary>
        <p>Every arm is the baseline with the named settings changed, trained on the same data, noise and order of pictures at each seed, so rows and pictures can be compared one to one.
        Numbers are means over seeds; “±” and parentheses are 95 % intervals (Student’s t), which need at least two seeds. Differences, effects and trends are tested paired by seed. What the experiment’s <code>measure</code> names is adjusted by Holm over all its arms and metrics (effects and trends likewise among themselves), and only there an arm is called better or worse, below 0.05. Everything else is exploratory: adjusted by Benjamini and Hochberg, marked as such, worth a test of its own and not a finding. Claims have one p-value each, Holm-adjusted over the claims.</p>
        </details>

        """);

    private static string Status(RunResults run)
    {
        int finished = run.Cells.Count(c => c.State == CellState.Done);
        int failed = run.Cells.Count(c => c.State == CellState.Failed);
        int stopped = run.Cells.Count(c => c.State == CellState.Stopped), unfinished = run.Cells.Count - finished - failed - stopped;
        int seeds = run.Cells.Select(c => c.Seed).Distinct().Count();
        return $"{Count(run.Arms.Count, "arm")}, {Count(seeds, "seed")}: {finished} of {Count(run.Cells.Count, "cell")} finished"
            + (failed > 0 ? $", {failed} failed" : "") + (stopped > 0 ? $", {stopped} stopped by the search" : "") + (unfinished > 0 ? $", {unfinished} unfinished" : "") + ".";
    }

    private static Html Notes(RunResults run) => run.Notes.Count == 0 ? Html.Empty : Html.Of($"""
        <section class="notes" aria-label="Notes on the files"><h2>Not everything could be read</h2>
        <ul>{run.Notes.Select(n => Html.Of($"<li>{n}</li>"))}</ul></section>
        """);

    private static Html Claims(RunResults run) => Html.Of($"""
        <ol class="claims">{run.Plan.Claims.Select(c => Html.Of($"""
            <li class="{Kind(c.Verdict)}"><span class="verdict">{Mark(c.Verdict)} {c.MarkedVerdict}</span>
            <div><strong>{c.Say}</strong><span class="evidence">{c.Evidence}</span><code>{c.Test}</code></div></li>
            """))}</ol>
        """);

    private static Html WithoutClaims(RunResults run)
    {
        Html[] sentences = [.. run.Statistics.Metrics
            .Where(m => MetricName.Of(m).Better != Better.Unknown && !run.IsTheSame(m)).Take(4)
            .Select(m => Sentence(run, m))];
        return sentences.Length == 0
            ? Html.Of($"<p>No cell has finished yet, or no number differs between the arms; there is nothing to answer with.</p>")
            : Html.Of($"<p>The experiment file states no claims. What the numbers say:</p><ul>{sentences}</ul>");
    }

    private static Html Sentence(RunResults run, string metric)
    {
        MetricName name = MetricName.Of(metric);
        (string Arm, Estimate Value)[] arms = [.. run.Arms
            .Select(a => (a.Name, Value: run.Statistics.Mean(metric, a.Name)))
            .Where(a => a.Value is { } v && double.IsFinite(v.Mean)).Select(a => (a.Name, a.Value!))];
        if (arms.Length == 0)
        {
            return Html.Of($"<li>{name.Label}: not a number in any arm.</li>");
        }

        (string Arm, Estimate Value) best = name.Better == Better.Higher ? arms.MaxBy(a => a.Value.Mean) : arms.MinBy(a => a.Value.Mean);
        string[] rest = [.. arms.Where(a => a.Arm != best.Arm).Select(a => $"{a.Arm} {name.Format(a.Value.Mean)}")];
        string others = string.Join(", ", rest.Take(MostOthers)) + (rest.Length > MostOthers ? $" and {rest.Length - MostOthers} more" : "");
        return Html.Of($"<li>{name.Label}: best in <strong>{best.Arm}</strong> with {name.Format(best.Value.Mean)}{(others.Length > 0 ? $" (against {others})" : "")}{(best.Value.Count < 2 ? "; one seed, so no interval" : "")}.</li>");
    }

    private static string Kind(string verdict) => verdict switch { "supported" => "supported", "contradicted" => "contradicted", _ => "undecided" };

    private static string Mark(string verdict) => verdict switch { "supported" => "✓", "contradicted" => "✗", _ => "?" };

    private static string Count(int count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";
}
