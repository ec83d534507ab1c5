namespace NextStep.Research.Experiments;

/// <summary>
/// A hash of what an experiment file asks: its arms with all that differs from the defaults, its seeds and its tests. Comments, the question and what a
/// sceptic says are not in it, and neither are settings of a later version that the file does not use.
/// </summary>
internal static class ExperimentDigest
{
    private static readonly IReadOnlyDictionary<string, string> Defaults = ConfigPath.Texts(new ResearchConfig());

    /// <summary>16 hexadecimal digits.</summary>
    public static string Of(Experiment experiment) => StageKey.Hash(string.Join('\n',
    [
        .. experiment.Arms.Select(a => $"arm {a.Name}: {string.Join("; ", Asked(a.Config))}"),
        $"seeds {string.Join(", ", experiment.Seeds)}",
        .. experiment.Claims.Select(c => $"claim {c.Say}: {c.Test}"),
    ]));

    private static IEnumerable<string> Asked(ResearchConfig config) => ConfigPath.Texts(config)
        .Where(t => t.Key is not ("device" or "seed") && Defaults.GetValueOrDefault(t.Key) != t.Value).OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => $"{t.Key}={t.Value}");
}
