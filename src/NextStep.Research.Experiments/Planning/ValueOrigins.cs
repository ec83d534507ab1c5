namespace NextStep.Research.Experiments;

/// <summary>Where the values of an experiment's arms were given.</summary>
/// <param name="sections">The file.</param>
/// <param name="settings">From the command line.</param>
/// <param name="named">The arms that have names.</param>
internal sealed class ValueOrigins(ExperimentSections sections, IReadOnlyList<Assignment> settings, IReadOnlyList<ArmSource> named)
{
    /// <summary>Every problem of every arm, each once, where its value was given.</summary>
    public IEnumerable<ConfigError> Check(IReadOnlyList<Arm> arms) =>
        arms.SelectMany(arm => ConfigProblem.Of(arm.Config).Select(p => Error(arm, p))).DistinctBy(e => (e.File, e.Line, e.Path, e.Message.Split(" (arm ")[0]));

    private ConfigError Error(Arm arm, ConfigProblem problem)
    {
        foreach (string path in problem.Paths)
        {
            if (Find(arm, path) is var (file, line))
            {
                return new ConfigError(file, line, path, arm.Name == Arm.Baseline ? problem.Message : $"{problem.Message} (arm '{arm.Name}')");
            }
        }
        return new ConfigError(sections.File, 0, problem.Paths[0], problem.Message);
    }

    private (string File, int Line)? Find(Arm arm, string path)
    {
        Assignment? given = named.FirstOrDefault(n => n.Name == arm.Name)?.Values.LastOrDefault(v => v.Key.Path == path);
        if (given is null && arm.Differences.ContainsKey(path) && sections.FindAxis(path) is { } axis)
        {
            return axis;
        }
        given ??= settings.LastOrDefault(v => v.Key.Path == path) ?? sections.Values.LastOrDefault(v => v.Key.Path == path);
        return given is null ? null : (given.File, given.Line);
    }
}
