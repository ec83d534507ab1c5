using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>The Slurm task that this process is, as its environment tells.</summary>
/// <param name="Id">What <c>scontrol requeue</c> takes: <c>12_3</c>, never the bare job id, which may mean the whole array.</param>
/// <param name="Restarts">How often Slurm has started it again.</param>
/// <param name="End">When its time is over; null where Slurm does not say.</param>
/// <param name="Cores">Cores given to it; null where Slurm does not say.</param>
internal sealed record SlurmTask(string Id, int Restarts, DateTimeOffset? End, int? Cores)
{
    /// <summary>Null outside of Slurm.</summary>
    public static SlurmTask? Current { get; } = Read(Environment.GetEnvironmentVariable);

    /// <summary>Reads it from variables.</summary>
    public static SlurmTask? Read(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        string? array = variable("SLURM_ARRAY_JOB_ID"), index = variable("SLURM_ARRAY_TASK_ID"), job = variable("SLURM_JOB_ID");
        return string.IsNullOrEmpty(job) ? null : new SlurmTask(
            string.IsNullOrEmpty(array) || string.IsNullOrEmpty(index) ? job : $"{array}_{index}",
            (int?)Number("SLURM_RESTART_COUNT") ?? 0,
            Number("SLURM_JOB_END_TIME") is { } end ? DateTimeOffset.FromUnixTimeSeconds(end) : null,
            (int?)Number("SLURM_CPUS_PER_TASK"));

        long? Number(string name) => long.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
    }
}
