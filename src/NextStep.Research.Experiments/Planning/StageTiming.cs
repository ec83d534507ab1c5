using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>What a stage took once on this machine, as time and disk = fixed part + part that grows with its work.</summary>
/// <param name="Kind">The stage.</param>
/// <param name="Config">The configuration that it ran with.</param>
/// <param name="Seconds">Of the fixed part.</param>
/// <param name="SecondsPerWork">An image, a sample …</param>
/// <param name="Bytes">On disk, fixed part.</param>
/// <param name="BytesPerWork">On disk, an image.</param>
internal sealed record StageTiming(string Kind, ResearchConfig Config, double Seconds, double SecondsPerWork, double Bytes, double BytesPerWork)
{
    private readonly IReadOnlyDictionary<string, string> _texts = Texts(Config);

    /// <summary>Everything but the seed in which the configurations can differ.</summary>
    public static IReadOnlyDictionary<string, string> Texts(ResearchConfig config) => ConfigPath.Texts(config).Where(t => t.Key != "seed").ToDictionary();

    /// <summary>The amount of work of a stage; null where its time does not grow, 0 where the amount is open.</summary>
    public static double? Amount(StageDefinition stage, ResearchConfig config) =>
        stage.Work is { } work ? Convert.ToDouble(ConfigPath.Get(config, work.Path), CultureInfo.InvariantCulture) : null;

    /// <summary>How unlike another configuration is: what the stage reads itself counts first, then all the rest.</summary>
    public int Distance(StageDefinition stage, IReadOnlyDictionary<string, string> other)
    {
        int distance = 0;
        foreach ((string path, string text) in _texts)
        {
            if (path != stage.Work?.Path && text != other.GetValueOrDefault(path))
            {
                distance += StageSharing.Reads(stage, path) || path == "device" ? 1000 : 1;
            }
        }
        return distance;
    }
}

/// <summary>Time and disk that a stage will probably take.</summary>
/// <param name="Seconds">Time.</param>
/// <param name="Bytes">Disk.</param>
/// <param name="Distance">0: the same configuration was measured.</param>
internal sealed record StageEstimate(double Seconds, double Bytes, int Distance)
{
    /// <summary>From the most similar timing; null without any.</summary>
    public static StageEstimate? Of(StageDefinition stage, ResearchConfig config, IReadOnlyList<StageTiming> timings)
    {
        IReadOnlyDictionary<string, string> texts = StageTiming.Texts(config);
        (StageTiming Timing, int Distance)? nearest = null;
        foreach (StageTiming timing in timings.Where(t => t.Kind == stage.Kind))
        {
            int distance = timing.Distance(stage, texts);
            nearest = nearest is null || distance < nearest.Value.Distance ? (timing, distance) : nearest;
        }
        if (nearest is not { } found)
        {
            return null;
        }
        double amount = StageTiming.Amount(stage, config) ?? 0;
        return new StageEstimate(found.Timing.Seconds + (amount * found.Timing.SecondsPerWork), found.Timing.Bytes + (amount * found.Timing.BytesPerWork), found.Distance);
    }
}
