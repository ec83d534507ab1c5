using System.Globalization;

namespace NextStep.Research.Experiments;

/// <summary>
/// With how many CPU threads the cells of an experiment compute: as its file says; else as the run folder was begun; else the machine's cores shared by as many
/// cells as can run at once. Never by <c>--jobs</c>: one experiment gives the same bits however many processes work on it.
/// </summary>
internal static class CellThreads
{
    /// <summary>Cores that may be used here: <c>OMP_NUM_THREADS</c> where it is set.</summary>
    public static int Cores =>
        int.TryParse(Environment.GetEnvironmentVariable("OMP_NUM_THREADS"), NumberStyles.None, CultureInfo.InvariantCulture, out int limit) && limit > 0
            ? Math.Min(limit, Environment.ProcessorCount) : Environment.ProcessorCount;

    /// <summary>The experiment with a number of threads in every arm.</summary>
    /// <param name="experiment">As read.</param>
    /// <param name="folder">Where it will run; what was begun there goes on with its own number. Null: nowhere yet.</param>
    /// <param name="cores">Of the machine that computes; null: of this one.</param>
    public static Experiment Settle(Experiment experiment, RunFolder? folder, int? cores = null)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        return experiment.Arms.All(a => a.Config.Threads is not null) ? experiment : SettleAs(experiment, folder?.ReadPlan(), cores);
    }

    /// <summary>The same where the plan of the folder was read already; null: nothing was begun there.</summary>
    public static Experiment SettleAs(Experiment experiment, Plan? before, int? cores = null)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        if (experiment.Arms.All(a => a.Config.Threads is not null))
        {
            return experiment;
        }
        int cells = experiment.Arms.Count * experiment.Seeds.Count, available = Math.Max(1, cores ?? Cores);
        string? begun = before?.Config.GetValueOrDefault("threads");
        if (begun == "null")
        {
            return experiment; // begun by a program that left it open
        }
        int threads = begun is not null ? int.Parse(begun, CultureInfo.InvariantCulture) : Math.Max(1, available / Math.Clamp(cells, 1, available));
        return experiment with
        {
            Arms = [.. experiment.Arms.Select(a => a.Config.Threads is not null ? a : a with { Config = a.Config with { Threads = threads } })],
        };
    }

    /// <summary>How many processes keep <paramref name="cores"/> busy with the cells of a settled experiment.</summary>
    public static int Jobs(Experiment experiment, int? cores = null)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        int threads = experiment.Arms.Max(a => a.Config.Threads ?? 1);
        return Math.Min(experiment.Arms.Count * experiment.Seeds.Count, Math.Max(1, (cores ?? Cores) / threads));
    }
}
