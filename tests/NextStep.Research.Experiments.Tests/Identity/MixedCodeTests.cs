namespace NextStep.Research.Experiments.Tests.Identity;

/// <summary>Numbers of different code are shown beside each other, but no difference between them is called significant unless that is asked for.</summary>
[Collection(nameof(CommandLine))]
public sealed class MixedCodeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RunFolder _run;
    private readonly Plan _plan;

    public MixedCodeTests()
    {
        _run = new RunFolder(_folder.File("run"));
        _plan = GeneratedRun.Write(_run, ExperimentFile.Load(_folder.Write("grid.yaml", GeneratedRun.Grid)));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void One_code_decides_and_two_do_not()
    {
        IReadOnlyList<CellResult> one = _run.ReadResults(_plan), two = [.. one.Select((r, i) => r with { Code = r.Code.ToDictionary(c => c.Key, c => i == 0 && c.Key == "model" ? "ba9876543210" : c.Value) })];
        Assert.Null(CodeMix.Of(one));
        Assert.Contains("model by ba9876543210 (1 cells) and 0123456789ab (11 cells)", CodeMix.Of(two), StringComparison.Ordinal);
        Assert.DoesNotContain("autoencoder by", CodeMix.Of(two), StringComparison.Ordinal);

        string arm = _plan.Arms[1].Name;
        Assert.True(new RunStatistics(_plan, one).Difference("flow.loss", arm)!.IsSignificant);
        PairedComparison refused = new RunStatistics(_plan, two).Difference("flow.loss", arm)!;
        Assert.False(refused.IsSignificant);
        Assert.Null(refused.AdjustedPValue);
        Assert.True(new RunStatistics(_plan, two, mixCode: true).Difference("flow.loss", arm)!.IsSignificant);
        RunStatistics mixed = new(_plan, two);
        Assert.Null(mixed.EffectTests.Effect("flow.loss", mixed.Effects("flow.loss")!.MainEffects[1])!.AdjustedPValue);

        Assert.Equal("supported", ClaimJudge.Judge(_plan, one)[0].Verdict);
        Assert.All(ClaimJudge.Judge(_plan, two), c => Assert.Equal("undecided", c.Verdict));
        Assert.StartsWith("The cells were computed by different code", ClaimJudge.Judge(_plan, two)[0].Evidence, StringComparison.Ordinal);
        Assert.Equal("supported", ClaimJudge.Judge(_plan, two, mixCode: true)[0].Verdict);
    }

    [Fact]
    public void Compare_and_report_say_so()
    {
        string file = Path.Combine(_run.Cell(_plan.Cells[3]), "result.json");
        File.WriteAllText(file, File.ReadAllText(file).Replace("0123456789ab", "ba9876543210", StringComparison.Ordinal));
        string refused = CommandLine.Call("compare", _run.Path).Output, asked = CommandLine.Call("compare", _run.Path, "--mix-code").Output;
        Assert.Contains("different code", refused, StringComparison.Ordinal);
        Assert.Contains("--mix-code", refused, StringComparison.Ordinal);
        Assert.DoesNotContain("supported: noise costs loss", refused, StringComparison.Ordinal);
        Assert.Contains("different code", asked, StringComparison.Ordinal);
        Assert.DoesNotContain("--mix-code", asked, StringComparison.Ordinal);
        Assert.Contains("supported: noise costs loss", asked, StringComparison.Ordinal);

        // A folder that is only read: the page goes elsewhere, and nothing is written beside the results.
        string[] before = [.. Directory.EnumerateFiles(_run.Path, "*", SearchOption.AllDirectories).Order()];
        string page = _folder.File("page.html");
        Assert.Equal(0, CommandLine.Call("report", _run.Path, "-o", page).Code);
        Assert.Equal(before, Directory.EnumerateFiles(_run.Path, "*", SearchOption.AllDirectories).Order());
        Assert.Contains("<h2>Different code</h2>", File.ReadAllText(page), StringComparison.Ordinal);
    }

    [Fact]
    public void Work_only_on_an_arm_that_there_is()
    {
        (int code, _, string said) = CommandLine.Call("work", _run.Path, "--only", "width=61");
        Assert.Equal(2, code);
        Assert.Contains("there is no arm 'width=61'; did you mean 'width=16'?", said.ReplaceLineEndings(" "), StringComparison.Ordinal);
    }
}
