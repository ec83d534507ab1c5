namespace NextStep.Research.Experiments.Tests;

/// <summary>By simulation with fixed seeds: intervals cover, tests keep their level and find what is there.</summary>
public sealed class CoverageTests
{
    private const int Repeats = 1000;

    // Five standard errors of a share near 0.95 over the repeats.
    private const double Slack = 0.035;

    private static double[] Draw(SplitMix64 random, int count, double mean) =>
        [.. Enumerable.Range(0, count).Select(_ => mean + (Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];

    private static double Share(string name, Func<SplitMix64, bool> once, int repeats = Repeats) =>
        Enumerable.Range(0, repeats).Count(i => once(Streams.Managed(5, name, i))) / (double)repeats;

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(12)]
    public void The_t_interval_covers_the_truth_and_the_test_keeps_its_level(int seeds)
    {
        double covered = Share($"interval{seeds}", random => Estimate.Of(Draw(random, seeds, 7)) is { } e && e.Low <= 7 && 7 <= e.High);
        Assert.InRange(covered, 0.95 - Slack, 0.95 + Slack);
        double found = Share($"level{seeds}", random => MeanTest.Of(Draw(random, seeds, 0))!.PValue < 0.05);
        Assert.InRange(found, 0.05 - Slack, 0.05 + Slack);
    }

    [Fact]
    public void The_bootstrap_interval_covers_nearly_as_often()
    {
        double covered = Share("bootstrap", random => BootstrapTest.Of(Draw(random, 10, 7)) is { } b && b.Low <= 7 && 7 <= b.High, 400);
        Assert.InRange(covered, 0.87, 0.97);
        double level = Share("bootstrap.level", random => BootstrapTest.Of(Draw(random, 10, 0))!.PValue < 0.05, 400);
        Assert.InRange(level, 0.01, 0.09);
    }

    [Fact]
    public void Over_ten_arms_without_effect_Holm_keeps_the_chance_of_any_finding_at_five_percent()
    {
        bool Any(SplitMix64 random, bool adjust)
        {
            double[] baseline = Draw(random, 4, 0);
            double?[] p = [.. Enumerable.Range(0, 10).Select(_ => MeanTest.Of([.. Draw(random, 4, 0).Zip(baseline, (a, b) => a - b)])!.PValue)];
            return (adjust ? Holm.Adjust(p) : p).Any(v => v < 0.05);
        }
        Assert.InRange(Share("arms", r => Any(r, true)), 0, 0.05 + Slack);
        Assert.InRange(Share("arms", r => Any(r, false)), 0.15, 0.6);
    }

    [Fact]
    public void The_variance_tests_keep_their_level_and_find_an_interaction()
    {
        Dictionary<string, string>[] points = [.. Enumerable.Range(0, 6).Select(i => new Dictionary<string, string> { ["a"] = $"{i / 3}", ["b"] = $"{i % 3}" })];
        GridEffects Grid(SplitMix64 random, double effect) => GridEffects.Of(["a", "b"], points, [.. Enumerable.Range(0, 4).Select(s =>
            Draw(random, 6, 10 * s).Select((v, i) => v + (i == 5 ? effect : 0)).ToArray())])!;
        Assert.InRange(Share("grid", r => Grid(r, 0).Interactions[0].Test!.PValue < 0.05), 0.05 - Slack, 0.05 + Slack);
        Assert.InRange(Share("grid", r => Grid(r, 0).MainEffects[1].Test!.PValue < 0.05), 0.05 - Slack, 0.05 + Slack);
        Assert.InRange(Share("grid", r => Grid(r, 6).Interactions[0].Test!.PValue < 0.05), 0.8, 1);
    }
}
