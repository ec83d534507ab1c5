namespace NextStep.Research.Experiments.Tests.Identity;

/// <summary>A folder in which sweeps run with the real stages' kinds, versions and keys, but with work that takes no time and is counted.</summary>
internal sealed class CountedSweep : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _ran = [];
    private string _pictures = "pictures";

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

    /// <summary>Stops a sweep.</summary>
    public CancellationTokenSource? Stop { get; set; }

    /// <summary>An experiment over four pictures of a folder of its own.</summary>
    public string Yaml(string more) => $"data: {{ source: folder, path: {_folder.File(_pictures)} }}\n{more}";

    public void Write(string name, string text) => _folder.Write(name, text);

    public string File(string name) => _folder.File(name);

    public Experiment Load(string yaml) => ExperimentFile.Load(_folder.Write("e.yaml", yaml));

    public void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(_folder.File(from)))
        {
            _folder.Write($"{to}/{Path.GetFileName(file)}", System.IO.File.ReadAllText(file));
        }
    }

    public void Move(string from, string to)
    {
        Directory.Move(_folder.File(from), _folder.File(to));
        _pictures = to;
    }

    /// <summary>Runs it and says what was run, by kind, and how many cells were kept.</summary>
    public (IReadOnlyDictionary<string, int> Ran, int Kept) Sweep(string yaml, bool accept = false, string code = "code one")
    {
        _ran.Clear();
        Experiment experiment = Load(yaml);
        Plan plan = Experiments.Sweep.Prepare(Folder, Plan.Make(experiment, Stages), accept);
        SweepOutcome outcome = new SweepRunner(Folder, plan, experiment, Stages, new SweepOptions { Code = code }).Run(Stop?.Token ?? CancellationToken.None);
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
        System.IO.File.WriteAllText(Path.Combine(context.Directory, "summary.json"), $"{{\"{kind}.number\": {context.Config.Seed + context.Config.Model.InputNoise}}}");
        if (kind == "model")
        {
            Directory.CreateDirectory(Path.Combine(context.Directory, "model"));
            System.IO.File.WriteAllText(Path.Combine(context.Directory, "model", "config.json"), """{ "hidden_size": 32, "nextstep_research": { "imageSize": 32 } }""");
        }
    }
}
