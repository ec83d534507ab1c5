using System.ComponentModel;
using System.Diagnostics;

namespace NextStep.Research.Experiments;

/// <summary>What a cluster's program answered.</summary>
internal sealed record ClusterReply(int ExitCode, string Output, string Error);

/// <summary>The programs of the cluster: <c>sbatch</c>, <c>squeue</c>, <c>scontrol</c>, <c>sacct</c>.</summary>
internal interface IClusterCommands
{
    /// <summary>Runs one to its end.</summary>
    /// <param name="program">Its name.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="input">What it reads from standard input.</param>
    /// <exception cref="InvalidOperationException">This machine has no such program.</exception>
    ClusterReply Run(string program, IReadOnlyList<string> arguments, string input = "");
}

/// <summary>The real ones, found through PATH.</summary>
internal sealed class ClusterCommands : IClusterCommands
{
    /// <inheritdoc/>
    public ClusterReply Run(string program, IReadOnlyList<string> arguments, string input = "")
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        if (program == "sbatch")
        {
            // Submitted from within a task, the new one would inherit that task's description.
            foreach (string variable in start.Environment.Keys.Where(k => k.StartsWith("SLURM_", StringComparison.Ordinal) && k != "SLURM_CONF").ToArray())
            {
                start.Environment.Remove(variable);
            }
        }
        try
        {
            using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} could not be started");
            Task<string> error = process.StandardError.ReadToEndAsync();
            process.StandardInput.Write(input);
            process.StandardInput.Close();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return new ClusterReply(process.ExitCode, output, error.GetAwaiter().GetResult().Trim());
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException($"{program} cannot be run here, so there is no Slurm to submit to: {e.Message}", e);
        }
    }
}
