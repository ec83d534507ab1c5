using System.Text.Json;
using NextStep.Research.Experiments;

namespace NextStep.Research.Reports.Tests;

public sealed class DamagedRunTests
{
    [Fact]
    public void Unfinished_and_failed_cells_are_shown_as_such()
    {
        using var run = new RecordedRun("baseline", "noiseStrength=0", "noiseStrength=1");
        run.WritePlan();
        run.WriteCell(0, 0);
        RecordedRun.WriteMetrics(run.UnfinishedStage(1, 0), 1, 0);
        RecordedRun.WriteMetrics(run.UnfinishedStage(1, 1), 1, 1);
        var failure = new CellFailure(
            RecordedRun.Key(1, 1), "noiseStrength=0", 1, "model", "ArithmeticException", "loss is NaN at step 812", "812 of 2000 steps",
            "cells/ce1111/model.partial", ["{\"flow.loss\":\"NaN\"}"], "", DateTime.UnixEpoch)
        {
            Capsule = "cells/ce1111/capsule", BatchIds = ["shapes/17", "shapes/4"],
        };
        File.WriteAllText(Path.Combine(run.CellFolder(1, 1), "failure.json"), JsonSerializer.Serialize(failure, JsonSerializerOptions.Web));
        string html = run.Report();

        Assert.Contains("1 of 6 cells finished, 1 failed, 4 unfinished", html, StringComparison.Ordinal);
        string failures = HtmlReportTests.Section(html, "failures");
        Assert.Contains("loss is NaN at step 812", failures, StringComparison.Ordinal);
        Assert.Contains("812 of 2000 steps", failures, StringComparison.Ordinal);
        Assert.Contains("model at 25,600 images", failures, StringComparison.Ordinal);
        Assert.Contains("cells/ce1111/capsule", failures, StringComparison.Ordinal);
        Assert.Contains("shapes/17, shapes/4", failures, StringComparison.Ordinal);
        Assert.Contains("flow.loss", failures, StringComparison.Ordinal);
        Assert.Contains("not begun", failures, StringComparison.Ordinal);
        Assert.Contains("1 of 2", HtmlReportTests.Section(html, "numbers"), StringComparison.Ordinal);
        Assert.Contains("not yet", HtmlReportTests.Section(html, "numbers"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_has_not_begun_has_a_report()
    {
        using var run = new RecordedRun();
        run.WritePlan();
        string html = run.Report();
        Assert.Contains("0 of 4 cells finished, 4 unfinished", html, StringComparison.Ordinal);
        Assert.Contains("No cell has finished yet", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cut_off_last_line_of_metrics_is_left_out_and_said()
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        string path = Path.Combine(run.CellFolder(1, 0), "metrics.jsonl");
        string whole = File.ReadAllText(path);
        File.WriteAllText(path, whole[..^40]);
        string html = run.Report();
        Assert.Contains("cells/ce1110/metrics.jsonl: the last line was cut off and is left out.", html, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[1,2,3]")]
    [InlineData("{\"stage\":\"model\"}")]
    [InlineData("{\"stage\":7,\"images\":1}")]
    public void Other_damage_names_file_and_line(string line)
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        string path = Path.Combine(run.CellFolder(0, 1), "metrics.jsonl");
        string[] lines = File.ReadAllLines(path);
        lines[4] = line;
        File.WriteAllLines(path, lines);
        Assert.Contains("cells/ce1101/metrics.jsonl: 1 line(s) are not metrics, the first is line 5", run.Report(), StringComparison.Ordinal);
    }

    [Fact]
    public void Values_that_are_not_finite_become_gaps()
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        string path = Path.Combine(run.CellFolder(0, 0), "metrics.jsonl");
        File.AppendAllText(path, """{"stage":"model","images":99999,"flow.loss":"NaN","text.loss":"Infinity"}""" + "\n");
        string html = run.Report();
        Assert.DoesNotContain("metrics.jsonl", HtmlReportTests.Section(html, "notes"), StringComparison.Ordinal);
        Assert.DoesNotContain("\"NaN\"", html, StringComparison.Ordinal);
        Assert.Contains("null", html, StringComparison.Ordinal);
    }

    [Fact]
    public void An_arm_that_is_not_a_number_is_never_the_best()
    {
        using RecordedRun run = new RecordedRun { Seeds = 1 }.WriteAll();
        var folder = new RunFolder(run.Folder);
        Plan plan = folder.RequirePlan();
        folder.WritePlan(plan with { Claims = [] });
        string result = Path.Combine(run.CellFolder(1, 0), "result.json");
        File.WriteAllText(result, System.Text.RegularExpressions.Regex.Replace(File.ReadAllText(result), "\"flow.loss\":[0-9.]+", "\"flow.loss\":\"NaN\""));
        string html = run.Report();
        Assert.Contains("Flow loss: best in <strong>baseline</strong> with 0.4321", html, StringComparison.Ordinal);
        Assert.Contains("not a number", HtmlReportTests.Section(html, "numbers"), StringComparison.Ordinal);
    }

    [Fact]
    public void Pictures_that_are_missing_cut_off_or_elsewhere_are_named()
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        File.Delete(Path.Combine(run.CellFolder(0, 0), "samples.png"));
        string cut = Path.Combine(run.CellFolder(1, 0), "samples.png");
        File.WriteAllBytes(cut, File.ReadAllBytes(cut)[..^10]);
        File.WriteAllText(Path.Combine(run.CellFolder(1, 1), "samples.png"), new string('?', 100));
        string result = Path.Combine(run.CellFolder(0, 1), "result.json");
        File.WriteAllText(result, File.ReadAllText(result).Replace("\"samples.png\"", "\"../../plan.json\"", StringComparison.Ordinal));
        string html = run.Report();

        Assert.Contains("cells/ce1100/samples.png is missing.", html, StringComparison.Ordinal);
        Assert.Contains("cells/ce1110/samples.png is cut off", html, StringComparison.Ordinal);
        Assert.Contains("cells/ce1111/samples.png is not a PNG picture.", html, StringComparison.Ordinal);
        Assert.Contains("outside of the cell", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_picture_that_is_damaged_inside_is_named_and_the_others_are_shown()
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        foreach (string file in new[] { Path.Combine(run.CellFolder(0, 0), "samples.png"), Path.Combine(run.CellFolder(1, 1), "heatmap.noise.png"), Path.Combine(run.CellFolder(0, 1), "reconstructions.png") })
        {
            byte[] bytes = File.ReadAllBytes(file);
            bytes.AsSpan(60, 60).Clear();
            File.WriteAllBytes(file, bytes);
        }

        string html = run.Report();
        Assert.Contains("cells/ce1100/samples.png is damaged and is not shown", html, StringComparison.Ordinal);
        Assert.Contains("cells/ce1111/heatmap.noise.png is damaged and is not shown", html, StringComparison.Ordinal);
        Assert.Contains("cells/ce1101/reconstructions.png is damaged and is not shown", html, StringComparison.Ordinal);
        Assert.Equal(3, System.Text.RegularExpressions.Regex.Count(html, "alt=\"Pictures drawn"));
        Assert.Contains("The picture could not be shown; see the notes.", html, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, "All 41 files compared are the same to the last bit.")]
    [InlineData(false, "2 of 41 files differ:")]
    public void The_resume_proof_is_told_as_it_came_out(bool identical, string said)
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        RunFolder.Write(Path.Combine(run.Folder, ResumeProof.FileName), new ResumeProof
        {
            Cell = "baseline, seed 0", Shortened = "64 steps", Kills = 5, PowerCuts = 2, FilesCompared = 41, Identical = identical,
            Differences = identical ? [] : ["model/weights.safetensors", "metrics.jsonl"], Date = DateTime.UnixEpoch,
        });
        string proof = HtmlReportTests.Section(run.Report(), "resume");
        Assert.Contains(said, proof, StringComparison.Ordinal);
        Assert.Contains("killed 5 times", proof, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_resume_proof_is_named()
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        File.WriteAllText(Path.Combine(run.Folder, ResumeProof.FileName), "{\"cell\":");
        Assert.Contains("resume-proof.json is damaged", run.Report(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("""{"a":null}""")]
    [InlineData("""{"a":{"title":"t","xTitle":"x","yTitle":"y","x":[1,2],"lines":{"l":[1]}}}""")]
    [InlineData("""{"a":{"title":"t","xTitle":"x","yTitle":"y","x":[1,2],"lines":{"l":null}}}""")]
    public void Damaged_curves_are_named_and_the_cell_is_kept(string curves)
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        File.WriteAllText(Path.Combine(run.CellFolder(1, 0), Curve.FileName), curves);
        string html = run.Report();
        Assert.Contains("cells/ce1110/curves.json is damaged", html, StringComparison.Ordinal);
        Assert.Contains("4 of 4 cells finished", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Cells_without_pictures_numbers_or_curves_leave_gaps_in_words()
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        for (int seed = 0; seed < 2; seed++)
        {
            string file = Path.Combine(run.CellFolder(1, seed), "result.json");
            CellResult result = JsonSerializer.Deserialize<CellResult>(File.ReadAllText(file), JsonSerializerOptions.Web)!;
            result = result with { Metrics = new Dictionary<string, double>(), Pictures = new Dictionary<string, string>(), Prompts = [] };
            File.WriteAllText(file, JsonSerializer.Serialize(result, JsonSerializerOptions.Web));
            File.Delete(Path.Combine(run.CellFolder(1, seed), Curve.FileName));
            File.Delete(Path.Combine(run.CellFolder(1, seed), "metrics.jsonl"));
        }

        string html = run.Report();
        Assert.Contains("not measured", HtmlReportTests.Section(html, "numbers"), StringComparison.Ordinal);
        Assert.Contains("The cell left none.", HtmlReportTests.Section(html, "pictures-samples"), StringComparison.Ordinal);
    }

    [Fact]
    public void Prompts_of_another_cell_and_sheets_of_another_size_are_not_put_side_by_side()
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        string file = Path.Combine(run.CellFolder(1, 0), "result.json");
        File.WriteAllText(file, File.ReadAllText(file).Replace("a blue square", "a red square", StringComparison.Ordinal));
        File.WriteAllBytes(Path.Combine(run.CellFolder(1, 1), "samples.png"), TinyPng.Bytes(40, 30, (_, _) => 0x808080));
        string html = run.Report();
        Assert.Contains("2 sample sheet(s) have other prompts or another size", html, StringComparison.Ordinal);
        Assert.Equal(2, System.Text.RegularExpressions.Regex.Count(html, "alt=\"Pictures drawn"));
    }

    [Fact]
    public void Sheets_of_an_unknown_layout_are_shown_whole()
    {
        using RecordedRun run = new RecordedRun("baseline") { Seeds = 1 }.WriteAll();
        File.WriteAllBytes(Path.Combine(run.CellFolder(0, 0), "samples.png"), TinyPng.Bytes(41, 30, (_, _) => 0x808080));
        string html = HtmlReportTests.Section(run.Report(), "pictures-samples");
        Assert.Contains("alt=\"Pictures drawn", html, StringComparison.Ordinal);
        Assert.DoesNotContain("By prompt", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_result_is_named_and_the_cell_counts_as_unfinished()
    {
        using RecordedRun run = new RecordedRun().WriteAll();
        File.WriteAllText(Path.Combine(run.CellFolder(1, 1), "result.json"), """{"cell":"ce1111","arm":""");
        string html = run.Report();
        Assert.Contains("cells/ce1111/result.json is damaged", html, StringComparison.Ordinal);
        Assert.Contains("3 of 4 cells finished, 1 unfinished", html, StringComparison.Ordinal);
        Assert.DoesNotContain(run.Folder, html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_no_run_is_refused_by_name()
    {
        string folder = Directory.CreateTempSubdirectory("nextstep-report-").FullName;
        try
        {
            Assert.Contains("plan.json", Assert.Throws<InvalidDataException>(() => HtmlReport.Write(folder, Path.Combine(folder, "r.html"))).Message, StringComparison.Ordinal);
            string absent = Path.Combine(folder, "absent");
            Assert.Contains("absent", Assert.Throws<InvalidDataException>(() => HtmlReport.Write(absent, Path.Combine(folder, "r.html"))).Message, StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(folder, "plan.json"), """{"name":""");
            Assert.Contains("plan.json", Assert.Throws<InvalidDataException>(() => HtmlReport.Write(folder, Path.Combine(folder, "r.html"))).Message, StringComparison.Ordinal);
            Assert.False(File.Exists(Path.Combine(folder, "r.html")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
