namespace NextStep.Research.Experiments.Tests;

/// <summary>Against R 4.2 (lme4 1.1-31, lmerTest 3.1-3); the call stands beside each number.</summary>
public sealed class OracleTests
{
    // d <- c(.2, -.1, .4, .05, .15)
    private static readonly double[] Differences = [0.2, -0.1, 0.4, 0.05, 0.15];

    private static double[] Margins(double margin) => [.. Differences.Select(_ => margin)];

    [Fact]
    public void Equivalence_is_two_one_sided_tests()
    {
        EquivalenceTest test = EquivalenceTest.Of(Differences, Margins(0.5), 0)!;
        // t.test(d, mu = .5, alternative = "less")$p.value; the other side, t.test(d, mu = -.5, alternative = "greater"), gives 0.000753
        Assert.Equal(0.006080073393858, test.PValue, 10);
        // t.test(d, conf.level = .9)$conf.int
        Assert.Equal((-0.0364417168, 0.3164417168), (Math.Round(test.Low, 10), Math.Round(test.High, 10)));
        // 2 * t.test(d, mu = .05, alternative = "greater")$p.value
        Assert.Equal(0.33798918769, EquivalenceTest.Of(Differences, Margins(0.05), 0)!.PValueAgainst, 10);
    }

    [Fact]
    public void Power_of_equivalence()
    {
        // ptost <- function(n, sd, m, delta = 0) { nu <- n - 1; tc <- qt(.95, nu); integrate(function(w) pmax(0, pnorm((m - delta) * sqrt(n) / sd - tc * w)
        //   - pnorm((-m - delta) * sqrt(n) / sd + tc * w)) * 2 * nu * w * dchisq(nu * w^2, nu), 0, m * sqrt(n) / sd / tc, rel.tol = 1e-10)$value }
        Assert.Equal(0.735009434869, PairedPower.OfEquivalence(5, 1.5, 1), 8); // ptost(5, 1, 1.5)
        Assert.Equal(0.392656476426, PairedPower.OfEquivalence(10, 1.5, 2, 0.3), 8); // ptost(10, 2, 1.5, .3)
    }

