using System.Text.Json.Nodes;
using NextStep.Research.Reports;

namespace NextStep.Research.Experiments.Tests;

/// <summary>Kept numbers of claims: verdicts recomputed, damage named, the page. No training.</summary>
[Collection(nameof(CommandLine))]
public sealed class ReproduceTests : IDisposable
{
    private const string Noise = """
        question: Does noise help?
        paper: { says: Noise helps, where: §6.2 }
        sceptic: It is <small>.
        threads: 1
        data: { imageSize: 16, skills: [colors] }
        axes: { model.inputNoise: [0, 0.4, 0.8] }
        seeds: [0, 1, 2, 3, 4]
        measure: [alignment, flow.loss]
        claims:
          - { say: the loss rises, test: 'trend(flow.loss) > 0' }
          - { say: more is right, test: 'alignment[0.4] > alignment[0]' }
          - { say: as much, test: 'alignment[0.8] = alignment[0.4] +- 0.05' }
        smoke: { seeds: [0], training.model.images: 10 }
        """;

    private static readonly Lazy<string> Whole = new(Kept);

    private readonly TemporaryFolder _folder = new();

    public ReproduceTests()
    {
        _folder.Write("claims/noise.yaml", Noise);
        _folder.Write("claims/other.yaml", Noise.Replace("Does noise", "Does other noise", StringComparison.Ordinal));
    }

    private string Results => Path.Combine(_folder.Path, "results", "noise.json");

    private string Page => Path.Combine(_folder.Path, "page.html");

    public void Dispose() => _folder.Dispose();

    /// <summary>A finished run folder's numbers, kept.</summary>
    private void Keep(bool differentCode = false)
    {
        ClaimFile claim = new ClaimFolder(_folder.Path).All()[0];
        if (!differentCode)
        {
            _folder.Write("results/noise.json", Whole.Value);
            return;
        }
        Run(differentCode);
        ResultExport.Of(claim, ExperimentFile.Load(claim.Path), new RunFolder(Path.Combine(_folder.Path, "runs", "noise"))).Write(claim.Results);
    }

    private static string Kept()
    {
        using ReproduceTests one = new();
        one.Run(false);
        ClaimFile claim = new ClaimFolder(one._folder.Path).All()[0];
        ResultExport.Of(claim, ExperimentFile.Load(claim.Path), new RunFolder(Path.Combine(one._folder.Path, "runs", "noise"))).Write(claim.Results);
        return File.ReadAllText(claim.Results);
    }

    private void Run(bool differentCode)
    {
        ClaimFile claim = new ClaimFolder(_folder.Path).All()[0];
        Experiment experiment = ExperimentFile.Load(claim.Path);
        RunFolder run = new(Path.Combine(_folder.Path, "runs", "noise"));
        Plan plan = Plan.Make(experiment, StandardStages.All);
        run.WritePlan(plan);
        foreach (PlannedCell cell in plan.Cells)
        {
            Directory.CreateDirectory(run.Cell(cell));
            RunFolder.Write(Path.Combine(run.Cell(cell), "result.json"), Result(cell, experiment.Arms.First(a => a.Name == cell.Arm).Config.Model.InputNoise, differentCode));
        }
    }

    private static CellResult Result(PlannedCell cell, double noise, bool differentCode)
    {
        int right = noise == 0 ? 40 + (int)cell.Seed : 70 + (int)(cell.Seed % 2);
        return new CellResult
        {
            Cell = cell.Key, Arm = cell.Arm, Seed = cell.Seed,
            Metrics = new Dictionary<string, double> { ["alignment"] = right / 100.0, ["flow.loss"] = 0.1 + (0.05 * noise) + (0.001 * cell.Seed * noise), ["frechet"] = 7 },
            Stages = new Dictionary<string, string>(), Pictures = new Dictionary<string, string>(), Prompts = [],
            Outcomes = new Dictionary<string, PictureOutcomes> { ["alignment"] = new("tasks", new string('1', right) + new string('0', 100 - right)) },
            Seconds = new Dictionary<string, double> { ["model"] = 12.345 },
            Threads = new Dictionary<string, int> { ["model"] = 1 },
            Code = new Dictionary<string, string> { ["model"] = differentCode ? "0123456789ab" : CodeIdentity.Current },
            Provenance = new Dictionary<string, string> { ["commit"] = "abc1234abc1234abc1234", ["changes"] = differentCode ? "uncommitted, provenance/0.diff, sha256 0" : "none" },
        };
    }

