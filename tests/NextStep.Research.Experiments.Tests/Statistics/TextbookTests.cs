namespace NextStep.Research.Experiments.Tests;

/// <summary>Against published numbers and closed forms.</summary>
public sealed class TextbookTests
{
    // Student (1908), the sleep data: extra hours with two drugs, ten patients.
    private static readonly double[] First = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
    private static readonly double[] Second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];

    private static Dictionary<long, double> Seeds(params double[] values) => values.Select((v, i) => ((long)i, v)).ToDictionary();

    [Fact]
    public void The_interval_of_a_mean_is_Students()
    {
        // Tables: t(0.975, 4) = 2.7764; the deviation of 1 … 5 is √2.5.
        Estimate estimate = Estimate.Of([1, 2, 3, 4, 5])!;
        Assert.Equal(3, estimate.Mean);
        Assert.Equal(2.7764 * Math.Sqrt(2.5 / 5), estimate.HalfWidth!.Value, 3);
        // Two values at distance 2: s = √2 and t(0.975, 1) = 12.7062, so the half width is that.
        Assert.Equal(12.7062, Estimate.Of([1, 3])!.HalfWidth!.Value, 4);
        Assert.Null(Estimate.Of([]));
    }

    [Fact]
    public void The_sleep_data_give_the_published_paired_test()
    {
        PairedComparison sleep = PairedComparison.Of(Seeds(Second), Seeds(First))!;
        Assert.Equal(1.58, sleep.Difference.Mean, 10);
        Assert.Equal(0.7001142, sleep.Difference.Low!.Value, 6);
        Assert.Equal(2.4598858, sleep.Difference.High!.Value, 6);
        Assert.Equal(0.00283289, sleep.Test.PValue!.Value, 7);
        Assert.Equal(10, sleep.Pairs);
        Assert.Equal(Second.Average() / First.Average(), sleep.Ratio!.Value, 12);
        BootstrapTest bootstrap = sleep.Bootstrap()!;
        // Efron and Tibshirani's BCa on these ten lies to the right of the t interval's lower end: the sample is skewed.
        Assert.InRange(bootstrap.Low, 0.85, 1.1);
        Assert.InRange(bootstrap.High, 2.2, 3.0);
        Assert.InRange(bootstrap.PValue, 1.0 / 2001, 0.03);
        Assert.Equal(bootstrap, sleep.Bootstrap());
    }

    [Fact]
    public void Holms_correction_steps_down()
    {
        Assert.Equal([0.03, 0.06, 0.06, 0.02], Holm.Adjust([0.01, 0.04, 0.03, 0.005]).Select(p => Math.Round(p!.Value, 12)));
        Assert.Equal([null, 0.5, 0.9], Holm.Adjust([null, 0.25, 0.9]));
        Assert.Empty(Holm.Adjust([]));
    }

    [Fact]
    public void One_seed_has_a_number_and_nothing_else()
    {
        PairedComparison one = PairedComparison.Of(Seeds(3), Seeds(1))!;
        Assert.Equal((2.0, null, null, "none"), (one.Difference.Mean, one.Difference.HalfWidth, one.Test.PValue, one.Test.Test));
        Assert.False(one.IsSignificant);
        Assert.Null(one.Bootstrap());
        Assert.Null(PairedComparison.Of(Seeds(3), new Dictionary<long, double> { [7] = 1 }));
        Assert.Null(TrendTest.Of([0, 1], [[1, 2]])!.Slope.PValue);
    }

    [Fact]
    public void Equal_differences_are_judged_by_their_signs()
    {
        PairedComparison two = PairedComparison.Of(Seeds(100.1, 7.1), Seeds(100, 7))!;
        Assert.Equal(("sign flips", 0.5, null), (two.Test.Test, two.Test.PValue, two.Difference.HalfWidth));
        Assert.False(two.IsSignificant);
        Assert.Equal(1 / 32.0, MeanTest.Of([1, 1, 1, 1, 1, 1])!.PValue);
        PairedComparison same = PairedComparison.Of(Seeds(5, 6), Seeds(5, 6))!;
        Assert.Equal((1.0, 0.0), (same.Test.PValue, same.Difference.HalfWidth));
    }

    [Fact]
    public void Numbers_that_are_not_finite_decide_nothing()
    {
        PairedComparison broken = PairedComparison.Of(Seeds(1, double.NaN, 3), Seeds(0, 0, 0))!;
        Assert.Equal((null, null, false), (broken.Test.PValue, broken.Difference.HalfWidth, broken.IsSignificant));
    }

    [Fact]
    public void With_two_levels_the_variance_test_is_the_paired_test()
    {
        Dictionary<string, string>[] points = [.. "ab".Select(c => new Dictionary<string, string> { ["drug"] = $"{c}" })];
        GridEffects effects = GridEffects.Of(["drug"], points, [.. First.Zip(Second, (a, b) => new[] { a, b })])!;
        MainEffect drug = Assert.Single(effects.MainEffects);
        Assert.Equal(4.062128 * 4.062128, drug.Test!.F, 4);
        Assert.Equal((1, 9), (drug.Test.Numerator, drug.Test.Denominator));
        Assert.Equal(0.00283289, drug.Test.PValue, 7);
        Assert.Equal(-0.79, drug.Effects[0].Estimate.Mean, 10);
        Assert.Empty(effects.Interactions);
    }

    [Fact]
    public void A_two_by_two_grid_gives_effects_and_interaction_in_closed_form()
    {
        // y = 10 + 2a − 3b + 5ab + seed, with a little that only the double difference sees.
        double[] wobble = [0.1, -0.2, 0.4];
        Dictionary<string, string>[] points = [.. new[] { (0, 0), (0, 1), (1, 0), (1, 1) }.Select(p => new Dictionary<string, string> { ["a"] = $"{p.Item1}", ["b"] = $"{p.Item2}", ["c"] = $"{2 * p.Item2}" })];
        double[][] bySeed = [.. wobble.Select((w, s) => new[] { 10.0 + s, 7 + s, 12 + s, 14 + s + w })];
        GridEffects effects = GridEffects.Of(["a", "b", "c"], points, bySeed)!;
        Assert.Equal(["a", "b & c"], effects.MainEffects.Select(m => m.Factor));
        Assert.Equal(["0 & 0", "1 & 2"], effects.MainEffects[1].Levels);
        double mean = wobble.Average();
        Assert.Equal((2 + 2.5 + (mean / 2)) / 2, effects.MainEffects[0].Effects[1].Estimate.Mean, 10);
        Interaction interaction = Assert.Single(effects.Interactions);
        Assert.Equal((5 + mean) / 4, interaction.Effects[1][1].Estimate.Mean, 10);
        Assert.Equal(-(5 + mean) / 4, interaction.Effects[0][1].Estimate.Mean, 10);
        MeanTest difference = MeanTest.Of([.. wobble.Select(w => 5 + w)])!;
        Assert.Equal(difference.PValue!.Value, interaction.Test!.PValue, 9);
        Assert.Null(GridEffects.Of(["a", "b", "c"], points, [.. Enumerable.Range(0, 3).Select(s => new[] { 10.1 + s, 7.1 + s, 12.1 + s, 14.1 + s })])!.Interactions[0].Test);
        Assert.Null(GridEffects.Of(["a", "b", "c"], points[..3], [.. bySeed.Select(v => v[..3])]));
    }

    [Fact]
    public void A_trend_is_the_mean_of_least_squares_slopes()
    {
        // Slopes 2 and 4 in closed form: mean 3, s = √2, t = 3, one degree of freedom: p = 1 − 2/π · atan 3.
        TrendTest trend = TrendTest.Of([0, 1, 3], [[5, 7, 11], [0, 4, 12]])!;
        Assert.Equal([2, 4], trend.Slopes.Select(s => Math.Round(s, 12)));
        Assert.Equal(1 - (2 / Math.PI * Math.Atan(3)), trend.Slope.PValue!.Value, 9);
        Assert.Equal(1, trend.Correlation, 12);
        Assert.Equal(0, TrendTest.Of([0, 1], [[1, 1], [2, 2]])!.Correlation);
        Assert.Null(TrendTest.Of([1, 1], [[1, 2]]));
        TrendTest unknown = TrendTest.Of([1, 2, 3, 4], [[5, double.NaN, 7, 8], [5, 6, 7, 8]])!;
        Assert.Equal((double.NaN, double.NaN, (double?)null), (unknown.Correlation, unknown.Slope.Estimate.Mean, unknown.Slope.PValue));
    }
}
