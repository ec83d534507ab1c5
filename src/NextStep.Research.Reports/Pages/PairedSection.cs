using System.Globalization;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports;

/// <summary>Arms against the baseline picture by picture: about the models that were trained, and beside it, over several seeds, about training.</summary>
internal static class PairedSection
{
    private const int MostRows = 60;

    public static Html Of(RunResults run)
    {
        IReadOnlyList<PictureComparison> comparisons = PictureComparison.Of(run.Plan, [.. run.Cells.Select(c => c.Result).OfType<CellResult>()]);
        PictureTest[] tests = [.. comparisons.SelectMany(c => c.Models)];
        return tests.Length == 0 ? Html.Empty : Html.Of($"""
            <section id="paired" aria-labelledby="paired-title">
            <h2 id="paired-title">Picture by picture</h2>
            <p>At each seed an arm and {run.Baseline} drew the same prompts from the same noise. Prompts that only one of the two drew right tell whether <em>these two trained models</em> differ (exact McNemar test, Holm over the rows of a metric). Whether <em>training</em> this way makes better models is another question, which only several seeds answer{(comparisons.All(c => c.Training is null) ? "; here it stays open" : "")}.</p>
            <div class="scroll" role="region" aria-label="Pairs of trained models" tabindex="0"><table>
            <caption class="hidden">Pairs of trained models, picture by picture</caption>
            <thead><tr><th scope="col">Arm</th><th scope="col">Number</th><th scope="col">Seed</th><th scope="col">Prompts</th><th scope="col">Right only with the arm</th><th scope="col">Only with {run.Baseline}</th><th scope="col">These two models</th></tr></thead>
            <tbody>{tests.Take(MostRows).Select(t => Html.Of($"""
                <tr><th scope="row"><bdi>{t.Arm}</bdi></th><td>{MetricName.Of(t.Metric).Label}</td><td>{t.Seed}</td><td>{t.Pictures}</td><td>{t.OnlyArm}</td><td>{t.OnlyOther}</td><td>{(t.IsSignificant ? "differ" : "cannot be told apart")}<span class="sub">{Numbers.PValue(t.AdjustedPValue)}</span></td></tr>
                """))}</tbody></table></div>
            {(tests.Length > MostRows ? Html.Of($"<p class=\"small\">The first {MostRows} of {tests.Length} pairs.</p>") : Html.Empty)}
            {Training(comparisons)}
            </section>

            """);
    }

    private static Html Training(IReadOnlyList<PictureComparison> comparisons)
    {
        PictureComparison[] several = [.. comparisons.Where(c => c.Training is not null).Take(MostRows)];
        return several.Length == 0 ? Html.Empty : Html.Of($"""
            <h3>What training does, over the seeds</h3>
            <p class="small">A mixed model: the difference of a picture is a mean + the seed’s deviation + the picture’s own, with a variance each (restricted maximum likelihood; the interval has seeds − 1 degrees of freedom, so pictures never stand in for seeds).</p>
            <div class="scroll" role="region" aria-label="Training, over the seeds" tabindex="0"><table>
            <caption class="hidden">Mixed model over seeds and pictures</caption>
            <thead><tr><th scope="col">Arm</th><th scope="col">Number</th><th scope="col">Difference</th><th scope="col">95 % interval</th><th scope="col">Between seeds</th><th scope="col">Between pictures</th><th scope="col">What would narrow it</th></tr></thead>
            <tbody>{several.Select(c => Row(c, c.Training!))}</tbody></table></div>
            """);
    }

    private static Html Row(PictureComparison c, MixedDifference d) => Html.Of($"""
        <tr><th scope="row"><bdi>{c.Arm}</bdi></th><td>{MetricName.Of(c.Metric).Label}</td><td>{Points(d.Difference)} points<span class="sub">{Numbers.PValue(d.PValue)}</span></td><td>{Points(d.Low)} to {Points(d.High)}</td><td>± {Points(d.SeedDeviation)}</td><td>± {Points(d.PictureDeviation)}</td><td>{(d.SeedShare > 0.5 ? "more seeds" : "more pictures or seeds")}</td></tr>
        """);

    private static string Points(double share) => (100 * share).ToString("0.0", CultureInfo.InvariantCulture).Replace('-', '−');
}
