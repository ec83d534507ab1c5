namespace NextStep.Research.Experiments.Tests.Identity;

/// <summary>What a sweep computes again after something has changed, and what it keeps: a table whose lines are printed by runs.</summary>
public sealed class ComputedAgainTests(ITestOutputHelper output) : IDisposable
{
    private const string Two = "arms: { noisy: { model.inputNoise: 0.4 } }\n";
    private const string Seeds = "seeds: [0, 1]\n";
    private const string Grid = "axes: { model.inputNoise: [0, 0.4], sampling.guidance: [2, 3] }\n";
    private readonly CountedSweep _sweep = new();

    public void Dispose() => _sweep.Dispose();

    [Fact]
    public void Kill_rename_add_change_data_change_code()
    {
        Line("a folder's first sweep: two arms, one seed", Two, "1 verifier, 1 autoencoder, 1 latents, 2 model, 2 samples, 2 metrics", 0);
        Line("nothing", Two, "nothing", 2);
        using (CancellationTokenSource killed = new())
        {
            int models = 0;
            _sweep.Stop = killed;
            _sweep.Before = kind =>
            {
                if (kind == "model" && ++models == 2)
                {
                    killed.Cancel();
                }
            };
            Line("a seed added; stopped in its second model", Two + Seeds, "1 verifier, 1 autoencoder, 1 latents, 2 model, 1 samples, 1 metrics", 2);
            (_sweep.Before, _sweep.Stop) = (_ => { }, null);
        }
        Line("the same command after that", Two + Seeds, "1 model, 1 samples, 1 metrics", 3);
        Line("an arm renamed", Seeds + "arms: { louder: { model.inputNoise: 0.4 } }\n", "nothing", 4);
        Line("the other arm made the baseline", Seeds + "baseline: { model.inputNoise: 0.4 }\narms: { quiet: { model.inputNoise: 0 } }\n", "nothing", 4);
        Line("an axis added: guidance 3 beside 2", Seeds + Grid, "4 samples, 4 metrics", 4);
        Line("checkpointEvery, logEvery and recomputeLayers changed", Seeds + Grid + "training: { recomputeLayers: true, model: { checkpointEvery: 64, logEvery: 32 } }\n", "nothing", 8);
        _sweep.Move("pictures", "moved");
        Line("the data folder moved", Seeds + Grid, "nothing", 8);
        _sweep.Write("moved/2.png", "another picture");
        PlanChangedException refused = Assert.Throws<PlanChangedException>(() => _sweep.Sweep(_sweep.Yaml(Seeds + Grid)));
        Assert.Contains(refused.Differences, d => d.Contains("other content (8 files, sha256 ", StringComparison.Ordinal));
        Line("one picture changed (with --accept-changed-plan)", Seeds + Grid, "2 autoencoder, 2 latents, 4 model, 8 samples, 8 metrics", 0, accept: true);
        _sweep.Write("moved/2.png", "picture 2");
        Line("that picture put back (with --accept-changed-plan)", Seeds + Grid, "nothing", 8, accept: true);
        Assert.Null(CodeMix.Of(_sweep.Results()));
        Line("the code changed", Seeds + Grid, "nothing", 8, code: "code two");
        Line("a seed added by the changed code", Seeds.Replace("1]", "1, 2]", StringComparison.Ordinal) + Grid, "1 verifier, 1 autoencoder, 1 latents, 2 model, 4 samples, 4 metrics", 8, code: "code two");
        Assert.Contains("model by code one (8 cells) and code two (4 cells)", CodeMix.Of(_sweep.Results()), StringComparison.Ordinal);
    }

    private void Line(string change, string yaml, string expected, int kept, bool accept = false, string code = "code one")
    {
        (IReadOnlyDictionary<string, int> ran, int before) = _sweep.Sweep(_sweep.Yaml(yaml), accept, code);
        string again = ran.Count == 0 ? "nothing" : string.Join(", ", StandardStages.All.Where(s => ran.ContainsKey(s.Kind)).Select(s => $"{ran[s.Kind]} {s.Kind}"));
        output.WriteLine($"| {change} | {again} | {before} cells |");
        Assert.Equal((expected, kept), (again, before));
    }
}
