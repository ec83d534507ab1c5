using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>The batch script and the flags it is submitted with.</summary>
internal static class SlurmScript
{
    /// <summary>A script that becomes the program, so that Slurm's signals reach it and not a shell in front of it.</summary>
    /// <param name="line">The program and its arguments.</param>
    /// <param name="last">A last argument, as the shell should read it.</param>
    public static string Of(IEnumerable<string> line, string last = "") => $"""
        #!/bin/bash
        export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK MKL_NUM_THREADS=$SLURM_CPUS_PER_TASK
        exec {string.Join(' ', line.Select(Quote))} {last}

        """.Replace("\r", "", StringComparison.Ordinal);

    /// <summary>What every task gets.</summary>
    public static IEnumerable<string> Flags(SlurmOptions options)
    {
        yield return "--requeue";
        yield return "--open-mode=append";
        // B: to the batch process alone, which is the program. A warning longer than half the limit would leave no time to work.
        long warning = SlurmOptions.Seconds(options.Time) is { } limit ? Math.Min(options.Warning, Math.Max(1, limit / 2)) : options.Warning;
        yield return string.Create(CultureInfo.InvariantCulture, $"--signal=B:USR2@{warning}");
        yield return string.Create(CultureInfo.InvariantCulture, $"--cpus-per-task={options.Cpus}");
        if (options.Partition is not null)
        {
            yield return $"--partition={options.Partition}";
        }
        if (options.Time is not null)
        {
            yield return $"--time={options.Time}";
        }
        if (options.Memory is not null)
        {
            yield return $"--mem={options.Memory}";
        }
        if (options.Gpus > 0)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"--gres=gpu:{options.Gpus}");
        }
        foreach (string flag in options.Flags)
        {
            yield return flag;
        }
    }

    /// <summary>What the job that writes the report gets: where and on whose account it runs as the tasks, but one core and a short time.</summary>
    public static IEnumerable<string> ReportFlags(SlurmOptions options)
    {
        string[] ours = ["--requeue", "--open-mode=append", "--cpus-per-task=1", "--time=10"];
        // sbatch takes the last of two.
        return [.. options.Partition is null ? [] : (string[])[$"--partition={options.Partition}"], .. options.Flags, .. ours];
    }

    /// <summary>A path in a pattern of sbatch, in which a percent sign begins a symbol.</summary>
    public static string LogPattern(string folder, string pattern) => Path.Combine(folder.Replace("%", "%%", StringComparison.Ordinal), pattern);

    private static string Quote(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
