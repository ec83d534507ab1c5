using NextStep.Research.Reports;

namespace NextStep.Research.Experiments.Tests;

/// <summary>What lies in run folders beside results: what no plan needs, notes; and two folders beside each other.</summary>
[Collection(nameof(CommandLine))]
public sealed class FolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RunFolder _run;

    public FolderTests() => _run = new RunFolder(_folder.File("run"));

    public void Dispose() => _folder.Dispose();

    private Experiment Load(string yaml) => ExperimentFile.Load(_folder.Write("grid.yaml", yaml));

    private Plan Write(RunFolder run, string yaml) => GeneratedRun.Write(run, Load(yaml));

    [Fact]
    public void What_no_cell_of_the_plan_needs_is_found_and_removed_and_all_else_stays()
    {
        Plan before = Write(_run, GeneratedRun.Grid);
        Plan now = Plan.Make(Load(GeneratedRun.Grid.Replace("autoencoder.width: [8, 16]", "autoencoder.width: [8, 32]", StringComparison.Ordinal)), StandardStages.All);
        _run.WritePlan(now);
        HashSet<string> kept = [.. now.AllCells.SelectMany(c => c.Stages).Select(s => s.Key)];
        PlannedStage[] gone = [.. before.AllCells.SelectMany(c => c.Stages.Where(s => s.Shared && !kept.Contains(s.Key))).DistinctBy(s => s.Key)];
        Directory.CreateDirectory(_run.Path + "/stages/model-0123456789abcdef.partial");
        // Somebody still works by the old plan.
        using (Lease? alive = Lease.TryTake(Lease.FileOf(_run, gone[0]), LeaseWatch.Shared))
        {
            IReadOnlyList<GarbageItem> found = RunGarbage.Find(_run, cells: false);
            Assert.Equal(gone.Skip(1).Select(s => s.Folder).Append("stages/model-0123456789abcdef.partial").Order(StringComparer.Ordinal), found.Select(i => i.Path));
        }
        (int code, string output, _) = CommandLine.Call("gc", _run.Path);
        Assert.Equal(0, code);
        Assert.Contains("; --yes removes them", output, StringComparison.Ordinal);
        Assert.All(gone, s => Assert.True(Directory.Exists(_run.Stage(s))));
        Assert.Equal(gone.Length + 1, RunGarbage.Remove(_run, cells: false).Count);
        Assert.Empty(RunGarbage.Find(_run, cells: false));
        Assert.All(gone, s => Assert.False(Directory.Exists(_run.Stage(s))));
        Assert.All(before.Cells, c => Assert.True(_run.IsDone(c))); // results are not stages
        Assert.All(now.Cells.Where(_run.IsDone).SelectMany(c => c.Stages), s => Assert.True(Directory.Exists(_run.Stage(s))));

        Assert.Equal(before.Cells.Count(c => now.Cells.All(n => n.Key != c.Key)), RunGarbage.Remove(_run, cells: true).Count);
        Assert.Equal(now.Cells.Where(c => before.Cells.Any(b => b.Key == c.Key)).Select(c => c.Key).Order(), Directory.GetDirectories(_run.Path + "/cells").Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Notes_and_tags_stand_in_status_exports_and_report_and_go_when_they_are_empty()
    {
        Plan plan = Write(_run, GeneratedRun.Grid);
        PlannedCell cell = plan.Cells[1];
        Assert.Equal((0, ""), (CommandLine.Call("note", _run.Path, cell.Key[..6], "washed out", "--tag", "look-again", "--tag", "best").Code, CommandLine.Call("note", _run.Path, "nothing").Output));
        Assert.Equal(0, CommandLine.Call("note", _run.Path, cell.Arm, "--untag", "best").Code); // all of the arm's cells
        Assert.Equal($"{cell.Key} ({cell.Label}): [look-again] washed out\n", CommandLine.Call("note", _run.Path).Output.ReplaceLineEndings("\n"));
        Assert.Contains("[look-again] washed out", CommandLine.Call("status", _run.Path).Output, StringComparison.Ordinal);
        RunTable table = RunTable.Cells(_run);
        Assert.Equal([null, "washed out"], ((string?[])table.Columns.Single(c => c.Name == "note").Values)[..2]);
        Assert.Equal("look-again", ((string?[])table.Columns.Single(c => c.Name == "tags").Values)[1]);
        string mlflow = RunExport.Write(_run, "mlflow", _folder.File("out")).Select(Path.GetDirectoryName).Single(d => File.Exists($"{d}/tags/nextstep.cell") && File.ReadAllText($"{d}/tags/nextstep.cell") == cell.Key)!;
        Assert.Equal(("washed out", "look-again"), (File.ReadAllText($"{mlflow}/tags/mlflow.note.content"), File.ReadAllText($"{mlflow}/tags/nextstep.tags")));
        HtmlReport.Write(_run.Path, _run.ReportFile);
        Assert.Contains("[look-again] washed out", File.ReadAllText(_run.ReportFile), StringComparison.Ordinal);

        CommandLine.Call("note", _run.Path, cell.Key, "", "--untag", "look-again");
        Assert.Null(CellNote.Read(_run, cell));
        Assert.DoesNotContain(RunTable.Cells(_run).Columns, c => c.Name is "note" or "tags");
        Assert.Contains("there is no cell or arm 'wdith=16'; did you mean 'width=16'?", CommandLine.Call("note", _run.Path, "wdith=16", "x").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_runs_of_the_same_cells_are_paired_by_configuration_and_seed_with_what_differs()
    {
        RunFolder other = new(_folder.File("other"));
        Plan first = Write(_run, GeneratedRun.Grid);
        // The same arms under other names and with one more, other code, and a loss that is lower by 0.01, 0.02 and 0.03.
        Plan second = Write(other, GeneratedRun.Grid.Replace("autoencoder.width: [8, 16]", "autoencoder.width: [8, 16, 32]", StringComparison.Ordinal).Replace("baseline: { autoencoder.width: 8,", "baseline: { autoencoder.width: 16,", StringComparison.Ordinal));
        foreach (PlannedCell cell in second.Cells)
        {
            CellResult result = other.ReadResult(cell)!;
            RunFolder.Write(Path.Combine(other.Cell(cell), "result.json"), result with
            {
                Metrics = new Dictionary<string, double>(result.Metrics) { ["flow.loss"] = result.Metrics["flow.loss"] - (0.01 * (cell.Seed + 1)) },
                Identities = new Dictionary<string, string> { ["frechet"] = "extractor 99ff, 100 samples" },
                Provenance = new Dictionary<string, string> { ["commit"] = "4567def", ["device"] = "cpu", ["started"] = "later" },
            });
        }
        TwoRuns runs = TwoRuns.Compare(_run, other, m => m is "flow.loss" or "alignment" or "frechet");
        Assert.Equal([("baseline", "width=8"), ("noiseStrength=0.5", "width=8,noiseStrength=0.5"), ("width=16", "baseline"), ("width=16,noiseStrength=0.5", "noiseStrength=0.5")], runs.Arms.Select(a => (a.First, a.Second)));
        Assert.All(runs.Arms, a => Assert.Empty(a.Settings));
        Assert.Equal("commit: 0123abc → 4567def", Assert.Single(runs.Differences));
        Assert.Equal(["frechet"], runs.Apart);
        Assert.DoesNotContain(runs.Metrics, m => m.Metric == "frechet");
        Assert.All(runs.Metrics.Where(m => m.Metric == "alignment"), m => Assert.All(m.Difference.Differences, d => Assert.Equal(0, d)));
        RunDifference loss = runs.Metrics.First(m => m.Metric == "flow.loss");
        Assert.Equal([-0.01, -0.02, -0.03], loss.Difference.Differences.Select(d => Math.Round(d, 9)));
        // R: t.test(c(-0.01, -0.02, -0.03))$p.value
        Assert.Equal(0.07417990022744855, loss.Difference.Test.PValue!.Value, 9);

        (int code, string output, string error) = CommandLine.Call("compare", _run.Path, other.Path);
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("differs: commit: 0123abc → 4567def", output, StringComparison.Ordinal);
        Assert.Contains("identical", output, StringComparison.Ordinal);
        Assert.Contains("of other kinds in the two runs, and not compared there: frechet", output, StringComparison.Ordinal);
        Assert.Contains("baseline → width=8", output, StringComparison.Ordinal);
        Assert.Equal(first.Cells.Count, _run.ReadResults(first).Count);
    }

    [Fact]
    public void An_arm_of_the_same_name_with_another_setting_is_paired_and_the_setting_told()
    {
        RunFolder other = new(_folder.File("other"));
        Write(_run, GeneratedRun.Grid);
        Write(other, GeneratedRun.Grid + "\ntraining.model.images: 777\n");
        TwoRuns runs = TwoRuns.Compare(_run, other, m => m == "alignment");
        Assert.Equal(4, runs.Arms.Count);
        Assert.All(runs.Arms, a => Assert.Equal("training.model.images", Assert.Single(a.Settings).Path));
        Assert.Equal(["model", "samples", "metrics"], runs.Arms[0].Stages);
    }
}
