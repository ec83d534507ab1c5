using System.CommandLine;
using System.IO.Enumeration;
using NextStep.Research.Experiments;

namespace NextStep.Research.Cli;

/// <summary>Options and arguments that several verbs have.</summary>
internal static class SharedOptions
{
    private const int MostNamed = 24;

    public static Argument<string> ExperimentFile() => new("FILE") { Description = "An experiment file (YAML)." };

    public static Option<bool> AcceptChangedPlan() => new("--accept-changed-plan") { Description = "Go on in a folder that was begun with another plan; what still fits is kept." };

    public static Argument<string> RunFolder() => new("DIR") { Description = "A run folder, for instance runs/quickstart." };

    public static Option<string[]> Set() => new("--set") { Description = "key=value: overrides a config key for all arms; repeatable." };

    public static Option<string?> Out() => new("--out", "-o") { Description = "The run folder; default: runs/<name>." };

    public static Option<string?> Device() => new("--device") { Description = "cpu or cuda:0; default: as configured." };

    /// <summary>The <c>--set</c> values, with <c>--device</c> among them.</summary>
    public static IReadOnlyList<string> Overrides(string[]? set, string? device) => [.. set ?? [], .. device is null ? Array.Empty<string>() : [$"device={device}"]];

    /// <summary>Which weights of a model's folder or of a training checkpoint.</summary>
    public static Option<WeightChoice?> Weights() => new("--weights") { Description = "ema or model: the running average of the weights, or those of the last step; default: ema where there is one." };

    /// <summary>A scheme of quantized weights, by its name.</summary>
    public static Option<WeightScheme?> Quantization(Option<WeightScheme?> option)
    {
        option.HelpName = "int8:GROUP|int4:GROUP";
        option.CustomParser = result =>
        {
            WeightScheme? scheme = WeightScheme.Parse(result.Tokens[0].Value);
            if (scheme is null)
            {
                result.AddError($"There is no quantization '{result.Tokens[0].Value}'; use int8:GROUP or int4:GROUP with groups of 32, 64 or 128.");
            }
            return scheme;
        };
        return option;
    }

    /// <summary>An output picture: its ending says the kind, and one that cannot be written is refused; without an ending it is PNG in a folder.</summary>
    public static Option<string> Picture(Option<string> output)
    {
        output.Validators.Add(r =>
        {
            string value = r.Tokens.Count == 1 ? r.Tokens[0].Value : "";
            string ending = Path.GetExtension(value);
            if (value.Length > 0 && !Directory.Exists(value) && value[^1] is not ('/' or '\\') && !ImageFile.WrittenExtensions.Contains(ending, StringComparer.OrdinalIgnoreCase))
            {
                r.AddError($"{output.Name} is '{value}', but pictures are written as {string.Join(", ", ImageFile.WrittenExtensions)}; call it {Path.GetFileNameWithoutExtension(value)}.png, or end it in / for a folder.");
            }
        });
        return output;
    }

    public static Option<bool> Json() => new("--json") { Description = "Print JSON for programs." };

    public static Option<bool> MixCode() => new("--mix-code") { Description = "Test cells against each other although different code computed them." };

    public static Option<bool> All() => new("--all") { Description = "Show every row." };

    public static Option<int?> Jobs()
    {
        Option<int?> jobs = new("--jobs", "-j") { Description = "Processes that share the cells; results do not depend on it (set threads=N for that of a cell). Default: as many as keep the cores busy, at most one a cell; on a GPU one, where several share it." };
        jobs.Validators.Add(r => { if (r.GetValueOrDefault<int?>() is < 1 or > 256) { r.AddError("--jobs must be between 1 and 256."); } });
        return jobs;
    }

    /// <summary>As many as keep the cores busy with the threads that the plan gives to a cell.</summary>
    public static int DefaultJobs(Experiment experiment) => experiment.Arms[0].Config.Device == "cpu" ? CellThreads.Jobs(experiment) : 1;

    /// <summary>How long it may take.</summary>
    public static (Option<double?> Hours, Option<string?> Until) Budget() => (
        new("--max-hours") { Description = "Stop after so many hours: cells save their checkpoints, and the same command goes on." },
        new("--until") { Description = "Stop at this time, for instance 07:00 or \"2026-11-29 07:00\"." });

    /// <summary>What the two options say; null when neither is given.</summary>
    public static SweepBudget? Budget(double? hours, string? until)
    {
        try
        {
            return SweepBudget.EndOf(hours, until, TimeProvider.System) is { } end ? new SweepBudget(end, TimeProvider.System) : null;
        }
        catch (FormatException e)
        {
            throw Wrong(e);
        }
    }

    /// <summary>A wrong value of an option; the message begins with its name.</summary>
    public static ConfigException Wrong(FormatException e)
    {
        string[] parts = e.Message.Split(": ", 2);
        return new ConfigException(new ConfigError(parts[0], 0, "", parts[^1]));
    }

    public static Option<string?> Devices() => new("--devices") { Description = "Devices to deal the processes out over, as in cuda:0,cuda:1; one process a name unless --jobs says more." };

    /// <summary>How many processes on which devices.</summary>
    public static WorkerPlaces Places(string? devices, int? jobs, Experiment experiment)
    {
        if (devices is not null && experiment.Arms.Select(a => a.Config.Device).Distinct().Count() > 1)
        {
            throw new ConfigException(new ConfigError("--devices", 0, "", "the arms of this experiment differ in their device; leave --devices out"));
        }
        try
        {
            return devices is null ? WorkerPlaces.AsConfigured(jobs ?? DefaultJobs(experiment)) : WorkerPlaces.Over(devices, jobs);
        }
        catch (FormatException e)
        {
            throw Wrong(e);
        }
    }

    public static Option<string[]> OnlyArms() => new("--only") { Description = "Only these arms: a name or a pattern with * and ?; repeatable." };

    /// <summary>The names of the arms that any of the patterns fits; refuses one that fits none.</summary>
    public static IReadOnlyList<string> Only(string[]? patterns, Experiment experiment) => Only(patterns, [.. experiment.Arms.Select(a => a.Name)], experiment.Search);

    /// <summary>The same for a plan's arms.</summary>
    public static IReadOnlyList<string> Only(string[]? patterns, IReadOnlyList<string> known, SearchPlan? search)
    {
        if (patterns is { Length: > 0 } && search is { Rungs.Count: > 0 })
        {
            throw new ConfigException(new ConfigError("--only", 0, "", "this is a search by halving, whose rungs are decided over all arms; leave --only out"));
        }
        List<string> chosen = [];
        foreach (string pattern in patterns ?? [])
        {
            string[] fitting = [.. known.Where(n => n == pattern || FileSystemName.MatchesSimpleExpression(pattern, n, ignoreCase: false))];
            if (fitting.Length == 0)
            {
                string hint = NearestName.Find(pattern, known) is { } near ? $"; did you mean '{near}'?" : $"; arms: {string.Join(", ", known.Take(MostNamed))}{(known.Count > MostNamed ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $" and {known.Count - MostNamed} more") : "")}";
                throw new ConfigException(new ConfigError("--only", 0, "", $"there is no arm '{pattern}'{hint}"));
            }
            chosen.AddRange(fitting);
        }
        return [.. known.Where(chosen.Contains)];
    }
}
