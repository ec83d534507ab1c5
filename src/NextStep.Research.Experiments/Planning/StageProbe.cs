using System.Diagnostics;

namespace NextStep.Research.Experiments;

/// <summary>Measures stages by running a little of each: a warm-up, then two amounts of work, through which a line is laid.</summary>
internal static class StageProbe
{
    /// <summary>Of the arms of the first seed, in the order of the plan, this many.</summary>
    public const int MostArms = 6;

    private const int Larger = 4;

    /// <summary>Runs in temporary folders that are gone afterwards.</summary>
    /// <param name="experiment">Whose arms are probed, each with different stages from those before.</param>
    /// <param name="plan">Its plan.</param>
    /// <param name="stages">All stages, in order.</param>
    /// <param name="tell">Called with the name of every arm before it is probed.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public static IReadOnlyList<StageTiming> Run(Experiment experiment, Plan plan, IReadOnlyList<StageDefinition> stages, Action<string> tell, CancellationToken cancellation)
    {
        Dictionary<string, ResearchConfig> configs = experiment.Arms.ToDictionary(a => a.Name, a => a.Config);
        List<StageTiming> timings = [];
        HashSet<string> seen = [];
        PlannedCell[] cells = [.. plan.Cells.Where(c => c.Seed == experiment.Seeds[0] && IsNew(c)).Take(MostArms)];
        bool warm = false;
        foreach (PlannedCell cell in cells)
        {
            tell(cell.Arm);
            ResearchConfig config = configs[cell.Arm] with { Seed = cell.Seed };
            if (!warm)
            {
                Pass(config, 1, stages, cancellation);
                warm = true;
            }
            Measured[] small = Pass(config, 1, stages, cancellation), large = Pass(config, Larger, stages, cancellation);
            timings.AddRange(StageDefinition.Needed(stages, config).Select((stage, i) => Line(stage, config, small[i], large[i])));
        }
        return timings;

        bool IsNew(PlannedCell cell)
        {
            int before = seen.Count;
            seen.UnionWith(cell.Stages.Select(s => s.Key));
            return seen.Count > before;
        }
    }

    private sealed record Measured(double Work, double Seconds, double Bytes);

    private static Measured[] Pass(ResearchConfig config, int times, IReadOnlyList<StageDefinition> stages, CancellationToken cancellation)
    {
        foreach (StageWork work in stages.Select(s => s.Work).OfType<StageWork>().DistinctBy(w => w.Path))
        {
            long whole = Convert.ToInt64(ConfigPath.Get(config, work.Path), System.Globalization.CultureInfo.InvariantCulture), little = (long)work.Probe * times;
            if (whole > little)
            {
                config = ConfigPath.Set(config, work.Path, ConfigSchema.Find(work.Path)!.Type == typeof(long) ? (object)little : (int)little);
            }
        }
        using ScratchFolder folder = new("nextstep-probe-");
        using CpuThreads? threads = CpuThreads.Use(config.Threads);
        Dictionary<string, string> inputs = [];
        List<Measured> measured = [];
        foreach (StageDefinition stage in StageDefinition.Needed(stages, config))
        {
            cancellation.ThrowIfCancellationRequested();
            DirectoryInfo place = Directory.CreateDirectory(Path.Combine(folder.Path, stage.Kind));
            Stopwatch clock = Stopwatch.StartNew();
            stage.Run(new StageContext { Config = config, Directory = place.FullName, Inputs = new Dictionary<string, string>(inputs), Progress = _ => { }, Cancellation = cancellation });
            measured.Add(new Measured(StageTiming.Amount(stage, config) ?? 0, clock.Elapsed.TotalSeconds, place.EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => (double)f.Length)));
            inputs[stage.Kind] = place.FullName;
        }
        return [.. measured];
    }

    private static StageTiming Line(StageDefinition stage, ResearchConfig config, Measured small, Measured large)
    {
        double work = large.Work - small.Work;
        (double Fixed, double PerWork) Through(double a, double b)
        {
            double slope = work > 0 ? Math.Max(0, (b - a) / work) : 0;
            return (Math.Max(0, b - (slope * large.Work)), slope);
        }
        (double seconds, double secondsPerWork) = Through(small.Seconds, large.Seconds);
        (double bytes, double bytesPerWork) = Through(small.Bytes, large.Bytes);
        return new StageTiming(stage.Kind, config, seconds, secondsPerWork, bytes, bytesPerWork);
    }
}
