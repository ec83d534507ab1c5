using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>All claims of a collection on one page, as NextStep-1's findings at small scale: one HTML file that needs no network; the same results give the same bytes.</summary>
internal static class FindingsPage
{
    /// <summary>Writes the page.</summary>
    /// <param name="claims">All, run or not.</param>
    /// <param name="outputFile">The page.</param>
    /// <param name="smoke">Whether the numbers are those of the small form, which says nothing about the claims.</param>
    /// <param name="beyond">Whether they are of the collection <c>beyond</c>, not of the paper's claims.</param>
    /// <exception cref="IOException">It cannot be written; an older page is left as it was.</exception>
    public static void Write(IReadOnlyList<ReproducedClaim> claims, string outputFile, bool smoke, bool beyond = false)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(outputFile))!);
        AtomicFile.WriteText(outputFile, Of(claims, smoke, beyond).Markup);
    }

    /// <summary>The page's markup.</summary>
    public static Html Of(IReadOnlyList<ReproducedClaim> claims, bool smoke, bool beyond = false) => Html.Of($"""
        {HtmlReport.Head(Title(beyond), "findings.css")}
        <body>
        <a class="skip" href="#summary">Skip to the summary</a>
        <main>
        <header>
        <p class="kicker">{(beyond ? "What the paper leaves open, tried" : "Claims of the paper, tested")}</p>
        <h1>{Title(beyond)}</h1>
        <p class="question">{(beyond
            ? "Few evaluations a token, fewer steps of the transformer, learning from a verifier: each method of the field’s later work with a test that was written before the run, from the small model that comes with the kit."
            : "What the paper says of its design, each claim with a test that was written before the run, on pictures of 32 to 64 pixels and models of a few hundred thousand parameters.")}</p>
        <p class="status">{Status(claims)}</p>
        </header>
        {(smoke ? Html.Of($"<section class=\"notes\" aria-label=\"Smoke form\"><h2>Smoke form</h2><p>Everything was shrunk to a minute, to see that it runs. No number here says anything about a claim.</p></section>") : Html.Empty)}
        {Notes(claims)}
        {Summary(claims, smoke, beyond)}
        {claims.Select(c => FindingSection.Of(c, smoke, beyond))}
        </main>
        <script>{new Html(IsolatedPlotly.Script())}</script>
        <script>
        {HtmlReport.Asset("page.js")}{HtmlReport.Asset("charts.js")}</script>
        </body>
        </html>

        """);

    private static string Title(bool beyond) => beyond ? "Beyond NextStep-1, at small scale" : "NextStep-1’s findings at small scale";

    private static string Status(IReadOnlyList<ReproducedClaim> claims)
    {
        PlannedClaim[] judged = [.. claims.Where(c => c.HasNumbers).SelectMany(c => c.Plan.Claims)];
        int open = claims.Count(c => !c.HasNumbers && c.Faults.Count == 0), damaged = claims.Count(c => c.Faults.Count > 0);
        return $"{claims.Count(c => c.HasNumbers)} of {claims.Count} claims run, with {judged.Length} tests: {Count("supported")} supported, {Count("contradicted")} contradicted, {Count("undecided")} undecided"
            + (open > 0 ? $"; {open} not run yet" : "") + (damaged > 0 ? $"; the results of {damaged} are damaged" : "") + ".";

        int Count(string verdict) => judged.Count(c => c.Verdict == verdict);
    }

    private static Html Notes(IReadOnlyList<ReproducedClaim> claims)
    {
        string[] faults = [.. claims.SelectMany(c => c.Faults)];
        return faults.Length == 0 ? Html.Empty : Html.Of($"""
            <section class="notes" aria-label="Damaged results"><h2>Not everything can be trusted</h2>
            <ul>{faults.Select(f => Html.Of($"<li>{f}</li>"))}</ul></section>
            """);
    }

    private static Html Summary(IReadOnlyList<ReproducedClaim> claims, bool smoke, bool beyond) => Html.Of($"""
        <section id="summary" aria-labelledby="summary-title">
        <h2 id="summary-title">Summary</h2>
        <div class="scroll"><table class="findings">
        <thead><tr><th scope="col">Claim</th><th scope="col">Test</th><th scope="col">Verdict</th><th scope="col">Left − right of the test</th><th scope="col">p, Holm</th><th scope="col">Seeds</th></tr></thead>
        <tbody>{FindingRow.Of(claims).Select(r => Html.Of($"""
            <tr class="{FindingSection.Kind(r.Verdict)}"><th scope="row"><a href="#{r.Claim}">{r.Claim}</a></th><td>{r.Say}</td><td><span class="verdict">{r.Verdict}</span></td><td>{r.Effect}</td><td>{r.P}</td><td>{r.Seeds}</td></tr>
            """))}</tbody></table></div>
        <p class="small">Means over the seeds of left − right of each test, arms paired by seed, with 95 % intervals (Student’s t); p by paired t-tests, of equalities by two one-sided ones, Holm over the tests of a claim. Undecided means that neither the claim nor its contrary is significant. From: <code>nextstep reproduce {(beyond ? "--beyond " : "")}{(smoke ? "--smoke" : "--check")}</code>.</p>
        </section>

        """);
}
