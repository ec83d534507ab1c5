namespace NextStep.Research.Experiments.Tests;

/// <summary>Verdicts that were wrong once: order, missing seeds, equality, several comparisons in one claim.</summary>
public sealed class ClaimVerdictTests
{
    private const string Size = "model.size";
    private static readonly string[] Sizes = ["nano", "micro", "tiny", "small"];
    private static readonly PlannedAxis InFile = new(Sizes, false);

    // Deterministic noise that differs between arms and seeds.
    private static double Wobble(string arm, long seed) => 0.01 * Streams.Managed(seed, "wobble/" + arm).NextDouble();

    [Fact]
    public void Words_on_an_axis_have_the_order_of_the_file_wherever_the_baseline_stands()
    {
        MadeRun run = new MadeRun(["baseline", "size=nano", "size=micro", "size=tiny"], 4, Size, ["small", "nano", "micro", "tiny"], InFile,
            claims: ["trend(score) > 0", "effect(score) > 0", "trend(score, size) < 0"])
            .With((arm, seed) => Array.IndexOf(Sizes, arm == "baseline" ? "small" : arm[5..]) + Wobble(arm, seed));
        Assert.Equal(["supported", "supported", "contradicted"], run.Judge().Select(c => c.Verdict));
        RunStatistics statistics = new(run.Plan, run.Results);
        Assert.Equal(1, statistics.Trend("score", Size)!.Correlation, 12);
        Assert.Equal(Sizes, statistics.Effects("score")!.MainEffects[0].Levels);
    }

    [Fact]
    public void The_file_gives_the_order_and_the_scale()
    {
        using TemporaryFolder folder = new();
        Plan plan = Plan.Make(ExperimentFile.Load(folder.Write("e.yaml", """
            baseline: { model.size: small, training.model.learningRate: 0.001 }
            axes:
              model.size: [nano, micro, tiny, small]
              training.model.learningRate: { from: 1e-4, to: 1e-2, count: 3, scale: log }
            """)), StandardStages.All);
        AxisScale size = AxisScale.Of(plan, Size)!, rate = AxisScale.Of(plan, "training.model.learningRate")!;
        Assert.Equal((Sizes.Length, 2.0), (size.Values.Count, size.Position("tiny")));
        Assert.Equal(Sizes, size.Values);
        Assert.Equal(Math.Log(10), rate.Position("0.001") - rate.Position("0.0001"), 12);
    }

