using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>What to ask Slurm for: the <c>slurm</c> node of an experiment file, overridden by <c>--slurm key=value</c>.</summary>
public sealed record SlurmOptions
{
    /// <summary>The keys.</summary>
    public static IReadOnlyList<string> Names { get; } = ["partition", "time", "memory", "gpus", "cpus", "concurrency", "warning", "flags"];

    /// <summary>The partition; null: the cluster's default.</summary>
    public string? Partition { get; init; }

    /// <summary>The time limit of a task as Slurm writes it (<c>4:00:00</c>, <c>2-12</c>, minutes); null: the partition's. What takes longer is continued by the next start.</summary>
    public string? Time { get; init; }

    /// <summary>Memory of a task, for instance <c>16G</c>; null: the cluster's default.</summary>
    public string? Memory { get; init; }

    /// <summary>GPUs of a task.</summary>
    public int Gpus { get; init; }

    /// <summary>Cores of a task, and threads that it computes with.</summary>
    public int Cpus { get; init; } = 1;

    /// <summary>Tasks that run at once at most; 0: as many as the cluster lets.</summary>
    public int Concurrency { get; init; }

    /// <summary>Seconds before the time limit at which a task saves its checkpoint; Slurm may come up to a minute early.</summary>
    public int Warning { get; init; } = 120;

    /// <summary>Further flags for <c>sbatch</c>, for instance <c>--account=lab</c>.</summary>
    public IReadOnlyList<string> Flags { get; init; } = [];

    /// <summary>With one key changed.</summary>
    /// <exception cref="FormatException">No such key, or no such value; the message says what is right.</exception>
    public SlurmOptions With(string key, string value) => key switch
    {
        "partition" => this with { Partition = value },
        "time" => this with { Time = Seconds(value) is > 0 ? value : throw new FormatException($"'{value}' is no time; write minutes, hours:minutes:seconds or days-hours") },
        "memory" => this with { Memory = IsMemory(value) ? value : throw new FormatException($"'{value}' is no amount of memory; write for instance 16G") },
        "gpus" => this with { Gpus = Number(value, 0, 1024) },
        "cpus" => this with { Cpus = Number(value, 1, 4096) },
        "concurrency" => this with { Concurrency = Number(value, 0, 1_000_000) },
        "warning" => this with { Warning = Number(value, 1, 65535) },
        "flags" => this with { Flags = [.. Flags, value.StartsWith('-') ? value : throw new FormatException($"'{value}' is no flag for sbatch; flags begin with a dash")] },
        _ => throw new FormatException("unknown key" + NearestName.Hint(key, Names)),
    };

    /// <summary>The time limit in seconds; null when it is none or not understood.</summary>
    internal static long? Seconds(string? time)
    {
        if (time is null)
        {
            return null;
        }
        string[] days = time.Split('-');
        long[] parts = [.. days[^1].Split(':').Select(p => long.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out long n) && n < 1_000_000 ? n : -1)];
        long day = days.Length == 1 ? 0 : long.TryParse(days[0], NumberStyles.None, CultureInfo.InvariantCulture, out long d) && d < 10_000 ? d : -1;
        if (days.Length > 2 || day < 0 || parts.Length > 3 || parts.Contains(-1))
        {
            return null;
        }
        // Behind days the first number is hours; alone it is minutes; of two it is minutes, of three hours.
        long[] weights = days.Length == 2 ? [3600, 60, 1] : parts.Length == 3 ? [3600, 60, 1] : [60, 1];
        return (day * 86400) + parts.Zip(weights, (n, w) => n * w).Sum();
    }

    private static bool IsMemory(string text) => text.Length is > 0 and < 12 && text[..^1].All(char.IsAsciiDigit) && (char.IsAsciiDigit(text[^1]) || (text.Length > 1 && "KMGT".Contains(text[^1])));

    private static int Number(string value, int least, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most
            ? number
            : throw new FormatException($"'{value}' is not a whole number from {least} to {most}");
}
