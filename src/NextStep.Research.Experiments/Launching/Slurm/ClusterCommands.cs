using System.ComponentModel;
using System.Diagnostics;

namespace NextStep.Research.Experiments;

/// <summary>The programs of the cluster: <c>sbatch</c>, <c>squeue</c>, <c>scontrol</c>, <c>sacct</c>.</summary>
internal interface IClusterCommands
{
    /// <summary>Runs one to its end.</summary>
    /// <param name="program">Its name.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="input">What it reads from standard input.</param>
    /// <exception cref="InvalidOperationException">This machine has no such program.</exception>
    ProgramReply Run(string program, IReadOnlyList<string> arguments, string input = "");
}

/// <summary>The real ones, found through PATH.</summary>
internal sealed class ClusterCommands : IClusterCommands
{
    /// <inheritdoc/>
    public ProgramReply Run(string program, IReadOnlyList<string> arguments, string input = "")
    {
        ProcessStartInfo start = new(program, arguments);
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
            return ProgramReply.Of(start, input);
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException($"{program} cannot be run here, so there is no Slurm to submit to: {e.Message}", e);
        }
    }
}