    private (int Code, string Output, string Error) Check(params string[] more) =>
        CommandLine.Call(["reproduce", "--check", "--experiments", _folder.Path, "-o", Page, .. more]);

    private void Edit(Action<JsonObject> edit)
    {
        JsonObject root = JsonNode.Parse(File.ReadAllText(Results))!.AsObject();
        edit(root);
        File.WriteAllText(Results, root.ToJsonString());
    }

    [Fact]
    public void Whole_results_are_judged_again_and_claims_without_any_are_not_decided()
    {
        Keep();
        (int code, string output, string error) = Check();
        Assert.Equal((0, $"page: {Page}"), (code, error.Trim()));
        string[] rows = [.. output.Split('\n').Where(l => l.Contains("noise", StringComparison.Ordinal) || l.Contains("other", StringComparison.Ordinal))];
        Assert.Equal(["supported", "supported", "supported"], rows.Where(r => !r.Contains("not run yet", StringComparison.Ordinal)).Select(r => r.Contains("supported", StringComparison.Ordinal) ? "supported" : r));
        Assert.Equal(3, rows.Count(r => r.Contains("not run yet", StringComparison.Ordinal)));
        string page = File.ReadAllText(Page);
        Assert.Contains("1 of 2 claims run, with 3 tests: 3 supported, 0 contradicted, 0 undecided; 1 not run yet.", page, StringComparison.Ordinal);
        Assert.Contains("id=\"noise\"", page, StringComparison.Ordinal);
        Assert.Contains("id=\"other\"", page, StringComparison.Ordinal);
        Assert.Contains("It is &lt;small&gt;.", page, StringComparison.Ordinal);
        Assert.Contains("id=\"figure-noise-alignment-along-model.inputNoise\"", page, StringComparison.Ordinal);
        Assert.Contains("nextstep reproduce --check noise", page, StringComparison.Ordinal);
        Assert.Contains("5 seeds find differences from", page, StringComparison.Ordinal);
        Assert.Contains("; commit abc1234abc.", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_is_printed_for_the_readme()
    {
        Keep();
        string output = Check("--markdown", "noise").Output;
        Assert.StartsWith("| claim | question | verdicts", output, StringComparison.Ordinal);
        Assert.Contains("| `noise` | Does noise help? | **supported**: the loss rises (", output, StringComparison.Ordinal);
        Assert.Contains("; more is right (+0.2840, 0.2632 to 0.3048); as much (", output, StringComparison.Ordinal);
        Assert.EndsWith(") | 5 |", output.TrimEnd(), StringComparison.Ordinal);
        Assert.DoesNotContain("other", output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_edited_verdict_is_refused()
    {
        Keep();
        Edit(r => r["verdicts"]![1]!["verdict"] = "contradicted");
        (int code, _, string error) = Check();
        Assert.Equal(1, code);
        Assert.Contains("verdict on 'more is right': the file says contradicted, and its numbers say supported", error, StringComparison.Ordinal);
        Assert.Contains("results damaged", File.ReadAllText(Page), StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Edits => new()
    {
        { "cells/0/metrics/alignment: 0.9", "cell 'baseline, seed 0', field metrics.alignment: is 0.9, but 40 of its 100 pictures are right" },
        { "cells/4/metrics/flow.loss: 0.2", "cell 'inputNoise=0.4, seed 1', field digest: is " }, // no test depends on it
        { "cells/4/code/model: \"ab\"", "cell 'inputNoise=0.4, seed 1', field digest: is " },
        { "cells/4/digest: -", "cell 'inputNoise=0.4, seed 1', field digest: is nothing" },
        { "cells/4/metrics/flow.loss: \"NaN\"", "cell 'inputNoise=0.4, seed 1', field metrics.flow.loss: NaN is not finite" },
        { "cells/4/metrics/flow.loss: \"low\"", "cell 5, field metrics" },
        { "cells/4/seed: 2", "cell 'inputNoise=0.4, seed 2' stands twice" },
        { "cells/4/seed: 9", "cell 'inputNoise=0.4, seed 9', field seed: the experiment has no such seed; its seeds are 0, 1, 2, 3, 4" },
        { "cells/4/arm: \"inputNoise=0.3\"", "field arm: the experiment has no such arm; did you mean 'inputNoise=0.4'?" },
        { "cells/4: -", "cell 'inputNoise=0.4, seed 1' is missing" },
        { "cells/4/metrics/alignment: -", "cell 'inputNoise=0.4, seed 1', field metrics.alignment is missing" },
        { "cells/4/metrics: -", "metrics" },
        { "cells/4: null", "cell 5 is null" },
        { "cells/4/seconds/model: -1", "cell 'inputNoise=0.4, seed 1', field seconds.model: -1 is no time" },
        { "cells/4/threads/model: 0", "cell 'inputNoise=0.4, seed 1', field threads.model: 0 is no number of threads" },
        { "cells/4/outcomes/alignment/right: \"12\"", "cell 'inputNoise=0.4, seed 1', field outcomes.alignment: expected a 0 or 1 a picture" },
        { "verdicts/0/p: 0.5", "verdict on 'the loss rises', field p: the file says 0.5" },
        { "verdicts/0/say: \"the loss falls\"", "verdict on 'the loss rises': the file has 'the loss falls'" },
        { "verdicts/0/differences/0: 3", "verdict on 'the loss rises', field differences: the file says 3" },
        { "verdicts/0: -", "verdicts: there are 2, and the experiment has 3 claims" },
        { "version: 2", "version is 2, and this program reads 1" },
        { "claim: \"other\"", "claim is 'other', and the file is called noise" },
        { "experiment: \"0\"", "its arms, seeds or tests are others than those that were run" },
    };

    [Theory]
    [MemberData(nameof(Edits))]
    public void Whatever_is_edited_is_named(string edit, string message)
    {
        Keep();
        string[] parts = edit.Split(": ", 2), path = parts[0].Split('/');
        Edit(root =>
        {
            JsonNode node = path[..^1].Aggregate((JsonNode)root, (n, key) => n is JsonArray list ? list[int.Parse(key, System.Globalization.CultureInfo.InvariantCulture)]! : n[key]!);
            switch (node)
            {
                case JsonArray list when parts[1] == "-":
                    list.RemoveAt(int.Parse(path[^1], System.Globalization.CultureInfo.InvariantCulture));
                    break;
                case JsonArray list:
                    list[int.Parse(path[^1], System.Globalization.CultureInfo.InvariantCulture)] = JsonNode.Parse(parts[1]);
                    break;
                case JsonObject one when parts[1] == "-":
                    one.Remove(path[^1]);
                    break;
                default:
                    node[path[^1]] = JsonNode.Parse(parts[1]);
                    break;
            }
        });
        IReadOnlyList<string> faults = ReproducedClaim.FromResults(new ClaimFolder(_folder.Path).All()[0]).Faults;
        Assert.All(faults, f => Assert.StartsWith(Results, f, StringComparison.Ordinal));
        Assert.Contains(faults, f => f.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public void Another_experiment_text_is_refused_and_other_words_are_not()
    {
        Keep();
        _folder.Write("claims/noise.yaml", "# A comment.\n" + Noise.Replace("It is <small>", "It is tiny", StringComparison.Ordinal));
        Assert.Equal(0, Check("noise").Code);
        _folder.Write("claims/noise.yaml", Noise.Replace("+- 0.05", "+- 0.2", StringComparison.Ordinal));
        (int code, _, string error) = Check("noise");
        Assert.Equal(1, code);
        Assert.Contains("its arms, seeds or tests are others than those that were run; restore it, or run nextstep reproduce noise again", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Results_of_another_code_are_noted_and_a_file_without_claim_is_refused()
    {
        Keep(differentCode: true);
        (int code, _, string error) = Check();
        Assert.Equal(0, code);
        Assert.Contains($"note: the results of noise were made by code 0123456789ab (commit abc1234abc1234abc1234, with uncommitted changes); this program is {CodeIdentity.Current}", error, StringComparison.Ordinal);
        File.Copy(Results, Path.Combine(_folder.Path, "results", "nosie.json"));
        (code, _, error) = Check();
        Assert.Equal(1, code);
        Assert.Contains("nosie.json: belongs to no claim; did you mean 'noise'?", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Cells_of_different_code_decide_only_where_that_was_allowed()
    {
        Run(false);
        ClaimFile claim = new ClaimFolder(_folder.Path).All()[0];
        Experiment experiment = ExperimentFile.Load(claim.Path);
        RunFolder run = new(Path.Combine(_folder.Path, "runs", "noise"));
        PlannedCell last = run.RequirePlan().Cells[^1];
        RunFolder.Write(Path.Combine(run.Cell(last), "result.json"), Result(last, 0.8, differentCode: true));
        ResultExport.Of(claim, experiment, run).Write(claim.Results);
        Assert.All(ReproducedClaim.FromResults(claim).Plan.Claims, c => Assert.Equal("undecided", c.Verdict));
        ResultExport.Of(claim, experiment, run, mixCode: true).Write(claim.Results);
        ReproducedClaim mixed = ReproducedClaim.FromResults(claim);
        Assert.Empty(mixed.Faults);
        Assert.All(mixed.Plan.Claims, c => Assert.Equal("supported", c.Verdict));
        Assert.Contains("The cells were computed by different code", mixed.Mixed, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failed_cell_is_kept_as_such_and_makes_the_verdict_preliminary()
    {
        Keep();
        ClaimFile claim = new ClaimFolder(_folder.Path).All()[0];
        ClaimResults kept = ClaimResults.Read(claim.Results)! with { Failures = [new ClaimFailure("baseline", 0, "model", "the loss is NaN")] };
        (kept = kept with { Cells = [.. kept.Cells.Skip(1)] }).Write(claim.Results);
        Assert.Contains("verdict on", Assert.Single(ReproducedClaim.FromResults(claim).Faults.Take(1)), StringComparison.Ordinal); // the verdicts were those of five seeds
        (kept with { Verdicts = [.. ResultJudge.Judge(kept, ExperimentFile.Load(claim.Path)).Plan.Claims.Select(ClaimVerdict.Of)] }).Write(claim.Results);
        (int code, string output, string error) = Check("noise");
        Assert.Equal((0, $"page: {Page}"), (code, error.Trim()));
        Assert.Contains("supported, preliminary", output, StringComparison.Ordinal);
        Assert.Contains("4 of 5", output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unfinished_run_keeps_nothing()
    {
        Run(false);
        ClaimFile claim = new ClaimFolder(_folder.Path).All()[0];
        RunFolder run = new(Path.Combine(_folder.Path, "runs", "noise"));
        File.Delete(Path.Combine(run.Cell(run.RequirePlan().Cells[3]), "result.json"));
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => ResultExport.Of(claim, ExperimentFile.Load(claim.Path), run));
        Assert.Contains("1 of 15 cells have not ended (baseline, seed 1 is the first)", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "nois: is no claim; did you mean 'noise'?", "nois")]
    [InlineData(2, "--check runs nothing", "--smoke")]
    public void Wrong_use_is_told(int expected, string message, string argument)
    {
        (int code, _, string error) = Check(argument);
        Assert.Equal(expected, code);
        Assert.Contains(message, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_claims_is_told()
    {
        (int code, _, string error) = CommandLine.Call("reproduce", "--check", "--experiments", Path.Combine(_folder.Path, "none"), "-o", Page);
        Assert.Equal(2, code);
        Assert.Contains("holds no experiment files", error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_smoke_page_says_that_its_numbers_mean_nothing()
    {
        ClaimFile claim = new ClaimFolder(_folder.Path).All()[0];
        string page = FindingsPage.Of([ReproducedClaim.FromRun(claim, ExperimentFile.LoadSmoke(claim.Path), new RunFolder(Path.Combine(_folder.Path, "nowhere")))], smoke: true).Markup;
        Assert.Contains("No number here says anything about a claim", page, StringComparison.Ordinal);
        Assert.Contains("Not run yet: nothing is decided.", page, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_kept_in_the_repository_follows_from_its_numbers()
    {
        ClaimFolder folder = new(Path.Combine(Sources.Root, "experiments"));
        Assert.Empty(folder.Strays());
        Assert.All(folder.All(), c => Assert.Empty(ReproducedClaim.FromResults(c).Faults));
    }
}
