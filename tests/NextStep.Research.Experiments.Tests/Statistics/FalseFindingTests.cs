namespace NextStep.Research.Experiments.Tests;

/// <summary>Reports in which nothing is there to be found: 62 metrics, a baseline and three arms, five seeds.</summary>
public sealed class FalseFindingTests(ITestOutputHelper print)
{
    private const int Metrics = 62;

    internal static MadeRun Nothing(int report, string[] measure)
    {
        string[] names = ["alignment", "flow.loss", .. Enumerable.Range(2, Metrics - 2).Select(i => $"artifacts.n{i}")];
        return new MadeRun(["baseline", "a", "b", "c"], 5, measure: measure).With((arm, seed) =>
        {
            SplitMix64 random = Streams.Managed(seed, "nothing/" + arm, report);
            return names.ToDictionary(n => n, _ => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        });
    }

    private static (int Stars, int Exploratory, int ByMetric) Count(MadeRun run)
    {
        RunStatistics statistics = new(run.Plan, run.Results);
        PairedComparison[][] all = [.. statistics.Columns.Select(c => statistics.Differences(c).Values.ToArray())];
        // What was done before: Holm over the arms of each metric by itself.
        int byMetric = all.Sum(m => Holm.Adjust([.. m.Select(d => d.Test.PValue)]).Count(p => p < 0.05));
        return (all.Sum(m => m.Count(d => d.IsSignificant)), all.Sum(m => m.Count(d => d.StandsOut)), byMetric);
    }

    [Fact]
    public void Of_a_hundred_reports_about_nothing_few_have_a_star()
    {
        (int Stars, int Exploratory, int ByMetric)[] reports = [.. Enumerable.Range(0, 100).Select(i => Count(Nothing(i, ["alignment", "flow.loss"])))];
        Assert.InRange(reports.Count(r => r.Stars > 0), 0, 12); // 5 % and three standard errors
        Assert.InRange(reports.Count(r => r.Exploratory > 0), 0, 12);
        Assert.InRange(reports.Average(r => r.ByMetric), 2.5, 5);
    }

    [Fact]
    public void A_metric_that_measure_does_not_name_has_no_star_however_large_the_difference()
    {
        MadeRun Run(params string[] measure) => new MadeRun(["baseline", "big"], 5, measure: measure).With((arm, seed) =>
            new Dictionary<string, double> { ["alignment"] = arm.Length + (0.01 * seed * seed), ["artifacts.flat"] = arm.Length + (0.01 * seed) + (arm == "big" ? 0.001 * seed * seed : 0) });
        PairedComparison Difference(MadeRun run, string metric) => new RunStatistics(run.Plan, run.Results).Difference(metric, "big")!;
        Assert.Equal((true, false), (Difference(Run("artifacts.flat"), "artifacts.flat").IsSignificant, Difference(Run("artifacts.flat"), "artifacts.flat").StandsOut));
        Assert.Equal((false, true), (Difference(Run("alignment"), "artifacts.flat").IsSignificant, Difference(Run("alignment"), "artifacts.flat").StandsOut));
        Assert.Equal((false, true), (Difference(Run("artifacts.*"), "artifacts.flat").IsSignificant, Difference(Run(), "artifacts.flat").StandsOut));
        // What is looked at later does not become what was announced.
        MadeRun run = Run("alignment");
        Assert.False(new RunStatistics(run.Plan, run.Results, ["artifacts.flat"]).Difference("artifacts.flat", "big")!.IsSignificant);
    }

    [Fact]
    public void Ends_of_an_interval_are_no_metrics()
    {
        MadeRun run = new MadeRun(["baseline", "big"], 1).With((_, _) => new Dictionary<string, double> { ["alignment"] = 0.5, ["alignment.low"] = 0.4, ["alignment.high"] = 0.6, ["other.low"] = 1 });
        RunStatistics statistics = new(run.Plan, run.Results);
        Assert.Equal(["alignment", "other.low"], statistics.Columns);
        Assert.Equal((0.4, 0.6), statistics.WithinModel("alignment", "big"));
        Assert.Null(statistics.WithinModel("other.low", "big"));
    }

    [Fact]
    public void Effects_and_trends_are_corrected_together()
    {
        MadeRun run = new MadeRun(["baseline", "x=1", "x=2"], 4, "a.x", ["0", "1", "2"], measure: ["alignment", "flow.loss"]).With((arm, seed) =>
        {
            SplitMix64 random = Streams.Managed(seed, "effects/" + arm);
            return new Dictionary<string, double> { ["alignment"] = random.NextDouble(), ["flow.loss"] = random.NextDouble(), ["other"] = random.NextDouble() };
        });
        RunStatistics statistics = new(run.Plan, run.Results);
        double?[] p = [.. new[] { "alignment", "flow.loss" }.SelectMany(m => new[] { statistics.Effects(m)!.MainEffects[0].Test!.PValue, statistics.Trend(m, "a.x")!.Slope.PValue })];
        IReadOnlyList<double?> adjusted = Holm.Adjust(p);
        Assert.Equal(new CorrectedTest(p[3], adjusted[3], false), statistics.EffectTests.Trend("flow.loss", "a.x"));
        Assert.Equal(new CorrectedTest(p[0], adjusted[0], false), statistics.EffectTests.Effect("alignment", statistics.Effects("alignment")!.MainEffects[0]));
        Assert.True(statistics.EffectTests.Trend("other", "a.x")!.IsExploratory);
    }

    /// <summary>For the log: run with <c>-explicit only -class '*FalseFindingTests' -showliveoutput</c>.</summary>
    [Fact(Explicit = true)]
    public void False_findings_a_report()
    {
        foreach (string[] measure in new[] { [], new[] { "alignment", "flow.loss" }, ["*"] })
        {
            (int Stars, int Exploratory, int ByMetric)[] reports = [.. Enumerable.Range(0, 2000).AsParallel().AsOrdered().Select(i => Count(Nothing(i, measure)))];
            print.WriteLine(FormattableString.Invariant($"measure [{string.Join(", ", measure)}]: before {reports.Average(r => r.ByMetric):0.00} stars a report; now {reports.Average(r => r.Stars):0.000} stars ({100.0 * reports.Count(r => r.Stars > 0) / reports.Length:0.0} % of reports have any), {reports.Average(r => r.Exploratory):0.000} exploratory ({100.0 * reports.Count(r => r.Exploratory > 0) / reports.Length:0.0} %)"));
        }
    }
}