    [Fact]
    public void Without_a_known_order_of_words_nothing_is_said()
    {
        MadeRun run = new MadeRun(["baseline", "size=nano"], 4, Size, ["small", "nano"], null, claims: ["trend(score) > 0"]).With((arm, seed) => arm.Length + Wobble(arm, seed));
        PlannedClaim claim = run.Judge()[0];
        Assert.Equal("undecided", claim.Verdict);
        Assert.Contains("the order of model.size's values is not in this plan.json", claim.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_verdict_on_half_of_the_seeds_is_preliminary_and_counts_failures_as_failures()
    {
        MadeRun run = new MadeRun(["baseline", "big"], 6, claims: ["score[big] > score[baseline]"]).With((arm, seed) => arm == "big" && seed > 2 ? null
            : new Dictionary<string, double> { ["score"] = arm.Length == 3 ? 2 + Wobble(arm, seed) : 1 + Wobble(arm, seed) });
        PlannedClaim claim = run.Judge(MadeRun.Failure(run.Plan.Cells.First(c => c.Arm == "big" && c.Seed == 4)))[0];
        Assert.Equal(("supported", "supported, preliminary"), (claim.Verdict, claim.MarkedVerdict));
        Assert.StartsWith("preliminary, 3 of 6 seeds (1 failed, and no verdict speaks of those: big, seed 4 (model: loss is NaN); 2 cells not run yet): mean", claim.Evidence, StringComparison.Ordinal);
        Assert.Equal((3, 6, 2, 0), (claim.Seeds.Used, claim.Seeds.Planned, claim.Seeds.Waiting, claim.Seeds.Without));
        PlannedClaim whole = new MadeRun(["baseline", "big"], 3, claims: ["score[big] > score[baseline]"]).With((arm, seed) => arm.Length + Wobble(arm, seed)).Judge()[0];
        Assert.Equal("contradicted", whole.MarkedVerdict);
        Assert.StartsWith("mean", whole.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_number_that_a_finished_cell_left_out_is_counted()
    {
        PlannedClaim claim = new MadeRun(["baseline", "big"], 4, claims: ["score[big] < score[baseline]"])
            .With((arm, seed) => arm == "big" && seed == 3 ? [] : new Dictionary<string, double> { ["score"] = arm.Length + Wobble(arm, seed) }).Judge()[0];
        Assert.Equal(("supported, preliminary", 1), (claim.MarkedVerdict, claim.Seeds.Without));
        Assert.Contains("1 without these numbers", claim.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reason_that_never_occurred_occurred_zero_times()
    {
        MadeRun run = new MadeRun(["baseline", "better"], 5, claims: ["failures.shape[better] < failures.shape[baseline]"]).With((arm, seed) =>
            arm == "better" ? new Dictionary<string, double> { ["alignment"] = 1 } : new Dictionary<string, double> { ["alignment"] = 0.8, ["failures.shape"] = 20 + seed });
        Assert.Equal(("supported", 5), (run.Judge()[0].Verdict, run.Judge()[0].Seeds.Used));
        RunStatistics statistics = new(run.Plan, run.Results);
        Assert.Equal((5, -22.0), (statistics.Difference("failures.shape", "better")!.Pairs, statistics.Difference("failures.shape", "better")!.Difference.Mean));
        // Where nothing was judged, nothing was counted.
        MadeRun other = new MadeRun(["baseline", "better"], 2).With((arm, _) => arm == "better" ? [] : new Dictionary<string, double> { ["alignment"] = 1, ["failures.shape"] = 1 });
        Assert.Empty(new RunStatistics(other.Plan, other.Results).Values("failures.shape", "better"));
    }

    [Theory]
    [InlineData(0, 3, "supported")] // both arms share the stage: the same number in every seed
    [InlineData(0.05, 3, "supported")]
    [InlineData(0.05, 1, "undecided")]
    [InlineData(0.1, 5, "undecided")] // on the margin
    [InlineData(0.2, 3, "undecided")] // outside, but three equal signs are no evidence
    [InlineData(0.2, 6, "contradicted")]
    public void Without_spread_what_lies_inside_the_margin_is_equal(double difference, int seeds, string verdict)
    {
        PlannedClaim claim = new MadeRun(["baseline", "big"], seeds, claims: ["score[big] = score[baseline] +- 0.1"]).With((arm, seed) => seed + (arm == "big" ? difference : 0)).Judge()[0];
        Assert.Equal(verdict, claim.Verdict);
    }

    [Fact]
    public void Equality_is_tested_at_five_percent_on_each_side()
    {
        // The differences of OracleTests: TOST p = 0.00608 at 0.5; the t interval of 95 % reaches 0.396.
        double[] d = [0.2, -0.1, 0.4, 0.05, 0.15];
        PlannedClaim Claim(string margin) => new MadeRun(["baseline", "big"], 5, claims: [$"score[big] = score[baseline] +- {margin}"]).With((arm, seed) => seed + (arm == "big" ? d[seed] : 0)).Judge()[0];
        Assert.Equal(0.006080073393858, Claim("0.5").PValue!.Value, 9);
        Assert.Equal(("supported", "undecided", "undecided"), (Claim("0.32").Verdict, Claim("0.31").Verdict, Claim("0.05").Verdict)); // t.test(d, conf.level = .9) ends at 0.3164
        Assert.Contains("90 % interval -0.0364 to 0.3164; two one-sided t-tests", Claim("0.5").Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_claim_of_several_comparisons_has_the_largest_p_value_and_Holm_runs_over_claims()
    {
        MadeRun run = new MadeRun(["a", "b", "c"], 4, claims: ["score[a] < score[b] < score[c]", "score[a] < score[c]"])
            .With((arm, seed) => (arm[0] * 0.02) + Wobble(arm, seed));
        IReadOnlyList<PlannedClaim> claims = run.Judge();
        double[] p = [.. claims[0].Findings.Select(f => f.PValue!.Value)];
        Assert.Equal(p.Max(), claims[0].PValue);
        Assert.Equal(Holm.Adjust([p.Max(), claims[1].PValue]), claims.Select(c => c.AdjustedPValue));
        Assert.Equal(["supported", "supported"], claims.Select(c => c.Verdict));
    }

    [Fact]
    public void A_claim_is_contradicted_by_any_of_its_comparisons_with_the_number_of_them_paid_for()
    {
        PlannedClaim claim = new MadeRun(["a", "b", "c"], 4, claims: ["score[a] < score[b] and score[b] > score[c]"]).With((arm, seed) => arm[0] + Wobble(arm, seed)).Judge()[0];
        Assert.Equal("contradicted", claim.Verdict);
        Assert.Equal(2 * claim.Findings[1].PValue!.Value, claim.PValue!.Value, 12);
    }

    [Fact]
    public void Arms_whose_values_are_lists_have_names()
    {
        ClaimTerm.Metric[] terms = [.. ClaimParser.Parse("score[multipliers=[1, 2],width=8] < score[[1, 4]]").SelectMany(c => c.Terms()).OfType<ClaimTerm.Metric>()];
        Assert.Equal(["multipliers=[1, 2],width=8", "[1, 4]"], terms.Select(t => t.Arm));
        ArmPoint[] points = [new("x", new Dictionary<string, string> { ["a.multipliers"] = "[1, 2]", ["a.width"] = "8" }), new("y", new Dictionary<string, string> { ["a.multipliers"] = "[1, 4]" })];
        Assert.Equal(("x", "y"), (ArmPoint.Find(points, terms[0].Arm)!.Name, ArmPoint.Find(points, "[1,4]")!.Name));
    }

    [Fact]
    public void One_seed_says_that_two_models_differ_and_leaves_training_open()
    {
        PlannedClaim Claim(int seeds) => new MadeRun(["baseline", "big"], seeds, claims: ["alignment[big] - alignment[baseline] > 0"]).With(
            (arm, seed) => new Dictionary<string, double> { ["alignment"] = arm == "big" ? 0.6 + (0.01 * seed) : 0.5 },
            (arm, _) => arm == "big" ? new string('1', 60) + new string('0', 40) : new string('0', 31) + new string('1', 35) + new string('0', 34)).Judge()[0];
        PlannedClaim one = Claim(1);
        Assert.Equal("undecided", one.Verdict);
        Assert.Contains("at seed 0 these two trained models differ: of 100 prompts that both drew, 31 came out right only with big and 6 only with baseline (exact McNemar p = 4.13E-5); whether training differs stays open", one.Evidence, StringComparison.Ordinal);
        PlannedClaim three = Claim(3);
        Assert.Contains("3 of 3 pairs of trained models differ", three.Evidence, StringComparison.Ordinal);
        Assert.Null(three.Findings[0].Equivalence);
        // The verdict is the seeds' alone.
        Assert.Equal(MeanTest.Of([0.1, 0.11, 0.12])!.PValue!.Value, three.PValue!.Value, 9);
    }
}
