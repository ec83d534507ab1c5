namespace NextStep.Research.Experiments;

/// <summary>What submissions share.</summary>
internal static class SlurmSubmit
{
    /// <summary>Hands a script to sbatch; the job's id.</summary>
    /// <exception cref="InvalidOperationException">It refuses; the message is its own.</exception>
    public static string Send(IClusterCommands commands, string script, IReadOnlyList<string> flags)
    {
        ProgramReply reply = commands.Run("sbatch", ["--parsable", .. flags], script);
        string id = reply.Output.Trim().Split('\n')[^1].Split(';')[0];
        return reply.ExitCode == 0 && id.Length > 0 && id.All(char.IsAsciiDigit)
            ? id
            : throw new InvalidOperationException($"sbatch refused {flags[0].Split('=')[^1]}: {(reply.Error.Length > 0 ? reply.Error : reply.Output.Trim())}");
    }

    /// <summary>afterany: with afterok a failure would leave the rest waiting for ever.</summary>
    public static string[] After(IReadOnlyList<string> jobs) => jobs.Count == 0 ? [] : [$"--dependency=afterany:{string.Join(':', jobs)}"];
}
