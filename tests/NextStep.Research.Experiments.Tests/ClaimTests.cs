using CsCheck;

namespace NextStep.Research.Experiments.Tests;

public sealed class ClaimTests
{
    private static PlannedClaim Judge(string test, Func<double, long, double> metric, int seeds, Func<double, string>? identity = null)
    {
        string[] values = ["0", "0.5", "1"];
        PlannedArm[] arms = [.. values.Select(v => new PlannedArm("noise=" + v, new Dictionary<string, string>(), new Dictionary<string, string> { ["autoencoder.noiseStrength"] = v }))];
        Plan plan = new()
        {
            Name = "x", Question = "", Arms = arms, Axes = ["autoencoder.noiseStrength"], Cells = [], Measure = [], Config = new Dictionary<string, string>(),
            Claims = [new PlannedClaim("say", test)],
        };
        CellResult[] results =
        [
            .. Enumerable.Range(0, seeds).SelectMany(s => values.Select(v => new CellResult
            {
                Cell = v, Arm = "noise=" + v, Seed = s, Stages = new Dictionary<string, string>(), Pictures = new Dictionary<string, string>(), Prompts = [], Seconds = new Dictionary<string, double>(),
                Metrics = new Dictionary<string, double> { ["loss"] = metric(double.Parse(v, System.Globalization.CultureInfo.InvariantCulture), s) },
                Identities = identity is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["loss"] = identity(double.Parse(v, System.Globalization.CultureInfo.InvariantCulture)) },
            })),
        ];
        return Assert.Single(ClaimJudge.Judge(plan, results));
    }

    // Seeds differ a lot, arms within a seed little: only a paired comparison can see it.
    private static double Paired(double noise, long seed) => (100 * seed) + noise + (0.01 * (((seed * 7) + (noise * 4)) % 3));

    [Theory]
    [InlineData("loss[0] < loss[1]", "supported")]
    [InlineData("loss[noise=0] < loss[0.50]", "supported")]
    [InlineData("loss[0] > loss[1]", "contradicted")]
    [InlineData("trend(loss) > 0", "supported")]
    [InlineData("trend(loss, noiseStrength) > 2", "contradicted")]
    [InlineData("loss[0] < loss[1] and loss[1] < loss[0]", "contradicted")]
    [InlineData("loss[1] - loss[0] > 0.5 * (1 + 0.5)", "supported")]
    [InlineData("loss[0] < loss[0.5] < loss[1]", "supported")]
    [InlineData("loss[0] < loss[0.5] > loss[1]", "contradicted")]
    [InlineData("loss[0] = loss[1] +- 2", "supported")]
    [InlineData("loss[0] = loss[1] ± 0.5", "contradicted")]
    [InlineData("loss[0] = loss[1] +-1", "undecided")]
    [InlineData("loss[0]+-loss[1] < 0", "supported")]
    [InlineData("loss[0.5] = loss[0] +- loss[1] - loss[0]", "supported")]
    [InlineData("effect(loss) > 0.9", "supported")]
    [InlineData("effect(loss, noiseStrength) > 1.1", "contradicted")]
    [InlineData("loss[0] < 100", "undecided")]
    [InlineData("other[0] < 100", "undecided")]
    public void Claims_are_judged_over_pairs_of_seeds(string test, string verdict) => Assert.Equal(verdict, Judge(test, Paired, 4).Verdict);

    [Fact]
    public void One_seed_never_decides()
    {
        PlannedClaim claim = Judge("loss[0] < loss[1]", Paired, 1);
        Assert.Equal("undecided", claim.Verdict);
        Assert.Contains("one seed, no significance: 0 < 1.01 holds", claim.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_numbers_are_named() => Assert.Contains("other[0] missing", Judge("other[0] < 1", Paired, 2).Evidence, StringComparison.Ordinal);

    [Fact]
    public void A_misspelt_metric_gets_the_nearest_name() => Assert.Contains("is loss meant?", Judge("los[0] < 1", Paired, 2).Evidence, StringComparison.Ordinal);


    [Fact]
    public void Numbers_of_different_identities_are_not_compared()
    {
        PlannedClaim claim = Judge("loss[0] < loss[1]", Paired, 4, noise => noise == 0 ? "resnet" : "inception");
        Assert.Equal("undecided", claim.Verdict);
        Assert.Contains("different identities ('resnet' and 'inception')", claim.Evidence, StringComparison.Ordinal);
        Assert.Equal("undecided", Judge("loss[0] < loss[1]", Paired, 4, noise => $"resnet; reference {noise}").Verdict);
        Assert.Equal("supported", Judge("loss[0] < loss[1]", Paired, 4, _ => "resnet; reference 1").Verdict);
    }

    [Theory]
    [InlineData("")]
    [InlineData("loss")]
    [InlineData("loss[0]")]
    [InlineData("loss[0] <")]
    [InlineData("loss[0] = 1")]
    [InlineData("loss[0] < 1 or 2")]
    [InlineData("trend(loss < 1")]
    [InlineData("interaction(loss, a) < 1")]
    [InlineData("loss[0] = loss[1] + 1")]
    [InlineData("1.2.3 < 4")]
    [InlineData("loss[0] = loss[1] +- -0.5")]
    [InlineData("loss[0] = loss[1] +- 0")]
    [InlineData("loss[[1, 2] < 4")]
    public void Wrong_grammar_is_told_with_the_column(string test) =>
        Assert.Contains("column", Assert.Throws<FormatException>(() => Claim.Parse("x", test)).Message, StringComparison.Ordinal);

    [Fact]
    public void Any_text_is_parsed_or_refused_with_a_sentence() => Gen.String[Gen.Char["ab01.[]()<>=+-±*/ ,trendffct"], 0, 200].Sample(text =>
    {
        try
        {
            Claim.Parse("x", text);
        }
        catch (FormatException)
        {
        }
    });
}
