using System.CommandLine;
using NextStep.Research.Experiments;

namespace NextStep.Research.Cli;

/// <summary>Options and arguments that several verbs have.</summary>
internal static class SharedOptions
{
    public static Argument<string> ExperimentFile() => new("FILE") { Description = "An experiment file (YAML)." };

    public static Argument<string> RunFolder() => new("DIR") { Description = "A run folder, for instance runs/quickstart." };

    public static Option<string[]> Set() => new("--set") { Description = "key=value: overrides a config key for all arms; repeatable." };

    public static Option<string?> Out() => new("--out", "-o") { Description = "The run folder; default: runs/<name>." };

    public static Option<string?> Device() => new("--device") { Description = "cpu or cuda:0; default: as configured." };

    /// <summary>The <c>--set</c> values, with <c>--device</c> among them.</summary>
    public static IReadOnlyList<string> Overrides(string[]? set, string? device) => [.. set ?? [], .. device is null ? Array.Empty<string>() : [$"device={device}"]];

    /// <summary>Refuses arm names that the experiment does not have.</summary>
    public static IReadOnlyList<string> Only(string[]? names, Experiment experiment)
    {
        string[] known = [.. experiment.Arms.Select(a => a.Name)];
        foreach (string name in names ?? [])
        {
            if (!known.Contains(name))
            {
                throw new ConfigException(new ConfigError("--only", 0, "", $"there is no arm '{name}'; arms: {string.Join(", ", known)}"));
            }
        }
        return names ?? [];
    }
}
