namespace NextStep.Research.Experiments.Tests.Identity;

/// <summary>What a sweep computes again after something has changed, and what it keeps: a table whose lines are printed by runs.</summary>
public sealed class ComputedAgainTests(ITestOutputHelper output) : IDisposable
{
    private const string Arms = "arms: { noisy: { model.inputNoise: 0.4 } }";
    private readonly CountedSweep _sweep = new();

    public void Dispose() => _sweep.Dispose();

    [Fact]
    public void Kill_rename_add_change_data_change_code()
    {
        Line("nothing was there", _sweep.Yaml(Arms), "2 verifier? no");
    }

    private void Line(string change, string yaml, string expected, bool accept = false, string code = "code one")
    {
        (IReadOnlyDictionary<string, int> ran, int kept) = _sweep.Sweep(yaml, accept, code);
        string again = ran.Count == 0 ? "nothing" : string.Join(", ", StandardStages.All.Where(s => ran.ContainsKey(s.Kind)).Select(s => $"{ran[s.Kind]} {s.Kind}"));
        output.WriteLine($"| {change} | {again} | {kept} cells |");
        Assert.Equal(expected, $"{again}; kept {kept}");
    }
}
