using System.Text.Json;

namespace NextStep.Research.Experiments.Tests;

/// <summary>What plan, status and compare print, as golden files, and their JSON.</summary>
[Collection(nameof(CommandLine))]
public sealed class TablesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _file;
    private readonly RunFolder _run;

    public TablesTests()
    {
        _file = _folder.Write("grid.yaml", GeneratedRun.Grid);
        _run = new RunFolder(_folder.File("run"));
    }

    public void Dispose() => _folder.Dispose();

    private Experiment Experiment => ExperimentFile.Load(_file);

    private string Print(params string[] args)
    {
        (int code, string output, string error) = CommandLine.Call(args);
        Assert.Equal((0, ""), (code, error));
        return output.Replace(_folder.Path, "FOLDER", StringComparison.Ordinal);
    }

    private JsonElement Json(params string[] args) => JsonDocument.Parse(Print([.. args, "--json"])).RootElement;

    [Fact]
    public void A_fresh_plan() => Golden.Check("plan", Print("plan", _file, "--out", _run.Path, "--jobs", "2"));

    [Fact]
    public void A_plan_half_done_knows_what_is_left()
    {
        GeneratedRun.Write(_run, Experiment, c => c.Seed == 0);
        Golden.Check("plan-half-done", Print("plan", _file, "--out", _run.Path, "--jobs", "2"));
        JsonElement plan = Json("plan", _file, "--out", _run.Path, "--jobs", "2");
        Assert.Equal(12, plan.GetProperty("cells").GetArrayLength());
        Assert.Equal(8, plan.GetProperty("estimate").GetProperty("stages").EnumerateArray().Single(s => s.GetProperty("kind").GetString() == "model").GetProperty("runs").GetInt32());
    }

    [Fact]
    public void Only_patterns_choose_arms()
    {
        Assert.Equal(6, Json("plan", _file, "--out", _run.Path, "--only", "width=*").GetProperty("cells").GetArrayLength());
        Assert.Contains("did you mean 'width=16'?", CommandLine.Call("plan", _file, "--only", "witdh=16").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_changed_plan_shows_the_difference_and_what_accepting_keeps()
    {
        GeneratedRun.Write(_run, Experiment);
        (int code, _, string error) = CommandLine.Call("plan", _file, "--out", _run.Path, "--set", "axes.autoencoder.noiseStrength=[0, 1]");
        Assert.Equal(2, code);
        Golden.Check("plan-changed", error.Replace(_folder.Path, "FOLDER", StringComparison.Ordinal));
        Assert.Contains("run;", Print("plan", _file, "--out", _run.Path, "--set", "axes.autoencoder.noiseStrength=[0, 1]", "--accept-changed-plan").Replace("to run: ", "run;", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void Status_of_done_failed_and_waiting_cells()
    {
        Plan plan = GeneratedRun.Write(_run, Experiment, c => c.Seed < 2);
        PlannedCell failed = plan.Cells[^1];
        _folder.Write(Path.Combine("run", "cells", failed.Key, "failure.json"), JsonSerializer.Serialize(
            new CellFailure(failed.Key, failed.Arm, failed.Seed, "model", "ArithmeticException", "loss is NaN", "24 of 240 images", failed.Stages[2].Folder + ".partial", ["{\"images\":16}", "{\"images\":24}"], "", DateTime.UnixEpoch), RunFolder.Json));
        Golden.Check("status", Print("status", _run.Path));
        JsonElement status = Json("status", _run.Path);
        Assert.Equal((8, 1, 3), (status.GetProperty("counts").GetProperty("done").GetInt32(), status.GetProperty("counts").GetProperty("failed").GetInt32(), status.GetProperty("counts").GetProperty("waiting").GetInt32()));
        Assert.Equal("loss is NaN", status.GetProperty("cells")[11].GetProperty("failure").GetProperty("message").GetString());
    }

    [Theory]
    [InlineData("status")]
    [InlineData("compare")]
    [InlineData("export", "--format", "csv")]
    public void A_damaged_result_is_named(string verb, params string[] options)
    {
        Plan plan = GeneratedRun.Write(_run, Experiment);
        string file = _folder.Write(Path.Combine("run", "cells", plan.Cells[5].Key, "result.json"), "{ \"cell\": ");
        (int code, _, string error) = CommandLine.Call([verb, _run.Path, .. options]);
        Assert.Equal(1, code);
        Assert.StartsWith($"error: {file} is damaged", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Watching_ends_when_nothing_is_left()
    {
        GeneratedRun.Write(_run, Experiment);
        Assert.Contains("12 done", Print("status", _run.Path, "--watch"), StringComparison.Ordinal);
    }

    [Fact]
    public void Comparison_with_intervals_effects_and_claims()
    {
        GeneratedRun.Write(_run, Experiment);
        Golden.Check("compare", Print("compare", _run.Path));
        JsonElement compare = Json("compare", _run.Path, "width=16", "--metric", "alignment");
        JsonElement metric = Assert.Single(compare.GetProperty("metrics").EnumerateArray());
        JsonElement arm = metric.GetProperty("arms").EnumerateArray().Last();
        Assert.Equal("width=16", arm.GetProperty("name").GetString());
        Assert.Equal(3, arm.GetProperty("difference").GetProperty("pairs").GetInt32());
        Assert.Equal("t", arm.GetProperty("difference").GetProperty("test").GetString());
    }

    [Fact]
    public void Comparison_with_one_seed_and_another_baseline_finds_nothing_significant()
    {
        GeneratedRun.Write(_run, ExperimentFile.Load(_file, ["seeds=[0]"]));
        string text = Print("compare", _run.Path, "--baseline", "width=16");
        Golden.Check("compare-one-seed", text);
        Assert.DoesNotContain("*", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_metric_that_is_not_there_is_refused_with_the_nearest_name()
    {
        GeneratedRun.Write(_run, Experiment);
        (int code, _, string error) = CommandLine.Call("compare", _run.Path, "--metric", "alignmnt");
        Assert.Equal(2, code);
        Assert.Contains("there is no metric 'alignmnt'; did you mean 'alignment'?", error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_arm_may_begin_with_an_at_sign()
    {
        GeneratedRun.Write(_run, Experiment);
        Assert.Contains("there is no arm or cell '@low'", CommandLine.Call("compare", _run.Path, "@low").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_comparison_of_half_a_run_says_so()
    {
        GeneratedRun.Write(_run, Experiment, c => c.Seed < 2);
        string text = Print("compare", _run.Path);
        Assert.Contains("Preliminary: 8 of 12 cells are done, 4 not yet.", text, StringComparison.Ordinal);
        Assert.Contains(", preliminary: noise costs loss", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_plan_says_what_its_seeds_can_find()
    {
        GeneratedRun.Write(_run, Experiment);
        JsonElement power = Json("plan", _file, "--out", _folder.File("next"), "--from", _run.Path).GetProperty("power").EnumerateArray().Single(p => p.GetProperty("metric").GetString() == "alignment");
        // Pooled over the three arms: sqrt(mean of the variances of their differences), 6 degrees of freedom; three announced metrics x three arms.
        RunStatistics statistics = new(Plan.Make(Experiment, StandardStages.All), _run.ReadResults(_run.RequirePlan()));
        double deviation = Math.Sqrt(statistics.Differences("alignment").Values.Average(d => d.Differences.Sum(v => Math.Pow(v - d.Differences.Average(), 2)) / 2));
        Assert.Equal((deviation, 6, 9), (power.GetProperty("deviation").GetDouble(), power.GetProperty("freedom").GetInt32(), power.GetProperty("comparisons").GetInt32()));
        Assert.Equal(PairedPower.Detectable(3, deviation, 0.05 / 9), power.GetProperty("detectable").GetDouble(), 10);
        string wanted = Print("plan", _file, "--out", _folder.File("next"), "--from", _run.Path, "--power", "0.02");
        Assert.Contains(FormattableString.Invariant($"{PairedPower.SeedsFor(0.02, deviation, 0.05 / 9)} seeds would find it"), wanted, StringComparison.Ordinal);
        Assert.Contains("is no run folder", CommandLine.Call("plan", _file, "--from", _folder.Path).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_of_different_identities_stand_in_columns_of_their_own()
    {
        Plan plan = GeneratedRun.Write(_run, Experiment);
        foreach (PlannedCell cell in plan.Cells.Where(c => c.Arm == "width=16"))
        {
            CellResult result = _run.ReadResult(cell)!;
            _folder.Write(Path.Combine("run", "cells", cell.Key, "result.json"), JsonSerializer.Serialize(result with { Identities = new Dictionary<string, string> { ["frechet"] = "extractor 34cd, 50 samples" } }, RunFolder.Json));
        }
        string text = Print("compare", _run.Path, "--metric", "frechet");
        Assert.Contains("frechet #2 is of another kind", text, StringComparison.Ordinal);
        Assert.Contains("extractor 34cd, 50 samples", text, StringComparison.Ordinal);
        RunStatistics statistics = new(plan, _run.ReadResults(plan));
        Assert.Null(statistics.Difference("frechet #2", "width=16"));
        Assert.NotNull(statistics.Difference("frechet #1", "noiseStrength=0.5"));
        Assert.Empty(statistics.Values("frechet", "baseline"));
    }

    [Fact]
    public void A_reference_that_changes_with_the_seed_separates_nothing_and_one_that_changes_with_the_arm_does()
    {
        Plan plan = GeneratedRun.Write(_run, Experiment);
        CellResult With(CellResult r, string reference, string extractor = "12ab") =>
            r with { Identities = new Dictionary<string, string> { ["frechet"] = $"FD; extractor {extractor}; reference {reference}; n 100" } };
        IReadOnlyList<CellResult> results = _run.ReadResults(plan);
        RunStatistics bySeed = new(plan, results.Select(r => With(r, $"of seed {r.Seed}")));
        Assert.Equal(3, bySeed.Difference("frechet", "width=16")!.Pairs);
        Assert.Equal("FD; extractor 12ab; n 100", bySeed.Identity("frechet"));
        RunStatistics byArm = new(plan, results.Select(r => With(r, r.Arm == "width=16" ? $"other {r.Seed}" : $"of seed {r.Seed}")));
        Assert.Null(byArm.Difference("frechet #2", "width=16"));
        Assert.Equal(3, byArm.Difference("frechet #1", "noiseStrength=0.5")!.Pairs);
        // One seed measured with another extractor: a mean over both kinds would be of nothing.
        RunStatistics mixed = new(plan, results.Select(r => With(r, $"of seed {r.Seed}", r.Seed == 2 ? "34cd" : "12ab")));
        Assert.Equal((2, 1), (mixed.Difference("frechet #1", "width=16")!.Pairs, mixed.Difference("frechet #2", "width=16")!.Pairs));
        Plan claimed = plan with { Claims = [new PlannedClaim("", "frechet[width=16] < frechet[baseline]")] };
        Assert.Contains("different identities", ClaimJudge.Judge(claimed, [.. results.Select(r => With(r, $"of {r.Seed}", r.Seed > 0 ? "34cd" : "12ab"))])[0].Findings[0].Missing[0], StringComparison.Ordinal);
    }
}
