namespace NextStep.Research.Experiments.Tests.Workers;

/// <summary>A run folder with a sweep of <see cref="StubStages"/>, ready for workers.</summary>
internal sealed class StubSweep
{
    private readonly Experiment _experiment;

    public StubSweep(TemporaryFolder folder, string name, string yaml)
    {
        _experiment = ExperimentFile.Load(folder.Write(name + ".yaml", yaml));
        Folder = new RunFolder(folder.File(name));
        Plan = Sweep.Prepare(Folder, Plan.Make(_experiment, StubStages.All), false);
        CellConfigs.Write(Folder, Plan, _experiment);
    }

    public RunFolder Folder { get; }

    public Plan Plan { get; }

    /// <summary>A grid of seeds and head widths: one shared stage a seed, one of its own a cell.</summary>
    /// <param name="widths">Arms.</param>
    /// <param name="seeds">Seeds.</param>
    /// <param name="steps">Of each stage.</param>
    /// <param name="milliseconds">Of each step.</param>
    /// <param name="more">Further lines.</param>
    public static string Grid(int widths, int seeds, int steps, int milliseconds, string more = "") => string.Create(System.Globalization.CultureInfo.InvariantCulture, $$"""
        training:
          autoencoder: { images: {{steps}}, batchSize: {{milliseconds}} }
          model: { images: {{steps}}, batchSize: {{milliseconds}} }
        axes: { model.head.width: [{{string.Join(", ", Enumerable.Range(1, widths).Select(i => 64 * i))}}] }
        seeds: [{{string.Join(", ", Enumerable.Range(0, seeds))}}]
        {{more}}
        """);

    public SweepOutcome RunHere() => new SweepRunner(Folder, Plan, _experiment, StubStages.All, new SweepOptions()).Run(TestContext.Current.CancellationToken);

    /// <summary>As Ctrl-C after so many steps of all stages.</summary>
    public void RunAndStop(int after)
    {
        using CancellationTokenSource stop = new();
        int steps = 0;
        new SweepRunner(Folder, Plan, _experiment, StubStages.All, new SweepOptions
        {
            Report = e =>
            {
                if (e is SweepEvent.StageProgressed && ++steps == after)
                {
                    stop.Cancel();
                }
            },
        }).Run(stop.Token);
    }

    public SweepOutcome RunPool(int jobs, SweepOptions? options = null) => RunPool(WorkerPlaces.AsConfigured(jobs), options);

    public SweepOutcome RunPool(WorkerPlaces places, SweepOptions? options = null) =>
        new WorkerPool(Folder, Plan, StubWorker.Command, places, options ?? new SweepOptions()).Run(TestContext.Current.CancellationToken);

    /// <summary>Processes that hold a lease now.</summary>
    public IReadOnlyList<int> Workers() => [.. Plan.Cells
        .Select(c => Lease.Look(Lease.FileOf(Folder, c)).Owner)
        .OfType<LeaseOwner>().Where(o => o.IsAlive() == true).Select(o => o.Process).Distinct()];

    /// <summary>Files that differ from those of another run.</summary>
    public IReadOnlyList<string> DifferencesTo(StubSweep other) =>
        [.. RunComparison.Compare(Folder.Path, other.Folder.Path).Differences.Where(d => !d.EndsWith(".lock", StringComparison.Ordinal))];

    /// <summary>Stages that two processes were in at once.</summary>
    public IReadOnlyList<string> Overlaps() => [.. Directory.EnumerateFiles(Folder.Path, "*.overlap", SearchOption.AllDirectories)];
}
