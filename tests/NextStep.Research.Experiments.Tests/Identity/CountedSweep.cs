namespace NextStep.Research.Experiments.Tests.Identity;

/// <summary>A folder in which sweeps run with the real stages' kinds, versions and keys, but with work that takes no time and is counted.</summary>
internal sealed class CountedSweep : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _ran = [];

    public CountedSweep()
    {
        foreach (int i in Enumerable.Range(0, 4))
        {
            _folder.Write($"pictures/{i}.png", $"picture {i}");
            _folder.Write($"pictures/{i}.txt", $"a caption {i}");
        }
        Stages = [.. StandardStages.All.Select(s => s with { Run = c => Run(s.Kind, c) })];
    }

    public IReadOnlyList<StageDefinition> Stages { get; }

    public RunFolder Folder => new(_folder.File("run"));

    /// <summary>Called by every stage before it writes.</summary>
    public Action<string> Before { get; set; } = _ => { };

    /// <summary>An experiment over four pictures of a folder of its own.</summary>
    public string Yaml(string more) => $"data: {{ source: folder, path: {_folder.File("pictures")} }}\n{more}\n";

    public void Write(string name, string text) => _folder.Write(name, text);

    public void Move(string from, string to) => Directory.Move(_folder.File(from), _folder.File(to));

    /// <summary>Runs it and says what was run, by kind, and how many cells were kept.</summary>
    public (IReadOnlyDictionary<string, int> Ran, int Kept) Sweep(string yaml, bool accept = false, string code = "code one", CancellationToken cancellation = default)
    {
        _ran.Clear();
        Experiment experiment = ExperimentFile.Load(_folder.Write("e.yaml", yaml));
        Plan plan = Experiments.Sweep.Prepare(Folder, Plan.Make(experiment, Stages), accept);
        SweepOutcome outcome = new SweepRunner(Folder, plan, experiment, Stages, new SweepOptions { Code = code }).Run(cancellation);
        Assert.Empty(outcome.Failed);
        Experiments.Sweep.Judge(Folder, plan);
        return (_ran.GroupBy(r => r).ToDictionary(g => g.Key, g => g.Count()), outcome.Skipped);
    }

    public IReadOnlyList<CellResult> Results() => Folder.ReadResults(Folder.RequirePlan());

    public void Dispose() => _folder.Dispose();

    private void Run(string kind, StageContext context)
    {
        _ran.Add(kind);
        Before(kind);
        context.Cancellation.ThrowIfCancellationRequested();
        File.WriteAllText(Path.Combine(context.Directory, "summary.json"), $"{{\"{kind}.number\": {context.Config.Seed + context.Config.Model.InputNoise}}}");
        if (kind == "model")
        {
            Directory.CreateDirectory(Path.Combine(context.Directory, "model"));
            File.WriteAllText(Path.Combine(context.Directory, "model", "config.json"), """{ "hidden_size": 32, "nextstep_research": { "imageSize": 32 } }""");
        }
    }
}
