namespace NextStep.Research.Experiments;

/// <summary><c>slurm/report.submission</c>: how the job that writes the report was submitted, so that it can be submitted again.</summary>
/// <param name="Script">Its script.</param>
/// <param name="Flags">For sbatch, without dependencies.</param>
internal sealed record SlurmReport(string Script, IReadOnlyList<string> Flags)
{
    private static string FileOf(RunFolder folder) => Path.Combine(SlurmArray.FolderOf(folder), "report.submission");

    /// <summary>Keeps it.</summary>
    public void Write(RunFolder folder) => RunFolder.Write(FileOf(folder), this);

    /// <summary>That of a run folder; null where none was submitted.</summary>
    public static SlurmReport? Read(RunFolder folder) => RunFolder.Read<SlurmReport>(FileOf(folder));

    /// <summary>Submits the job.</summary>
    /// <param name="jobs">It starts when these have ended, however they ended.</param>
    /// <param name="commands">The cluster.</param>
    public string Submit(IEnumerable<string> jobs, IClusterCommands commands) => SlurmSubmit.Send(commands, Script, [.. Flags, .. SlurmSubmit.After([.. jobs])]);
}

/// <summary>The job that writes the report ran before the sweep was over: a node that fails counts as the end of a task that is queued again.</summary>
internal static class SlurmReportAgain
{
    /// <summary>Submits the report's job again, behind the tasks that are not over; null when there are none.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="commands">The cluster.</param>
    /// <returns>The job's id.</returns>
    /// <exception cref="InvalidOperationException">Slurm refuses.</exception>
    public static string? SubmitIfOpen(RunFolder folder, IClusterCommands commands)
    {
        string[] living = [.. RunStatus.Read(folder, commands).Slurm.Values.Where(t => !t.IsOver).Select(t => t.Id.Split('_')[0]).Distinct()];
        return living.Length == 0 ? null : SlurmReport.Read(folder)?.Submit(living, commands);
    }
}
