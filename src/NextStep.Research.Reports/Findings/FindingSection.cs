using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>One claim on the page of findings: question, paper, verdicts, figures, pictures, doubts, commands.</summary>
internal static class FindingSection
{
    private const int MostFigures = 2;
    private const int LongCommit = 10;

    public static Html Of(ReproducedClaim claim, bool smoke, bool beyond = false)
    {
        string name = claim.File.Name;
        return Html.Of($"""
            <section id="{name}" aria-labelledby="{name}-title">
            <h2 id="{name}-title">{name}</h2>
            <p class="question">{LongText.Of(claim.Experiment.Question)}</p>
            {(claim.Experiment.Paper is { } paper ? Html.Of($"<p><strong>The paper.</strong> {paper.Says} <span class=\"soft\">({paper.Where})</span></p>") : Html.Empty)}
            {Verdicts(claim)}
            {(claim.HasNumbers ? Html.Of($"<div class=\"charts\">{Figures(claim).Select(FigureHtml.Of)}</div>") : Html.Empty)}
            {(smoke ? Html.Empty : Pictures(claim))}
            {(claim.Experiment.Sceptic.Length > 0 ? Html.Of($"<p><strong>What a sceptic would say.</strong> {claim.Experiment.Sceptic}</p>") : Html.Empty)}
            {Origin(claim)}
            <pre><code>nextstep reproduce {(beyond ? "--beyond " : "")}{(smoke ? "--smoke " : "")}{name}{(smoke ? "" : $"\nnextstep reproduce {(beyond ? "--beyond " : "")}--check {name}")}</code></pre>
            </section>

            """);
    }

    /// <summary>The class of a verdict.</summary>
    public static string Kind(string verdict) => verdict.Split(',')[0] is "supported" or "contradicted" ? verdict.Split(',')[0] : "undecided";

    private static Html Verdicts(ReproducedClaim claim) => Html.Of($"""
        <ol class="claims">{claim.Plan.Claims.Zip(FindingRow.Of(claim)).Select(c => Html.Of($"""
            <li class="{Kind(c.Second.Verdict)}"><span class="verdict">{Mark(claim, c.Second.Verdict)} {c.Second.Verdict}</span>
            <div><strong>{c.First.Say}</strong>{(claim.HasNumbers ? Html.Of($"<span class=\"evidence\">{c.First.Evidence}</span>") : Html.Empty)}{(c.Second.Power.Length > 0 ? Html.Of($"<span class=\"evidence\">{c.Second.Power}</span>") : Html.Empty)}<code>{c.First.Test}</code></div></li>
            """))}</ol>
        """);

    private static string Mark(ReproducedClaim claim, string verdict) => !claim.HasNumbers ? "–" : Kind(verdict) switch { "supported" => "✓", "contradicted" => "✗", _ => "?" };

    // What an axis or a grid does to a metric before its bare intervals; the metrics in the order of measure and tests.
    private static IEnumerable<RunFigure> Figures(ReproducedClaim claim)
    {
        Dictionary<string, CellResult> results = claim.Results.ToDictionary(r => r.Cell);
        Dictionary<string, CellFailure> failures = claim.Failures.ToDictionary(f => f.Cell);
        RunResults run = new(claim.Plan,
        [
            .. claim.Plan.Cells.Select(c => results.TryGetValue(c.Key, out CellResult? result) ? new CellRun(c, CellState.Done) { Result = result }
                : failures.TryGetValue(c.Key, out CellFailure? failure) ? new CellRun(c, CellState.Failed) { Failure = failure } : new CellRun(c, CellState.Waiting)),
        ],
        []);
        IReadOnlyList<RunFigure> all = RunFigures.All(run);
        RunFigure[] priced = [.. all.Where(f => f.Topic == FigureTopic.Numbers && f.Name.EndsWith("-for-" + claim.Plan.Pareto, StringComparison.Ordinal))];
        return (priced.Length > 0 ? priced : PlannedPower.Metrics(claim.Plan)
            .Select(m => all.FirstOrDefault(f => f.Topic == FigureTopic.Effects && f.Name.StartsWith(m + "-along-", StringComparison.Ordinal))
                ?? all.FirstOrDefault(f => f.Topic == FigureTopic.Effects && f.Figure.Kind == FigureKind.HeatMap && f.Name.StartsWith(m + "-", StringComparison.Ordinal))
                ?? all.FirstOrDefault(f => f.Topic == FigureTopic.Numbers && f.Name == m))
            .OfType<RunFigure>()).Take(MostFigures).Select(f => f with { Name = $"{claim.File.Name}-{f.Name}" });
    }

    private static Html Pictures(ReproducedClaim claim)
    {
        if (!File.Exists(claim.File.Picture))
        {
            return Html.Empty;
        }
        List<string> notes = [];
        IReadOnlyList<string> rows = ClaimSheet.Rows(claim.Experiment);
        return Picture.Read(claim.File.Picture, Path.GetFileName(claim.File.Picture), notes) is { } sheet
            ? Html.Of($"""
                <figure class="drawn"><figcaption>Drawn at seed {claim.Experiment.Seeds[0]}, the same prompts and noise in each row; rows from the top: {string.Join(", ", rows)}</figcaption>
                <div class="scroll"><img src="{sheet.DataUri}" width="{sheet.Width * 2}" height="{sheet.Height * 2}" alt="Pictures drawn by {string.Join(", ", rows)}, a row each"></div></figure>
                """)
            : Html.Of($"<p class=\"missing\">{string.Join(" ", notes)}</p>");
    }

    // A whole hash is longer than anyone reads; what stands behind it stays.
    private static string Short(string commit)
    {
        int digits = commit.TakeWhile(char.IsAsciiHexDigit).Count();
        return digits > LongCommit ? commit[..LongCommit] + commit[digits..] : commit;
    }

    private static Html Origin(ReproducedClaim claim)
    {
        if (!claim.HasNumbers)
        {
            return Html.Of($"<p class=\"missing\">{(claim.Faults.Count > 0 ? "The results are damaged; nothing is decided by them." : "Not run yet: nothing is decided.")}</p>");
        }
        string[] threads = [.. claim.Results.SelectMany(r => r.Threads.Values).Distinct().Order().Select(t => FormattableString.Invariant($"{t}"))];
        string[] products = [.. claim.Results.Select(r => r.Provenance.GetValueOrDefault("products", "")).Where(p => p.Length > 0).Distinct()];
        string[] commits = [.. claim.Results.Select(r => r.Provenance.GetValueOrDefault("commit", "")).Where(c => c.Length > 0).Select(Short).Distinct()];
        string seconds = Numbers.Duration(claim.Results.Sum(r => r.Seconds.Values.Sum()));
        string text = $"{claim.Results.Count} of {claim.Plan.Cells.Count} cells{(claim.Failures.Count > 0 ? $", {claim.Failures.Count} failed" : "")}; {seconds} over all of them"
            + (threads.Length > 0 ? $", {string.Join(" or ", threads)} CPU {(threads is ["1"] ? "thread" : "threads")} a cell" : "")
            + (products.Length > 0 ? $"; products by {string.Join(" and ", products)}" : "")
            + (commits.Length > 0 ? $"; commit {string.Join("; ", commits)}" : "");
        return Html.Of($"<p class=\"small\">{text}.{(claim.OtherCode.Length > 0 ? $" Results {claim.OtherCode}." : "")}{(claim.Mixed.Length > 0 ? $" {claim.Mixed}" : "")}</p>");
    }
}