    [Fact]
    public void Equivalence_in_fact_reaches_its_power()
    {
        int shown = Enumerable.Range(0, 2000).Count(i =>
        {
            SplitMix64 random = Streams.Managed(3, "tost", i);
            double[] values = [.. Enumerable.Range(0, 5).Select(_ => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))];
            return EquivalenceTest.Of(values, [1.5, 1.5, 1.5, 1.5, 1.5], 0)!.PValue < 0.05;
        });
        Assert.InRange(shown / 2000.0, 0.70, 0.77); // three standard errors around 0.735
    }

    [Fact]
    public void Power_of_the_paired_test()
    {
        // power.t.test(n = 5, delta = 1, sd = 1, type = "paired", strict = TRUE)$power
        Assert.Equal(0.401389917372, PairedPower.Of(5, 1, 1), 8);
        // power.t.test(n = 3, delta = .05, sd = .02, type = "paired", strict = TRUE, sig.level = .05 / 4)$power
        Assert.Equal(0.217678062566, PairedPower.Of(3, -0.05, 0.02, 0.05 / 4), 7);
        // power.t.test(delta = .02, sd = .03, power = .8, type = "paired", strict = TRUE)$n is 19.67
        Assert.Equal(20, PairedPower.SeedsFor(0.02, 0.03));
        // power.t.test(n = 5, sd = .03, power = .8, type = "paired", strict = TRUE, tol = 1e-12)$delta
        Assert.Equal(0.0504599089785, PairedPower.Detectable(5, 0.03), 6);
        // power.t.test(n = 10, sd = 1, power = .8, sig.level = .05 / 199, type = "paired", strict = TRUE, tol = 1e-12)$delta: as many comparisons as a large grid has
        Assert.Equal(2.2368746098, PairedPower.Detectable(10, 1, 0.05 / 199), 8);
        Assert.Equal(1, StudentQuantile.Upper(1, 1e-8) / 31830988.6184, 9); // -qt(1e-8, 1)
        Assert.Null(PairedPower.SeedsFor(0, 0.03));
    }

    [Fact]
    public void Benjamini_and_Hochberg()
    {
        // p.adjust(c(.01, .04, .03, .005, .2, .03), "BH")
        Assert.Equal([0.030, 0.048, 0.045, 0.030, 0.200, 0.045], BenjaminiHochberg.Adjust([0.01, 0.04, 0.03, 0.005, 0.2, 0.03]).Select(p => Math.Round(p!.Value, 12)));
        Assert.Equal([null, 0.4], BenjaminiHochberg.Adjust([null, 0.4]));
    }

    [Theory]
    [InlineData(31, 6, 4.12575900555e-05)] // binom.test(31, 37)$p.value
    [InlineData(5, 9, 0.423950195313)] // binom.test(5, 14)$p.value
    [InlineData(0, 3, 0.25)] // binom.test(0, 3)$p.value
    [InlineData(7, 7, 1)] // binom.test(7, 14)$p.value
    [InlineData(0, 0, 1)]
    public void The_exact_test_of_McNemar(int onlyOne, int onlyOther, double p)
    {
        Assert.Equal(p, new PictureTest("alignment", "a", "b", 0, 100, onlyOne, onlyOther).PValue, 10);
        Assert.Equal(p, new PictureTest("alignment", "a", "b", 0, 100, onlyOther, onlyOne).PValue, 10);
    }

    // b and c of four seeds with 40 pictures: y has b ones, c minus ones and zeros; s <- factor(rep(1:4, each = 40)); summary(lmer(y ~ 1 + (1 | s)))
    private static MixedDifference Mixed(int[] right, int[] wrong) => MixedDifference.Of([.. right.Zip(wrong, (b, c) => new PictureTest("alignment", "a", "b", 0, 40, b, c))])!;

    [Fact]
    public void The_mixed_model_of_pictures_and_seeds()
    {
        MixedDifference mixed = Mixed([9, 4, 12, 7], [2, 3, 1, 2]);
        Assert.Equal((0.15, 0.05204165, 0.0634095), (Math.Round(mixed.Difference, 12), Math.Round(mixed.StandardError, 8), Math.Round(mixed.PValue, 7)));
        Assert.Equal((0.072169, 0.474342), (Math.Round(mixed.SeedDeviation, 6), Math.Round(mixed.PictureDeviation, 6)));
        MixedDifference wide = Mixed([9, 4, 20, 7], [2, 9, 1, 2]);
        Assert.Equal((0.1625, 0.1231107, 0.278533), (Math.Round(wide.Difference, 12), Math.Round(wide.StandardError, 7), Math.Round(wide.PValue, 6)));
        Assert.Equal((0.231979, 0.521954), (Math.Round(wide.SeedDeviation, 6), Math.Round(wide.PictureDeviation, 6)));
        Assert.True(wide.SeedShare > 0.5);
        // With the seeds as the larger part it is the paired t-test over the seeds: t.test(tapply(y, s, mean)) gives p = 0.2785330
        Assert.Equal(MeanTest.Of([7 / 40.0, -5 / 40.0, 19 / 40.0, 5 / 40.0])!.PValue!.Value, wide.PValue, 10);
    }

    [Fact]
    public void Seeds_that_vary_less_than_their_pictures_leave_the_pictures_variance()
    {
        // The same lmer with b = c(8, 9, 8, 7) and c = c(3, 4, 2, 3): singular, no variance of the seeds.
        MixedDifference mixed = Mixed([8, 9, 8, 7], [3, 4, 2, 3]);
        Assert.Equal((0.125, 0.0, 0.0), (Math.Round(mixed.Difference, 12), mixed.SeedDeviation, mixed.SeedShare));
        Assert.Equal((0.04038922, 0.510888), (Math.Round(mixed.StandardError, 8), Math.Round(mixed.PictureDeviation, 6)));
        Assert.Null(MixedDifference.Of([new PictureTest("alignment", "a", "b", 0, 40, 9, 2)]));
    }

    [Fact]
    public void A_log_range_is_fitted_on_logarithms()
    {
        // coef(lm(c(1, 3, 4) ~ log(c(1e-4, 1e-3, 1e-2))))[2]
        MadeRun run = new MadeRun(["a", "b", "c"], 2, "lr", ["0.001", "0.0001", "0.01"], new PlannedAxis(["0.0001", "0.001", "0.01"], true)).With((arm, _) => arm switch { "a" => 3, "b" => 1, _ => 4 });
        Assert.Equal(0.651441722855, new RunStatistics(run.Plan, run.Results).Trend("score", "lr")!.Slopes[0], 10);
    }
}
